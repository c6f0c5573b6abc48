"""The strongest table of each pair: which tests it gets, which table is named on ties, and what is left out."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.exact import homogeneity
from credenza.association.kernels import pair_counts
from credenza.association.probes import Layout
from credenza.association.rectangle import Rectangle
from credenza.association.samples import BlockSample, Sample
from credenza.association.twobytwo import ASYMPTOTIC_CELL, MIN_MARGIN, Strongest, strongest_tables


def block(x: np.ndarray, u: np.ndarray, v: np.ndarray, n: float) -> BlockSample:
    """Binary features with margins u (m_I,) against others with margins v (m_J,), and x (m_I, m_J) rows with both."""
    joint = np.empty((2 * len(u), 2 * len(v)))
    joint[1::2, 1::2], joint[1::2, ::2], joint[::2, 1::2] = x, u[:, None] - x, v - x
    joint[::2, ::2] = n - u[:, None] - v + x
    margins = [np.stack([n - k, k], axis=1).ravel() for k in (u, v)]
    return BlockSample(joint, margins[0], margins[1], n)


def of(m_i: int, m_j: int, reference: BlockSample, suspect: BlockSample) -> Strongest:
    layouts = [Layout((2,) * m, (0,) * m) for m in (m_i, m_j)]
    return strongest_tables(Rectangle(layouts[0], layouts[1]), reference, suspect)


@given(st.integers(0, 999), st.sampled_from([(90, 70), (600, 450.5), (40_000, 30_000.25)]))
def test_every_table_of_a_block_against_its_twin(seed: int, sizes: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    both, rows = [], []
    u, v = rng.uniform(0.02, 0.98, 5), rng.uniform(0.02, 0.98, 7)
    for n in sizes:
        a, b = np.round(n * u), np.round(n * v)
        low, high = np.maximum(0.0, np.add.outer(a, b) - n), np.minimum.outer(a, b)
        spread = 1.5 * np.sqrt(n * np.multiply.outer(u * (1 - u), v * (1 - v)))
        x = np.clip(np.outer(a, b) / n + spread * rng.normal(size=(5, 7)), low, high)
        x = np.minimum(np.maximum(np.round(x), low), high)
        both.append(block(x, a, b, n))
        rows.append([[x[i, j], a[i], b[j], n] for i in range(5) for j in range(7)])
    found = of(5, 7, both[0], both[1])
    for k, (first, second) in enumerate(zip(*rows, strict=True)):
        log_p, z, tested = oracles.table_shift(first + second)
        assert found.tests[k] == tested
        assert found.log_p[k] == pytest.approx(log_p, rel=1e-9, abs=1e-9)
        assert found.z[k] == pytest.approx(z, rel=1e-7, abs=1e-7)
    assert found.probe_a.tolist() == np.repeat(np.arange(5), 7).tolist()
    assert found.probe_b.tolist() == np.tile(np.arange(7), 5).tolist()


def test_sparse_or_suspicious_tables_are_exact() -> None:
    rng = np.random.default_rng(6)
    exact, others = 0, 0
    for c in rng.integers(5, 90, (300, 2, 4)):
        rows = [np.array([t[0], t[0] + t[1], t[0] + t[2], t.sum()], float) for t in c]
        found = of(1, 1, *(block(np.array([[x]]), np.array([u]), np.array([v]), n) for x, u, v, n in rows))
        true = homogeneity(np.concatenate(rows)[None])
        if true < np.log(0.08) or c.min() < ASYMPTOTIC_CELL:
            assert found.log_p == pytest.approx(true, abs=1e-12)
            exact += 1
        else:
            assert np.exp(found.log_p) == pytest.approx(np.exp(true), abs=0.02)
            others += 1
    assert min(exact, others) > 30


def test_equally_strong_tables_name_the_first() -> None:
    # Without its first level, a feature of three has two complementary probes: the same table, level names swapped.
    rng = np.random.default_rng(1)
    both = []
    for lean in (0.0, 0.5):
        a = rng.integers(1, 3, 900)
        b = np.where(rng.random(900) < lean, a - 1, rng.integers(0, 2, 900))
        codes = np.stack([b, a], axis=1).astype(np.uint8)
        both.append(Sample(pair_counts(codes, (2, 3)).astype(float), 900.0).block())
    found = strongest_tables(Rectangle.of(Layout((2, 3), (0, 0))), both[0], both[1])
    assert (found.probe_a.tolist(), found.probe_b.tolist(), found.tests.tolist()) == ([0], [2], [2])
    assert found.z[0] < -5


def test_tables_with_a_rare_margin_are_left_out() -> None:
    n, fine, rare = 100.0, 50.0, MIN_MARGIN - 1
    u, v = np.array([fine, rare, n - rare]), np.array([fine, rare])
    x = np.outer(u, v) / n
    full, one = block(x, u, v, n), block(x[:1, :1], u[:1], v[:1], n)
    assert of(3, 2, full, full).tests.tolist() == [1, 0, 0, 0, 0, 0]
    assert of(1, 1, one, BlockSample(one.joint, np.array([96.0, 4]), one.margin_j, n)).tests.tolist() == [0]
    assert not of(3, 2, full, full).log_p.any()


def test_rounding_below_zero_is_cut_off() -> None:
    u = np.array([300.0])
    reference = block(np.array([[0.0]]), u, u, 1000.0)
    suspect = block(np.array([[-1e-12]]), u, u, 1000.0)
    found = of(1, 1, reference, suspect)
    assert found.log_p == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(found.z).all()


def test_no_pairs_have_no_tables() -> None:
    nothing = BlockSample(np.zeros((0, 2)), np.zeros(0), np.array([5.0, 5]), 10.0)
    assert of(0, 1, nothing, nothing).log_p.shape == (0,)
    alone = Sample(np.diag([5.0, 5]), 10.0).block()
    assert strongest_tables(Rectangle.of(Layout((2,), (0,))), alone, alone).tests.shape == (0,)
