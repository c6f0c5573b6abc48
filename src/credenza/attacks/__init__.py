"""Attacks: what an audit is tested against. Each returns the poisoned data and an answer key."""

from __future__ import annotations

from credenza.attacks.associative import AssociativePoisoning
from credenza.attacks.base import Attack
from credenza.attacks.combined import Combined
from credenza.attacks.continuous import ContinuousPoisoning
from credenza.attacks.key import AnswerKey, Poisoned

ATTACKS = (AssociativePoisoning, ContinuousPoisoning)

__all__ = [
    "ATTACKS",
    "AnswerKey",
    "AssociativePoisoning",
    "Attack",
    "Combined",
    "ContinuousPoisoning",
    "Poisoned",
]
