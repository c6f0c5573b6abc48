"""Explanations from a sample of the rows: exact where they explain, honest about what the rest is worth."""

from __future__ import annotations

import numpy as np
import pytest
from association.worlds import LAYOUT, PAIR, Codes, Population, drifted, poison
from hypothesis import given
from hypothesis import strategies as st

from credenza.association.calibrate import calibrate
from credenza.association.counts import PairCounts
from credenza.association.explain import KEPT_COMBINATIONS, Explainer, consistent
from credenza.association.probes import Layout
from credenza.association.shift import Sample
from credenza.errors import InputError

POPULATION = Population.make()
POSITION = [tuple(map(int, pair)) for pair in zip(*LAYOUT.pairs, strict=True)].index(PAIR)
MARGINS = (0, 1)


def counted(codes: Codes) -> PairCounts:
    return PairCounts.empty(LAYOUT.sizes).update(np.asfortranarray(codes))


def world(seed: int, rows: int) -> tuple[Codes, Sample]:
    """Drifted and poisoned rows, and a large reference."""
    rng = np.random.default_rng(seed)
    suspect = poison(
        drifted(POPULATION, rows, MARGINS, rng), *PAIR, 0.08, rng, drifted(POPULATION, rows, MARGINS, rng)
    )
    order = rng.permutation(rows)
    return np.asfortranarray(suspect[order]), Sample.of(counted(POPULATION.draw(100_000, rng)))


def test_all_rows_are_weighed_as_by_calibration() -> None:
    codes, reference = world(0, 3000)
    explainer = Explainer(codes, reference, LAYOUT)
    targets = explainer.targets(MARGINS, [POSITION])
    fit, sample = explainer.solve(targets)
    by_row = calibrate(codes, LAYOUT.sizes, targets.marginals, targets.pairs)
    np.testing.assert_allclose(explainer.on_rows(fit).weights, by_row.weights, atol=1e-12)
    assert (fit.effective_size, fit.rows) == (by_row.effective_size, 3000)
    assert sample.size == fit.effective_size


def test_what_a_sample_explains_is_met_exactly_in_all_rows() -> None:
    codes, reference = world(1, 20_000)
    explainer = Explainer(codes[:2000], reference, LAYOUT, suspect=counted(codes))
    assert explainer.rows == 20_000
    fit, sample = explainer.solve(explainer.targets(MARGINS, [POSITION]))
    for f in MARGINS:
        found, wanted = (np.diag(LAYOUT.block(s.joint, f, f)) / s.size for s in (sample, reference))
        np.testing.assert_allclose(found, wanted, atol=1e-8)
    found, wanted = (LAYOUT.block(s.joint, *PAIR) / s.size for s in (sample, reference))
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    assert np.all(sample.joint >= 0)
    assert fit.rows == 2000
    weights = explainer.on_rows(fit).weights
    assert weights.shape == (2000,)
    assert weights.mean() == pytest.approx(1.0)


def test_the_sample_finds_nearly_what_all_rows_do() -> None:
    codes, reference = world(2, 40_000)
    found = []
    for size in (5000, 40_000):
        explainer = Explainer(np.asfortranarray(codes[:size]), reference, LAYOUT, suspect=counted(codes))
        found.append(explainer.solve(explainer.targets(MARGINS, [POSITION])))
    (part_fit, part), (whole_fit, whole) = found
    a, b = part.joint / part.size, whole.joint / whole.size
    spread = np.sqrt(b * (1 - b) * (1 / part.size - 1 / 40_000))  # of the part about the whole
    z = (a - b)[spread > 0] / spread[spread > 0]
    assert np.sqrt(np.mean(z**2)) < 1.2
    assert 5000 < part_fit.effective_size < whole_fit.effective_size < 40_000


@pytest.mark.parametrize(("rows", "sampled"), [(4000, 4000), (4000, 1000), (20_000, 1000)])
def test_the_effective_size_is_that_of_the_estimates_spread(rows: int, sampled: int) -> None:
    rng = np.random.default_rng(3)
    reference = Sample.of(counted(POPULATION.draw(200_000, rng)))
    pool = drifted(POPULATION, 300_000, MARGINS, rng)
    shares, sizes = [], []
    for _ in range(60):
        codes = np.asfortranarray(pool[rng.integers(0, len(pool), rows)])
        explainer = Explainer(codes[:sampled], reference, LAYOUT, suspect=counted(codes))
        _, sample = explainer.solve(explainer.targets(MARGINS, []))
        shares.append(sample.joint / sample.size)
        sizes.append(sample.size)
    share = np.mean(shares, axis=0)
    apart = ~np.isin(LAYOUT.plane_feature, MARGINS)
    use = apart[:, None] & apart & (LAYOUT.plane_feature[:, None] < LAYOUT.plane_feature) & (share > 0.01)
    ratio = np.var(shares, axis=0)[use] / (share * (1 - share) / np.mean(sizes))[use]
    assert 0.8 < np.median(ratio) < 1.15


def test_nothing_to_explain_is_the_plain_suspect() -> None:
    codes, reference = world(4, 500)
    for explainer in (
        Explainer(codes, reference, LAYOUT),
        Explainer(codes[:50], reference, LAYOUT, suspect=counted(codes)),
    ):
        fit, sample = explainer.solve(explainer.targets((), []))
        assert sample is explainer.plain
        assert fit.effective_size == 500
        assert explainer.on_rows(fit).weights.tolist() == [1.0] * len(explainer.codes)
        assert explainer._weigher._kept == []
        assert explainer._cells == {}


def test_copies_scale_the_estimate_down() -> None:
    codes, reference = world(5, 1000)
    once = Explainer(codes, reference, LAYOUT).solve(
        Explainer(codes, reference, LAYOUT).targets(MARGINS, [])
    )[1]
    four = Explainer(codes, reference, LAYOUT, design_effect=4.0)
    np.testing.assert_allclose(four.solve(four.targets(MARGINS, []))[1].joint * 4, once.joint)


def test_few_groupings_of_the_rows_are_kept() -> None:
    codes, reference = world(6, 300)
    explainer = Explainer(codes, reference, LAYOUT)
    for f in range(KEPT_COMBINATIONS + 3):
        explainer.solve(explainer.targets((f,), []))
    assert len(explainer._cells) == KEPT_COMBINATIONS


def test_an_impossible_sample_is_refused() -> None:
    codes, reference = world(7, 300)
    with pytest.raises(InputError, match=r"^a sample of 300 rows of a suspect of 200: sample at most all$"):
        Explainer(codes, reference, LAYOUT, suspect=counted(codes[:200]))


def test_a_suspect_of_which_no_row_is_here_can_be_tested_but_not_weighed() -> None:
    codes, reference = world(7, 300)
    explainer = Explainer(codes[:0], reference, LAYOUT, suspect=counted(codes))
    fit, sample = explainer.solve(explainer.targets((), []))
    assert (sample, fit.effective_size) == (explainer.plain, 300.0)
    assert explainer.on_rows(fit).weights.size == 0
    with pytest.raises(InputError, match=r"^no row of the suspect's 300 was sampled: weighing needs some$"):
        explainer.solve(explainer.targets((0,), []))


@given(st.integers(0, 999), st.integers(2, 5), st.integers(2, 5))
def test_estimates_below_zero_are_cut_and_tables_still_add_up(seed: int, a: int, b: int) -> None:
    rng = np.random.default_rng(seed)
    layout = Layout((a, b, 2), (0, 0, 0))
    codes = np.stack([rng.integers(0, s, 40) for s in layout.sizes], axis=1).astype(np.uint8)
    joint = PairCounts.empty(layout.sizes).update(codes).joint.astype(float)
    noisy = joint.copy()  # move mass inside tables, margins unchanged
    for i, j in ((0, 1), (0, 2), (1, 2)):
        p, q = layout.starts[i], layout.starts[j]
        noisy[p : p + 2, q : q + 2] += 3.0 * rng.normal() * np.array([[1.0, -1.0], [-1.0, 1.0]])
        noisy[q : q + 2, p : p + 2] = noisy[p : p + 2, q : q + 2].T
    found = consistent(noisy, layout, 40.0)
    assert np.all(found >= 0)
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diag(found), np.diag(joint))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        block, before = layout.block(found, i, j), layout.block(noisy, i, j)
        if (before >= 0).all():
            np.testing.assert_array_equal(block, before)
        else:
            np.testing.assert_allclose(block.sum(axis=0), np.diag(layout.block(joint, j, j)), atol=1e-2)
            np.testing.assert_allclose(block.sum(axis=1), np.diag(layout.block(joint, i, i)), atol=1e-2)
