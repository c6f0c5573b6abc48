"""The data chain: a trigger's way from a poisoned set through a diffusion model into a classifier (arXiv 2512.15769).

Names are loaded when they are first used, so that processes of a study start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from credenza.models.lazy import lazy

if TYPE_CHECKING:
    from credenza.studies.chain.run import chain
    from credenza.studies.chain.settings import SCALES, Scale
    from credenza.studies.common.study import Study

__all__ = ["SCALES", "Scale", "Study", "chain"]

_HOMES = {"SCALES": "settings", "Scale": "settings", "Study": "run", "chain": "run"}

__getattr__, __dir__ = lazy(__name__, _HOMES)
