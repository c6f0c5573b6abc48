"""Weighted joints: every way to them gives the sums of nested loops."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import weighted as module
from credenza.association.weighted import Weigher


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Level sizes, codes, and weights of both signs, some of them equal."""
    sizes = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=5)))
    n = draw(st.sampled_from([1, 2, 63, 64, 65, 130]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    codes = np.stack([rng.integers(0, s, n) for s in sizes], axis=1).astype(np.uint8)
    kind = draw(st.sampled_from(["one", "few", "many"]))
    weights = {"one": np.full(n, 0.7), "few": rng.choice([0.0, -1.5, 2.0], n), "many": rng.normal(size=n)}[
        kind
    ]
    return sizes, np.asfortranarray(codes), weights


@given(tables())
def test_every_way_is_that_of_nested_loops(table: tuple) -> None:
    sizes, codes, weights = table
    expected = oracles.pair_counts(codes, sizes, weights)
    weigher = Weigher(codes, sizes)
    _, patterns = np.unique(weights, return_inverse=True)
    grouping = weigher._grouped(patterns, int(patterns.max(initial=-1)) + 1)
    assert grouping.fits(weights)
    ways = {
        "chosen": weigher.joint(weights),
        "product": weigher._product(weights),
        "bins": weigher._bins(weights),
        "patterns": weigher._combined(grouping, weights),
        "digits": weigher._digits(weights),
    }
    for name, found in ways.items():
        np.testing.assert_allclose(found, expected, atol=1e-7, err_msg=name)
        assert np.array_equal(found, found.T)


@given(tables())
def test_cells_without_weight_are_exactly_empty(table: tuple) -> None:
    sizes, codes, weights = table
    weigher, positive = Weigher(codes, sizes), np.maximum(weights, 0.0)
    bare = oracles.pair_counts(codes, sizes, (positive > 0).astype(float)) == 0
    for found in (weigher._digits(positive), weigher._bins(positive)):
        assert np.all(found[bare] == 0.0)


def test_no_rows_and_no_features_have_empty_joints() -> None:
    assert Weigher(np.empty((0, 2), np.uint8), (2, 3)).joint(np.empty(0)).tolist() == [[0.0] * 5] * 5
    assert Weigher(np.empty((3, 0), np.uint8), ()).joint(np.ones(3)).shape == (0, 0)


def test_codes_beyond_a_byte_are_binned() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 300, (90, 2)).astype(np.uint16)
    weights = rng.random(90)
    weigher = Weigher(codes, (300, 300))
    assert weigher._digit_cost == np.inf
    np.testing.assert_allclose(
        weigher.joint(weights, np.arange(90)), oracles.pair_counts(codes, (300, 300), weights)
    )


def test_patterns_are_counted_once_and_serve_coarser_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setattr(module, "PATTERN", 0.0)
    rng = np.random.default_rng(4)
    codes = np.asfortranarray(rng.integers(0, 2, (2000, 8)).astype(np.uint8))
    fine, coarse = codes[:, 0] + 2 * codes[:, 1].astype(np.int64), codes[:, 1].astype(np.int64)
    weigher = Weigher(codes, (2,) * 8)
    values = rng.random(4)
    found = weigher.joint(values[fine], fine)
    (kept,) = weigher._kept
    np.testing.assert_allclose(found, oracles.pair_counts(codes, (2,) * 8, values[fine]))
    again = weigher.joint(values[coarse], coarse)
    np.testing.assert_allclose(again, oracles.pair_counts(codes, (2,) * 8, values[coarse]))
    assert weigher._kept == [kept]
    for f in range(2, 8):  # each is finer than what is kept
        weigher.joint(values[codes[:, f]], codes[:, f].astype(np.int64))
    assert len(weigher._kept) == module.KEPT_GROUPINGS


def test_the_cost_model_chooses_by_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 0)
    used = []
    for way in ("_digits", "_bins", "_grouped"):
        inner = getattr(Weigher, way)
        monkeypatch.setattr(
            Weigher, way, lambda self, *a, way=way, inner=inner: used.append(way) or inner(self, *a)
        )
    rng = np.random.default_rng(5)
    weights = rng.random(20_000)
    few = rng.integers(0, 2, 20_000)
    for levels in (2, 100):
        codes = np.asfortranarray(rng.integers(0, levels, (20_000, 20)).astype(np.uint8))
        Weigher(codes, (levels,) * 20).joint(weights)
    Weigher(codes % 2, (2,) * 20).joint(weights[few], few)
    Weigher(codes % 2, (2,) * 20).joint(weights, np.arange(20_000))
    assert used == ["_digits", "_bins", "_grouped", "_digits"]
