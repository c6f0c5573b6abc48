"""What the user asked of an audit, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from credenza.association.multiplicity import CORRECTIONS
from credenza.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """Parameters of an audit; every threshold that can change a result is here and in the report.

    Attributes
    ----------
    fdr : false discovery rate, in (0, 0.5].
    min_strength : shifts not significantly larger than this pass, in [0, 0.5).
    correction : "bh", "by" or "permutation" (a permutation test of "anything moved" before the ladder is climbed).
    permutations : draws of that test.
    power : of the statement what a clear outcome could have missed.
    alias_share : two features are aliases when their mutual information is this share of the smaller entropy.
    min_slice : rows that a slice or a stratum needs to be looked at.
    bins, min_share : quantile bins of a continuous column; share below which a level is pooled.
    duplicate_z, duplicate_share : excess of duplicates over the reference, in standard errors and as share of rows.
    label_noise : share of wrong labels that ordinary labelling has, in [0, 0.4].
    loss_share : rows that must have an outlying loss beyond what the bulk's tail explains, as a share of a class.
    near : distance up to which two embeddings are near-duplicates, as a share of the root mean square distance of two
        rows, in (0, 0.5].
    near_bits, near_overlap : bits of 64 that the perceptual hashes of near-duplicate images may differ in, 0 to 15;
        share of their runs of words that near-duplicate texts have in common, above 0.4.
    seed : of everything random.
    """

    fdr: float = 0.05
    min_strength: float = 0.0
    correction: str = "bh"
    permutations: int = 199
    power: float = 0.8
    alias_share: float = 0.9
    min_slice: int = 100
    bins: int = 8
    min_share: float = 0.01
    duplicate_z: float = 4.0
    duplicate_share: float = 0.001
    label_noise: float = 0.02
    loss_share: float = 0.005
    near: float = 0.05
    near_bits: int = 4
    near_overlap: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.fdr <= 0.5:
            raise UsageError(f"fdr is {self.fdr}: give a number above 0 and up to 0.5")
        if not 0 <= self.min_strength < 0.5:
            raise UsageError(f"min_strength is {self.min_strength}: give a number from 0 to below 0.5")
        if self.correction not in CORRECTIONS:
            raise UsageError(f"unknown correction {self.correction!r}: use one of {', '.join(CORRECTIONS)}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise UsageError(f"seed is {self.seed!r}: give a whole number, 0 or more")
        if math.isnan(self.fdr + self.min_strength):
            raise UsageError("fdr and min_strength cannot be NaN: give numbers")

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
