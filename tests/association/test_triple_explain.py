"""Explanations of rung 3: the tables match in the end, on all rows or on a sample, beside what was given."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from credenza.association.calibrate import Targets
from credenza.association.probes import Layout
from credenza.association.triple_counts import TripleCounts
from credenza.association.triple_explain import Given, TripleExplainer

LAYOUT = Layout((2, 4, 2, 2), (0, 4, 0, 0))
TABLE = (0, 2, 4)  # the first feature, the middle cut of the second, the third


def draw(rows: int, seed: int, share: float) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.random(rows) < 0.5, rng.integers(0, 4, rows), rng.random(rows) < share], axis=1)
    last = rng.random(rows) < 0.3 + 0.4 * codes[:, 0]
    return np.column_stack([codes, last]).astype(np.uint8)


def counted(codes: NDArray[np.uint8]) -> TripleCounts:
    return TripleCounts.empty(LAYOUT).update(codes)


@pytest.mark.parametrize("drawn", [4_000, 1_500])
def test_what_is_explained_matches(drawn: int) -> None:
    known, own = draw(3_000, 1, 0.4), draw(4_000, 2, 0.6)
    part = own[np.sort(np.random.default_rng(3).permutation(4_000)[:drawn])]
    explainer = TripleExplainer(counted(known), counted(own), lambda: part)
    wanted = {3: np.bincount(known[:, 3]) / 3_000}
    mine = {3: np.bincount(own[:, 3]) / 4_000}
    given = Given(Targets(LAYOUT.sizes, wanted, {}), Targets(LAYOUT.sizes, mine, {}))
    found, size = explainer.solve([TABLE], given)
    target = counted(known).table(np.array([TABLE]))[:, 0]
    np.testing.assert_allclose(found.counts.table(np.array([TABLE]))[:, 0] / 4_000, target / 3_000, atol=2e-5)
    share = found.counts.pairs[5, 5] / 4_000
    assert share == pytest.approx(wanted[3][1], abs=2e-5)
    assert 1_000 < size < 4_000
    variances = found.variances.table(np.array([TABLE]))[:, 0]
    assert (variances > 0).all()
    if drawn == 4_000:  # all rows: the sum of the squared weights
        assert found.variances.rows == pytest.approx(4_000**2 / size, rel=1e-3)
    else:
        assert found.variances.rows == pytest.approx(4_000**2 / size, rel=0.05)


def test_nothing_to_explain_reads_no_row() -> None:
    def rows() -> NDArray[np.uint8]:
        raise AssertionError("rows were asked for")

    own = counted(draw(500, 4, 0.5))
    found, size = TripleExplainer(own, own, rows, design_effect=2.0).solve([], Given.nothing(LAYOUT.sizes))
    assert (found.counts, found.variances, size) == (own, own, 250.0)


def test_margins_leave_pairs_out() -> None:
    half, table = np.array([0.5, 0.5]), np.full((2, 2), 0.25)
    both = Targets((2, 2), {0: half}, {(0, 1): table})
    light = Given(both, both).margins()
    assert light.wanted.features == light.own.features == (0,)
