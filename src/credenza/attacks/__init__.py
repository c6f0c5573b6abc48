"""Attacks: what an audit is tested against. Each returns the poisoned data and an answer key."""

from __future__ import annotations

from credenza.attacks.associative import AssociativePoisoning
from credenza.attacks.backdoor import Backdoor
from credenza.attacks.base import Attack
from credenza.attacks.clean_label import FeatureCollision, LabelConsistent
from credenza.attacks.combined import Combined
from credenza.attacks.continuous import ContinuousPoisoning
from credenza.attacks.key import AnswerKey, Poisoned
from credenza.attacks.labels import LabelFlipping
from credenza.attacks.success import attack_success_rate
from credenza.attacks.triggers import parse_trigger
from credenza.attacks.triples import TriplePoisoning

ATTACKS: tuple[type[Attack], ...] = (
    AssociativePoisoning,
    ContinuousPoisoning,
    TriplePoisoning,
    LabelFlipping,
    Backdoor,
    LabelConsistent,
    FeatureCollision,
)

__all__ = [
    "ATTACKS",
    "AnswerKey",
    "AssociativePoisoning",
    "Attack",
    "Backdoor",
    "Combined",
    "ContinuousPoisoning",
    "FeatureCollision",
    "LabelConsistent",
    "LabelFlipping",
    "Poisoned",
    "TriplePoisoning",
    "attack_success_rate",
    "parse_trigger",
]
