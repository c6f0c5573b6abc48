"""The dual: look-ups by stretches of targets, curvature, and a solver that gets to the same place either way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import dual as module
from credenza.association.dual import Dual, minimise


def problem(seed: int, sizes: tuple[int, ...], rows: int = 40) -> Dual:
    rng = np.random.default_rng(seed)
    columns = np.stack([rng.integers(0, s, rows) for s in sizes], axis=1)
    base = rng.dirichlet(np.ones(rows)) * (rng.random(rows) < 0.9)
    base[0] = 0.01
    p = base * np.exp(rng.normal(size=rows) * 0.3)
    onehot = indicators(columns, sizes)
    return Dual(columns.astype(np.uint16), sizes, base, (p / p.sum()) @ onehot)


def indicators(columns: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    return np.hstack([np.eye(s)[columns[:, b]] for b, s in enumerate(sizes)])


sizes_of = st.lists(st.integers(1, 6), min_size=1, max_size=7).map(tuple)


@given(st.integers(0, 999), sizes_of, st.sampled_from([1, 20, 4096]))
def test_look_ups_by_stretches_are_those_of_indicators(
    seed: int, sizes: tuple[int, ...], stretch: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", stretch)
        dual, rng = problem(seed, sizes), np.random.default_rng(seed)
        onehot = indicators(dual.columns, sizes)
        multipliers = rng.normal(size=sum(sizes))
        p, log_norm = dual.distribution(multipliers)
    mass = dual.base * np.exp(onehot @ multipliers)
    np.testing.assert_allclose(log_norm, np.log(mass.sum()))
    np.testing.assert_allclose(p, mass / mass.sum(), atol=1e-15)
    moments = p @ onehot
    np.testing.assert_allclose(dual.moments(p), moments, atol=1e-14)
    covariance = (onehot * p[:, None]).T @ onehot - np.outer(moments, moments)
    np.testing.assert_allclose(dual.hessian(p), covariance, atol=1e-9)


@given(st.integers(0, 999), sizes_of)
def test_curvature_that_is_kept_leads_to_the_same_weights(seed: int, sizes: tuple[int, ...]) -> None:
    solved = []
    for many in (2**14, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "MANY", many)
            solved.append(minimise(problem(seed, sizes), 1e-6))
    fresh, kept = solved
    assert fresh.converged
    assert kept.converged
    np.testing.assert_allclose(kept.p, fresh.p, atol=1e-6)
    assert kept.residual < 1e-4
