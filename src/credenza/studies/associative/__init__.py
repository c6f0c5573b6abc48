"""Associative poisoning reproduced: arXiv 2511.05177 on tables, images and texts, with an audit before training.

Names are loaded when they are first used, so that processes of a study start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.studies.associative.run import associative
    from credenza.studies.associative.settings import SCALES, Experiment, Scale
    from credenza.studies.common.study import Study

__all__ = ["SCALES", "Experiment", "Scale", "Study", "associative"]

_HOMES = {
    "SCALES": "settings",
    "Experiment": "settings",
    "Scale": "settings",
    "Study": "run",
    "associative": "run",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
