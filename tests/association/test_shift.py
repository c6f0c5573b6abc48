"""Two-sample pair tests: level under the null, direction, symmetry, and degenerate tables."""

from __future__ import annotations

from functools import partialmethod

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from credenza.association import gsquare, rectangle
from credenza.association.counts import PairCounts
from credenza.association.probes import Layout
from credenza.association.shift import (
    BlockSample,
    PairShift,
    Sample,
    block_shift,
    cells,
    comparable_levels,
    margin_shift,
    marginal_shift,
    pair_shift,
    tables_at,
)
from credenza.association.tails import normal_score
from credenza.association.twobytwo import MIN_MARGIN


def sample(codes: np.ndarray, sizes: tuple[int, ...]) -> Sample:
    return Sample.of(PairCounts.empty(sizes).update(codes.astype(np.uint8)))


def binary(n: int, rate: float, lean: float, rng: np.random.Generator) -> np.ndarray:
    """Two binary features; the second follows the first with probability ``lean``."""
    a = rng.random(n) < rate
    b = np.where(rng.random(n) < lean, a, rng.random(n) < rate)
    return np.stack([a, b], axis=1)


@st.composite
def samples(draw: st.DrawFn) -> tuple[Sample, Sample, Layout]:
    """Any two samples of one layout: tiny, empty of some levels, constant, or effective."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    layout = Layout(sizes, tuple(draw(st.integers(0, s)) for s in sizes))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    out = []
    for _ in range(2):
        n = draw(st.sampled_from([1, 2, 12, 200]))
        codes = np.stack([rng.integers(0, s, n) for s in sizes], axis=1) * (rng.random(len(sizes)) < 0.7)
        out.append(sample(codes, sizes))
    factor = draw(st.sampled_from([1.0, 0.37]))
    return out[0], Sample(out[1].joint * factor, out[1].size * factor), layout


def split(sample: Sample, layout: Layout, cut: int) -> tuple[BlockSample, Layout, Layout]:
    """Features below ``cut`` against the others."""
    k = layout.starts[cut]
    margin = np.diag(sample.joint)
    parts = [Layout(layout.sizes[p], layout.ordered[p]) for p in (slice(0, cut), slice(cut, None))]
    return BlockSample(sample.joint[:k, k:], margin[:k], margin[k:], sample.size), parts[0], parts[1]


@settings(max_examples=100)
@given(samples())
def test_pairs_against_their_twin(drawn: tuple[Sample, Sample, Layout]) -> None:
    reference, suspect, layout = drawn
    shift = pair_shift(reference, suspect, layout)
    both = (reference.joint, reference.size), (suspect.joint, suspect.size)
    twin = oracles.pair_shift(*both, layout.sizes, layout.ordered)
    assert list(zip(*(x.tolist() for x in layout.pairs), strict=True)) == list(twin)
    for k, (log_p, tables, tested) in enumerate(twin.values()):
        assert shift.log_p[k] == pytest.approx(log_p, rel=1e-8, abs=1e-8)
        assert shift.tested[k] == tested
        named = tables[int(shift.probe_a[k]), int(shift.probe_b[k])]
        assert named[0] == pytest.approx(min(p for p, _ in tables.values()), rel=1e-8, abs=1e-8)
        assert shift.z[k] == pytest.approx(named[1], rel=1e-6, abs=1e-6)


@given(samples(), st.data())
def test_blocks_are_parts_of_the_whole(drawn: tuple[Sample, Sample, Layout], data: st.DataObject) -> None:
    reference, suspect, layout = drawn
    cut = data.draw(st.integers(0, layout.features))
    (before, rows, columns), (after, _, _) = split(reference, layout, cut), split(suspect, layout, cut)
    block, whole = block_shift(before, after, rows, columns), pair_shift(reference, suspect, layout)
    i, j = layout.pairs
    inside = (i < cut) & (j >= cut)
    assert block.log_p.shape == block.q().shape == (cut, layout.features - cut)
    for name, offset in (("log_p", 0), ("z", 0), ("tested", 0), ("probe_a", 0), ("probe_b", rows.probes)):
        part, all_of_them = getattr(block, name), getattr(whole, name)
        np.testing.assert_allclose(part.ravel(), all_of_them[inside] - offset, rtol=1e-12)


def test_many_tiles_and_threads_are_one_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    sizes = tuple(int(s) for s in rng.choice([1, 2, 2, 3, 5], 40))
    layout = Layout(sizes, tuple(int(rng.integers(0, s + 1)) for s in sizes))
    both = [sample(rng.random((n, 40)) ** (1 + k) * sizes, sizes) for k, n in enumerate((400, 300))]
    whole = pair_shift(both[0], both[1], layout)
    monkeypatch.setattr(rectangle.Rectangle, "tiles", partialmethod(rectangle.Rectangle.tiles, 50))
    monkeypatch.setattr(gsquare, "CELLS", 60)
    cut = pair_shift(both[0], both[1], layout)
    for name in ("log_p", "z", "probe_a", "probe_b", "tested"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))


@given(samples())
def test_never_nan_and_untestable_pairs_say_so(drawn: tuple[Sample, Sample, Layout]) -> None:
    reference, suspect, layout = drawn
    shift = pair_shift(reference, suspect, layout)
    assert len(shift.log_p) == len(shift.z) == len(layout.pairs[0])
    assert np.all(np.isfinite(shift.log_p) & np.isfinite(shift.z) & (shift.log_p <= 0))
    assert np.all(shift.log_p[~shift.tested] == 0.0)
    for correction in ("bh", "by"):
        q = shift.q(correction)
        assert np.all((q >= 0) & (q <= 1))
        assert np.all(q[~shift.tested] == 1.0)
    log_p, change = marginal_shift(reference, suspect, layout)
    assert np.all(np.isfinite(log_p) & (log_p <= 0) & (change >= 0) & (change <= 1))


@given(samples())
def test_identical_samples_have_not_moved(drawn: tuple[Sample, Sample, Layout]) -> None:
    reference, _, layout = drawn
    shift = pair_shift(reference, reference, layout)
    np.testing.assert_allclose(shift.log_p, 0.0, atol=1e-6)
    log_p, change = marginal_shift(reference, reference, layout)
    np.testing.assert_allclose(log_p, 0.0, atol=1e-9)
    assert np.all(change == 0.0)


@given(st.integers(0, 999), st.sampled_from([15, 80, 600]))
def test_swapping_levels_turns_the_sign_and_nothing_else(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    layout, sizes = Layout((2, 2), (0, 0)), (2, 2)
    a, b = binary(n, 0.4, 0.2, rng), binary(n, 0.4, 0.5, rng)
    plain = pair_shift(sample(a, sizes), sample(b, sizes), layout)
    turned = pair_shift(sample(a ^ [True, False], sizes), sample(b ^ [True, False], sizes), layout)
    both = pair_shift(sample(~a, sizes), sample(~b, sizes), layout)
    swapped = pair_shift(sample(b, sizes), sample(a, sizes), layout)
    for other, sign in ((turned, -1), (both, 1), (swapped, -1)):
        np.testing.assert_allclose(other.log_p, plain.log_p, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(other.z, sign * plain.z, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [60, 2_000])
def test_z_points_where_the_association_went(n: int) -> None:
    rng = np.random.default_rng(1)
    layout, sizes = Layout((2, 2), (0, 0)), (2, 2)
    low, high = sample(binary(n, 0.5, 0.0, rng), sizes), sample(binary(n, 0.5, 0.9, rng), sizes)
    assert pair_shift(low, high, layout).z[0] > 3
    assert pair_shift(high, low, layout).z[0] < -3


def level(below: int, runs: int, alpha: float) -> None:
    """Not more than chance allows above the level; half of it is tolerated below."""
    assert stats.binom.isf(0.9995, runs, 0.5 * alpha) <= below <= stats.binom.isf(0.0005, runs, alpha)


def compared(row: list[float] | np.ndarray) -> PairShift:
    """The one pair of two binary features with these tables: x, u, v, n of the reference, then of the suspect."""
    both = []
    for x, u, v, n in (row[:4], row[4:]):
        table = np.array([[n - u - v + x, v - x], [u - x, x]])
        joint = np.block([[np.diag([n - u, u]), table], [table.T, np.diag([n - v, v])]])
        both.append(Sample(joint.astype(float), float(n)))
    return pair_shift(both[0], both[1], Layout((2, 2), (0, 0)))


@pytest.mark.parametrize(("n_r", "n_s", "rate"), [(300, 200, 0.5), (150, 1000, 0.2), (5000, 4000, 0.4)])
def test_binary_pairs_hold_their_level(n_r: int, n_s: int, rate: float) -> None:
    rng = np.random.default_rng(2)
    runs = 600
    both = rate * (0.3 + 0.7 * rate)
    shares = [both, rate - both, rate - both, 1 - 2 * rate + both]
    found = []
    for a, b in zip(rng.multinomial(n_r, shares, runs), rng.multinomial(n_s, shares, runs), strict=True):
        found.append(compared([x for c in (a, b) for x in (c[0], c[0] + c[1], c[0] + c[2], c.sum())]))
    log_p, z = (np.concatenate([getattr(shift, name) for shift in found]) for name in ("log_p", "z"))
    assert all(shift.tested.all() for shift in found)
    for alpha in (0.3, 0.05):
        level(int((log_p <= np.log(alpha)).sum()), runs, alpha)
    level(int((z > 1.645).sum()), runs, 0.05)


def test_mixed_pairs_do_not_exceed_their_level() -> None:
    rng = np.random.default_rng(3)
    sizes, runs = (2, 4, 6), 250
    layout = Layout(sizes, (0, 0, 5))
    below = np.zeros(3)
    for _ in range(runs):
        two = []
        for n in (500, 400):
            x = rng.normal(size=n)
            grade = np.where(rng.random(n) < 0.1, 5, np.searchsorted([-0.8, -0.3, 0.2, 0.8], x))
            job = np.searchsorted([-0.5, 0.3, 1.0], x + rng.normal(size=n))
            two.append(sample(np.stack([rng.random(n) < 0.3 + 0.1 * (x > 0), job, grade], axis=1), sizes))
        below += pair_shift(two[0], two[1], layout).log_p <= np.log(0.05)
    assert np.all(below <= stats.binom.isf(0.0005, runs, 0.05))


def test_drift_of_margins_alone_is_no_shift() -> None:
    rng = np.random.default_rng(4)
    layout, sizes = Layout((2, 2), (0, 0)), (2, 2)
    p = np.array([[0.4, 0.1], [0.2, 0.3]])
    drift = p * np.outer([1.0, 2.0], [1.0, 2.0])
    runs, below = 400, 0
    for _ in range(runs):
        counts = [rng.multinomial(n, (t / t.sum()).ravel()) for n, t in ((800, p), (800, drift))]
        two = [sample(np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], c, axis=0), sizes) for c in counts]
        below += pair_shift(two[0], two[1], layout).log_p[0] <= np.log(0.05)
        assert marginal_shift(two[0], two[1], layout)[0].min() < np.log(1e-4)
    level(below, runs, 0.05)


def test_marginals_hold_their_level_and_agree_with_scipy() -> None:
    rng = np.random.default_rng(5)
    layout, runs, below = Layout((3,), (0,)), 600, 0
    for _ in range(runs):
        a, b = rng.multinomial(300, [0.5, 0.3, 0.2]), rng.multinomial(200, [0.5, 0.3, 0.2])
        log_p, change = marginal_shift(
            Sample(np.diag(a.astype(float)), 300), Sample(np.diag(b.astype(float)), 200), layout
        )
        assert np.exp(log_p[0]) == pytest.approx(stats.chi2_contingency([a, b]).pvalue)
        assert change[0] == pytest.approx(np.abs(a / 300 - b / 200).max())
        below += log_p[0] <= np.log(0.05)
    level(below, runs, 0.05)


margins = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@given(margins, st.integers(0, 999), st.sampled_from([1.0, 0.37]))
def test_marginals_against_scipy_on_comparable_levels(sizes: list[int], seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    layout = Layout(tuple(sizes), tuple(int(rng.integers(0, s + 1)) for s in sizes))
    n_r, n_s = rng.choice([0, 30, 150, 400], 2)
    r = np.concatenate([rng.multinomial(n_r, rng.dirichlet(np.ones(s))) for s in sizes]).astype(float)
    s = np.concatenate([rng.multinomial(n_s, rng.dirichlet(np.ones(s))) for s in sizes]) * factor
    log_p, change = margin_shift(r, max(n_r, 1.0), s, max(n_s * factor, 1.0), layout)
    for f in range(layout.features):
        part = slice(layout.starts[f], layout.starts[f + 1])
        groups = comparable_levels(r[part], s[part], layout.ordered[f])
        table = np.array([np.bincount(groups, weights=side[part]) for side in (r, s)])
        table = table[:, table.sum(axis=0) > 0]
        expected = 0.0
        if table.shape[1] > 1:
            expected = np.log(stats.chi2_contingency(table, correction=False).pvalue)
        assert log_p[f] == pytest.approx(expected, rel=1e-8, abs=1e-9)
        moved = s[part] / max(n_s * factor, 1.0) - r[part] / max(n_r, 1.0)
        assert change[f] == pytest.approx(np.abs(moved).max())


def test_tables_are_read_as_both_first_and_second() -> None:
    codes = np.random.default_rng(7).integers(0, (2, 3, 4), (50, 3)).astype(np.uint8)
    layout = Layout((2, 3, 4), (0, 0, 3))
    both = sample(codes, layout.sizes)
    a, b = (np.array(k) for k in zip(*[(0, 1), (0, 5), (3, 4), (1, 6), (0, 3)], strict=True))
    tables = tables_at(both, both, layout, a, b)
    members = oracles.probes(layout.sizes, layout.ordered)
    inside = [np.isin(codes[:, f], sorted(levels)) for f, levels in members]
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        first, second = inside[x], inside[y]
        assert tables[row].tolist() == 2 * [(first & second).sum(), first.sum(), second.sum(), 50]
        assert cells(tables)[row, 0].tolist() == [
            ((first == p) & (second == q)).sum() for p, q in ((1, 1), (1, 0), (0, 1), (0, 0))
        ]
    assert tables_at(both, both, layout, a[:0], b[:0]).shape == (0, 8)


def test_normal_scores_against_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable, Table2x2

    a, b = np.array([[30.0, 20], [25, 40]]), np.array([[50.0, 20], [25, 40]])
    shift = compared([y for t in (a, b) for y in (t[0, 0], t[0].sum(), t[:, 0].sum(), t.sum())])
    twins = [Table2x2(t + 0.5) for t in (a, b)]
    expected = (twins[1].log_oddsratio - twins[0].log_oddsratio) / np.hypot(
        *(t.log_oddsratio_se for t in twins)
    )
    assert shift.z[0] == pytest.approx(expected)
    breslow_day = StratifiedTable([a, b]).test_equal_odds().pvalue
    assert np.exp(shift.log_p[0]) == pytest.approx(breslow_day, abs=0.03)


def test_margins_below_the_least_are_not_tested() -> None:
    short = int(MIN_MARGIN) - 1
    row = [short, short, 50, 100, 40, 50, 50, 100]
    assert not compared(row).tested.any()
    assert not compared(row[4:] + row[:4]).tested.any()
    row[1] = row[0] = int(MIN_MARGIN)
    assert compared(row).tested.all()


def test_normal_scores_invert_the_tail_far_beyond_underflow() -> None:
    z = np.array([0.0, 0.5, 2.0, 8.0, 30.0, 35.9, 36.2, 60.0, 500.0])
    np.testing.assert_allclose(normal_score(np.log(2) + stats.norm.logsf(z)), z, atol=2e-3)
    assert np.all(np.diff(normal_score(-np.geomspace(0.1, 1e6, 500))) > 0)


def test_adjustment_leaves_untested_pairs_out() -> None:
    none = np.zeros(3, np.int64)
    shift = PairShift(
        np.log([0.01, 1.0, 0.04]), none.astype(float), none, none, np.array([True, False, True])
    )
    np.testing.assert_allclose(shift.q(), [0.02, 1.0, 0.04])
    np.testing.assert_allclose(shift.q(total=20), [0.2, 1.0, 0.4])


def test_weights_may_make_more_pairs_testable_than_there_were() -> None:
    log_p, nothing = np.log([0.01, 0.2, 0.5]), np.zeros(3, np.int64)
    shift = PairShift(log_p, np.zeros(3), nothing, nothing, np.array([True, True, True]))
    np.testing.assert_allclose(shift.q("bh", 2), shift.q("bh"))
    np.testing.assert_allclose(shift.q("bh", 6), np.minimum(shift.q("bh") * 2, 1.0))
