"""Correlation matrices that can be sampled from: exact where they can be, near in the association where not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from credenza.association.counts import PairCounts
from credenza.contracts import FloatArray
from credenza.models.tabular.latent import PairBlock, latent_correlations, pair_blocks
from credenza.models.tabular.matching import _loss, clipped_factor, matched_factor


def tangled(rows: int = 6_000) -> tuple[FloatArray, list[PairBlock]]:
    """Binary features that exclude or contain each other, as attributes of faces do."""
    rng = np.random.default_rng(0)
    lean, hair = rng.normal(size=rows), rng.choice(5, rows, p=[0.25, 0.1, 0.15, 0.1, 0.4])
    male = lean + rng.normal(size=rows) > 0
    beard = male & (rng.random(rows) < 0.4)
    columns = [hair == k for k in range(4)] + [male, beard, (hair == 4) & (lean > 0), lean > 1]
    columns += [beard & (rng.random(rows) < share) for share in (0.5, 0.3, 0.6)]
    columns += [~male & (rng.random(rows) < share) for share in (0.8, 0.4)]
    codes = np.asfortranarray(np.stack(columns, axis=1).astype(np.uint8))
    joint = PairCounts.empty((2,) * 13).update(codes).joint
    blocks = pair_blocks(joint / rows, list(range(0, 27, 2)))
    return latent_correlations(blocks, 13), blocks


def error(factor: FloatArray, blocks: list[PairBlock]) -> float:
    correlations = factor @ factor.T
    return sum(float(((b.reached(correlations[b.i, b.j]) - b.goal) ** 2).sum()) for b in blocks)


def test_a_definite_matrix_is_met_exactly() -> None:
    values = np.random.default_rng(0).normal(size=(50, 6))
    matrix = np.corrcoef(values.T)
    factor = matched_factor(matrix, [])
    assert factor @ factor.T == pytest.approx(matrix)


def test_impossible_matrices_keep_the_associations_better_than_clipped_ones() -> None:
    matrix, blocks = tangled()
    assert np.linalg.eigvalsh(matrix)[0] < -2
    factor = matched_factor(matrix, blocks)
    assert (factor**2).sum(axis=1) == pytest.approx(1.0)
    assert error(factor, blocks) < 0.75 * error(clipped_factor(matrix), blocks)
    correlations = factor @ factor.T
    (block,) = blocks
    assert np.abs(block.reached(correlations[block.i, block.j]) - block.goal).mean() < 0.025


def test_the_gradient_is_that_of_the_loss() -> None:
    matrix, blocks = tangled(500)
    flat = clipped_factor(matrix).ravel() + np.random.default_rng(1).normal(size=169) * 0.05
    slopes = approx_fprime(flat, lambda x: _loss(x, blocks, 13)[0], 1e-7)
    assert _loss(flat, blocks, 13)[1] == pytest.approx(slopes, abs=1e-4)


def test_nothing_to_match_is_no_error() -> None:
    assert matched_factor(np.zeros((0, 0)), []).shape == (0, 0)
    assert matched_factor(np.ones((1, 1)), []).tolist() == [[1.0]]
