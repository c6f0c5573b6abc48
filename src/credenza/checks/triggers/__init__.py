"""Triggers that show in means: in the images of a set, in what a diffusion model foresees, in its generations."""

from __future__ import annotations

from credenza.checks.triggers.amplification import Amplification, trigger_amplification
from credenza.checks.triggers.data import trigger_in_data
from credenza.checks.triggers.model import trigger_in_model
from credenza.checks.triggers.search import TriggerSearch

__all__ = [
    "Amplification",
    "TriggerSearch",
    "trigger_amplification",
    "trigger_in_data",
    "trigger_in_model",
]
