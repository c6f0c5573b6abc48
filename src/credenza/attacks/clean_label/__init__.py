"""Clean-label attacks: pictures change, labels stay right. torch is imported when an attack is carried out."""

from __future__ import annotations

from credenza.attacks.clean_label.feature_collision import FeatureCollision
from credenza.attacks.clean_label.label_consistent import LabelConsistent

__all__ = ["FeatureCollision", "LabelConsistent"]
