"""Which of a pair's two features goes less with everything else, so that editing it tears less apart."""

from __future__ import annotations

import numpy as np

from credenza.association.counts import PairCounts
from credenza.association.measures import mutual_information
from credenza.contracts import FloatArray
from credenza.data import encode
from credenza.repair.board import Board
from credenza.repair.case import Case, Cure

SAMPLE = 20_000  # rows that ties are measured on


def weaker(case: Case, cure: Cure, board: Board, seed: int) -> int:
    """0 or 1: the feature of a cure that shares less information with the features outside it; the second if equal.

    Sum over all other features c of I(feature; c) over the entropy of the feature, on a seeded sample of the slice.
    """
    rng = np.random.default_rng((seed, *cure.features))
    inside = np.flatnonzero(board.inside(cure))
    rows = np.sort(rng.choice(inside, min(SAMPLE, len(inside)), replace=False))
    counts, start, done = PairCounts.empty(case.schema.sizes), 0, 0
    for batch in case.source.batches(case.schema.names):
        upto = int(np.searchsorted(rows, start + batch.num_rows))
        counts = counts.update(np.asfortranarray(encode(batch, case.schema)[rows[done:upto] - start]))
        start, done = start + batch.num_rows, upto
    others = [f for f in range(len(case.schema.features)) if f not in cure.features]
    first, second = (shared_information(counts, f, others) for f in cure.features)
    return 0 if first < second else 1


def shared_information(counts: PairCounts, feature: int, others: list[int]) -> float:
    """Sum of I(feature; c) / H(feature) over some other features; 0 for a constant."""
    shares: FloatArray = counts.marginal(feature) / max(counts.rows, 1)
    entropy = -float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
    if entropy <= 0:
        return 0.0
    return sum(mutual_information(counts.table(feature, c) / counts.rows) for c in others) / entropy
