"""The strongest pairs: the same from one matrix and from tiles, and the same decisions as on all pairs."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.association import pair_blocks, ranking
from credenza.association.counts import PairCounts
from credenza.association.estimate import detectable, strengths
from credenza.association.multiplicity import adjust
from credenza.association.pair_blocks import blocks_of, scaled
from credenza.association.planes import PlaneStore
from credenza.association.probes import Layout
from credenza.association.ranking import Ranking, floored, log_penalty, rank, typical_power
from credenza.association.shift import pair_shift, tables_at
from credenza.association.tails import normal_log_sf
from credenza.errors import UsageError

Sides = tuple[np.ndarray, np.ndarray]


def world(n: int, layout: Layout, rng: np.random.Generator, lean: float) -> np.ndarray:
    """Features that follow a common factor, the first ones by ``lean`` more."""
    factor = rng.random(n)
    columns = []
    for f, size in enumerate(layout.sizes):
        follows = rng.random(n) < 0.3 + (lean if f < 3 else 0.0)
        columns.append(np.where(follows, factor, rng.random(n)) * size)
    return np.stack(columns, axis=1).astype(np.uint8)


def sides(layout: Layout, *, n: int = 400, seed: int = 0, lean: float = 0.4) -> Sides:
    rng = np.random.default_rng(seed)
    return world(n, layout, rng, 0.0), world(n + 50, layout, rng, lean)


def dense(layout: Layout, codes: np.ndarray) -> PairCounts:
    return PairCounts.empty(layout.sizes).update(np.asfortranarray(codes))


def wide(layout: Layout, codes: np.ndarray) -> PlaneStore:
    return PlaneStore(layout.sizes, len(codes)).add(codes)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Binary, nominal and ordered features, some constant, some with a level outside the order."""
    sizes = tuple(draw(st.lists(st.sampled_from([2, 2, 2, 1, 3, 5]), min_size=1, max_size=9)))
    return Layout(sizes, tuple(draw(st.sampled_from([0, s - 1, s])) if s > 2 else 0 for s in sizes))


def same(a: Ranking, b: Ranking) -> None:
    np.testing.assert_allclose(a.log_p, b.log_p, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a.q, b.q, rtol=1e-9, atol=1e-12)
    assert (a.tested, a.pairs) == (b.tested, b.pairs)
    np.testing.assert_allclose(a.exact_below, b.exact_below, rtol=1e-9)
    clear = np.flatnonzero(np.diff(np.concatenate(([-inf], a.log_p, [inf]))) > 1e-9)
    apart = np.intersect1d(clear, clear[1:] - 1)
    for name in ("i", "j", "probe_a", "probe_b"):
        np.testing.assert_array_equal(getattr(a, name)[apart], getattr(b, name)[apart])
    np.testing.assert_allclose(a.z[apart], b.z[apart], rtol=1e-9, atol=1e-9)


@given(layouts(), st.integers(0, 99), st.sampled_from([1.0, 1.7]), st.sampled_from([0.0, 0.02]))
def test_tiles_rank_as_one_matrix(layout: Layout, seed: int, design_effect: float, floor: float) -> None:
    codes = sides(layout, seed=seed)
    found = []
    for kind, planes in ((dense, 1), (wide, 3), (wide, 8), (wide, 1_000)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pair_blocks, "BLOCK_PLANES", planes)
            both = (kind(layout, side) for side in codes)
            found.append(rank(*both, layout, design_effect=design_effect, min_strength=floor))
    for other in found[1:]:
        same(found[0], other)


@given(layouts(), st.sampled_from(["bh", "by"]), st.sampled_from([0.0, 0.05]), st.integers(0, 99))
def test_the_ranking_is_the_sorted_list_of_all_tests(
    layout: Layout, correction: str, floor: float, seed: int
) -> None:
    before, after = (dense(layout, side) for side in sides(layout, seed=seed))
    samples = scaled(before), scaled(after, 1.3)
    shift = pair_shift(*samples, layout)
    log_p = shift.log_p
    if floor:
        eps, error = strengths(tables_at(*samples, layout, shift.probe_a, shift.probe_b))
        log_p = np.maximum(log_p, normal_log_sf((np.abs(eps) - floor) / np.maximum(error, 1e-12)))
    tested = np.flatnonzero(shift.tested)
    order = tested[np.argsort(log_p[tested], kind="stable")]
    found = rank(before, after, layout, correction=correction, design_effect=1.3, min_strength=floor)
    i, j = layout.pairs
    np.testing.assert_array_equal(found.log_p, log_p[order])
    np.testing.assert_array_equal((found.i, found.j), (i[order], j[order]))
    np.testing.assert_array_equal(
        (found.probe_a, found.probe_b), (shift.probe_a[order], shift.probe_b[order])
    )
    np.testing.assert_array_equal(found.q, adjust(log_p[order], correction))
    assert (found.tested, found.pairs, found.exact_below) == (len(tested), len(i), inf)
    assert found.complete(1.0)


LAYOUT = Layout((2,) * 14, (0,) * 14)


@pytest.mark.parametrize("correction", ["bh", "by"])
@pytest.mark.parametrize("lean", [0.0, 0.15, 0.4])
@pytest.mark.parametrize("keep", [1, 2, 6])
def test_what_is_let_go_changes_no_decision(keep: int, lean: float, correction: str) -> None:
    codes = [wide(LAYOUT, side) for side in sides(LAYOUT, n=2_000, lean=lean)]
    everything = rank(*codes, LAYOUT, correction=correction)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_blocks, "BLOCK_PLANES", 8)
        patch.setattr(ranking, "SPARE", 4)
        found = rank(*codes, LAYOUT, correction=correction, keep=keep, fdr=0.1)
    kept = len(found.q)
    assert len(found.significant(0.1)) <= kept <= 4 * keep
    assert found.tested == everything.tested == 91
    np.testing.assert_array_equal(found.log_p, everything.log_p[:kept])
    np.testing.assert_array_equal((found.i, found.j), (everything.i[:kept], everything.j[:kept]))
    assert np.all(found.q >= everything.q[:kept])
    exact = found.q < found.exact_below
    np.testing.assert_allclose(found.q[exact], everything.q[:kept][exact], rtol=1e-12)
    for fdr in (0.001, 0.01, 0.05, 0.1, 0.5, 0.99):
        if found.complete(fdr):
            np.testing.assert_array_equal(found.significant(fdr), everything.significant(fdr))
        else:
            assert len(found.significant(fdr)) <= len(everything.significant(fdr))


def test_a_ranking_that_overflows_says_so() -> None:
    layout = Layout((2,) * 20, (0,) * 20)
    rng = np.random.default_rng(0)
    factor = rng.integers(0, 2, (3_000, 1))
    before = rng.integers(0, 2, (3_000, 20)).astype(np.uint8)
    after = np.where(rng.random((3_000, 20)) < 0.5, factor, before).astype(np.uint8)
    found = rank(wide(layout, before), wide(layout, after), layout, keep=10)
    assert len(found.q) == 100
    assert len(found.significant(0.05)) == 100
    assert not found.complete(0.05)
    whole = rank(wide(layout, before), wide(layout, after), layout, keep=19)
    assert len(whole.q) == len(whole.significant(0.05)) == 190
    assert whole.complete(0.05)


def test_a_quiet_table_is_complete_though_most_pairs_are_gone() -> None:
    layout = Layout((2,) * 60, (0,) * 60)
    rng = np.random.default_rng(1)
    before, after = (rng.integers(0, 2, (500, 60)).astype(np.uint8) for _ in range(2))
    found = rank(wide(layout, before), wide(layout, after), layout, keep=2)
    assert (len(found.q), found.tested) == (2, 1_770)
    assert found.complete(0.05)
    assert found.exact_below > 0.3


def test_equal_tables_are_ties_in_order_of_position() -> None:
    codes = sides(LAYOUT)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_blocks, "BLOCK_PLANES", 6)
        patch.setattr(ranking, "SPARE", 1)
        found = rank(wide(LAYOUT, codes), wide(LAYOUT, codes), LAYOUT, keep=5)
    i, j = LAYOUT.pairs
    np.testing.assert_array_equal((found.i, found.j), (i[:5], j[:5]))
    assert not found.significant(0.05).size


def test_progress_reaches_all_pairs() -> None:
    seen: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_blocks, "BLOCK_PLANES", 6)
        codes = [wide(LAYOUT, side) for side in sides(LAYOUT)]
        rank(*codes, LAYOUT, progress=lambda done, pairs: seen.append((done, pairs)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (91, 91)


def test_a_table_without_pairs_has_an_empty_ranking() -> None:
    for layout in (Layout((), ()), Layout((3,), (0,)), Layout((1, 2), (0, 0))):
        codes = np.zeros((5, layout.features), np.uint8)
        found = rank(wide(layout, codes), wide(layout, codes), layout)
        assert (len(found.q), found.tested, found.exact_below) == (0, 0, inf)


def test_misfits_are_refused() -> None:
    codes = sides(LAYOUT)[0]
    counts, store = dense(LAYOUT, codes), wide(LAYOUT, codes)
    with pytest.raises(
        UsageError, match="reference is a PairCounts, suspect a PlaneStore: count both in one"
    ):
        rank(counts, store, LAYOUT)
    with pytest.raises(
        UsageError, match="reference has 28 levels of 14 features, the layout 4 of 2: count wi"
    ):
        rank(store, store, Layout((2, 2), (0, 0)))
    with pytest.raises(UsageError, match="keep is 0: keep 1 pair or more"):
        rank(store, store, LAYOUT, keep=0)


def test_a_floor_takes_away_only_small_strengths() -> None:
    tables = np.array([[250, 500, 500, 1000, 300, 500, 500, 1000]], float).repeat(3, axis=0)
    log_p = np.array([-9.0, -0.1, 0.0])
    assert floored(log_p, tables, 0.0) is log_p
    np.testing.assert_array_equal(floored(log_p, tables, 1e-9)[1:], log_p[1:])
    assert floored(log_p, tables, 0.049)[0] > -1.0
    assert floored(log_p, tables, 0.9)[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_the_penalty_of_any_dependence_is_the_harmonic_sum(count: int) -> None:
    assert log_penalty(count, "by") == pytest.approx(np.log(np.sum(1 / np.arange(1, count + 1))), abs=1e-12)
    assert log_penalty(count, "bh") == 0.0


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 12))
def test_blocks_hold_every_feature_once(sizes: list[int], planes: int) -> None:
    blocks = blocks_of(sizes, planes)
    assert [f for block in blocks for f in block] == list(range(len(sizes)))
    for block in blocks:
        assert len(block) == 1 or sum(sizes[f] for f in block) <= planes


def test_typical_power_of_all_features_is_that_of_the_table() -> None:
    before, after = sides(LAYOUT)
    whole = detectable(
        scaled(dense(LAYOUT, before)), scaled(dense(LAYOUT, after), 2.0), LAYOUT, alpha=0.05, power=0.8
    )
    for kind in (dense, wide):
        found = typical_power(
            kind(LAYOUT, before), kind(LAYOUT, after), LAYOUT, alpha=0.05, design_effect=2.0
        )
        np.testing.assert_allclose(found.strength, whole.strength)


def test_typical_power_of_some_features_counts_all_pairs() -> None:
    before, after = (wide(LAYOUT, side) for side in sides(LAYOUT))
    few = [typical_power(before, after, LAYOUT, alpha=0.05, features=5, seed=seed) for seed in (0, 0, 1)]
    assert [len(power.strength) for power in few] == [10, 10, 10]
    np.testing.assert_array_equal(few[0].strength, few[1].strength)
    assert not np.array_equal(few[0].strength, few[2].strength)
    whole = typical_power(before, after, LAYOUT, alpha=0.05)
    assert np.isin(few[0].strength.round(12), whole.strength.round(12)).all()
