from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.association.measures import cramers_v, mcc, rank_correlation
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InfeasibleError
from credenza.repair.nearest import Demand, nearest

CORNER = np.array([[0.0, 0.0], [0.0, 1.0]])
binary = st.lists(st.integers(1, 200), min_size=4, max_size=4).map(lambda c: np.array(c).reshape(2, 2))


def mcc_within(low: float, high: float) -> Demand:
    return Demand(mcc, low, high, (2, 2), CORNER, "the MCC of 'a' and 'b'")


def ranks_within(table: IntArray, low: float, high: float) -> Demand:
    rows, columns = (table.sum(axis=axis) / table.sum() for axis in (1, 0))
    x, y = (np.cumsum(shares) - shares / 2 for shares in (rows, columns))
    scores = np.outer(x - x @ rows, y - y @ columns)
    return Demand(rank_correlation, low, high, (len(rows), len(columns)), scores, "the rank correlation")


def ordered(seed: int = 0, rows: int = 4_000, slope: float = 0.7) -> IntArray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    y = slope * x + rng.normal(size=rows)
    table = np.zeros((5, 4), dtype=np.int64)
    a, b = np.clip(np.rint(x + 2), 0, 4).astype(int), np.clip(np.rint(y + 1.5), 0, 3).astype(int)
    np.add.at(table, (a, b), 1)
    return table


@settings(max_examples=25, deadline=None)
@given(binary, st.floats(-0.1, 0.0), st.floats(0.01, 0.1))
def test_two_levels_move_along_the_line_to_independence(found: IntArray, low: float, high: float) -> None:
    (moved,) = nearest([found], [mcc_within(low, high)])
    assert np.allclose(moved, oracles.line_to_independence(found, mcc, low, high), atol=1e-3)
    assert moved.sum(axis=0) == pytest.approx(found.sum(axis=0))
    assert moved.sum(axis=1) == pytest.approx(found.sum(axis=1))
    assert low - 1e-6 <= mcc(moved) <= high + 1e-6


def test_what_is_as_demanded_stays() -> None:
    found = np.array([[30, 20], [20, 30]])
    assert nearest([found], [mcc_within(0.1, 0.3)])[0].tolist() == found.tolist()


@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.2), (-1.0, -0.3), (0.8, 1.0), (0.0, 0.0)])
def test_ranks_move_to_the_nearest_bound_and_no_farther(low: float, high: float) -> None:
    found = ordered()
    (moved,) = nearest([found], [ranks_within(found, low, high)])
    assert rank_correlation(moved) == pytest.approx(low if low > 0.5 else high, abs=1e-6)
    assert (moved >= 0).all()
    for axis in (0, 1):
        assert moved.sum(axis=axis) == pytest.approx(found.sum(axis=axis))


def test_no_table_that_does_as_well_is_nearer() -> None:
    found = ordered()
    (moved,) = nearest([found], [ranks_within(found, -1.0, 0.2)])
    line = oracles.line_to_independence(found, rank_correlation, -1.0, 0.2)
    assert rank_correlation(line) == pytest.approx(rank_correlation(moved), abs=1e-6)
    assert divergence(moved, found) < divergence(line, found)
    rng = np.random.default_rng(3)
    for _ in range(50):  # other tables with these margins and this correlation
        other = moved + within_margins(rng, found) * 3
        if (other > 0).all():
            assert divergence(moved, found) <= divergence(other, found) + 1e-9


def divergence(table: FloatArray, found: IntArray) -> float:
    seen = table > 0
    return float((table[seen] * np.log(table[seen] / np.maximum(found[seen], 1e-6))).sum() / found.sum())


def within_margins(rng: np.random.Generator, found: IntArray) -> FloatArray:
    """A small change of all cells that leaves the margins and the rank correlation alone."""
    scores = ranks_within(found, -1, 1).scores
    assert scores is not None
    step = rng.normal(size=found.shape)
    step -= step.mean(axis=0)
    step -= step.mean(axis=1)[:, None]
    centred = scores - scores.mean(axis=0)
    centred -= centred.mean(axis=1)[:, None]
    return np.asarray(step - centred * (step * centred).sum() / (centred * centred).sum())


@pytest.mark.parametrize("high", [0.2, 0.05, 0.0])
def test_cramers_v_goes_down_towards_independence(high: float) -> None:
    found = ordered()
    (moved,) = nearest([found], [Demand(cramers_v, 0.0, high, (5, 4), None, "V")])
    assert cramers_v(moved) == pytest.approx(high, abs=1e-6)
    assert moved.sum(axis=0) == pytest.approx(found.sum(axis=0))


def test_cramers_v_goes_up_without_cells_below_nothing() -> None:
    found = ordered(slope=0.3)
    assert cramers_v(found.astype(float)) < 0.4
    (moved,) = nearest([found], [Demand(cramers_v, 0.4, 1.0, (5, 4), None, "V")])
    assert cramers_v(moved) == pytest.approx(0.4, abs=1e-6)
    assert (moved >= 0).all()


def test_an_empty_cell_is_filled_where_nothing_else_will_do() -> None:
    (moved,) = nearest([np.array([[50, 30], [20, 0]])], [mcc_within(0.0, 1.0)])
    assert moved == pytest.approx(np.array([[56.0, 24.0], [14.0, 6.0]]), abs=1e-4)


def test_levels_that_do_not_count_stay() -> None:
    found = np.array([[40, 10, 3], [10, 40, 9]])
    (moved,) = nearest([found], [Demand(lambda t: mcc(t[:2, :2]), -0.1, 0.1, (2, 2), CORNER, "")])
    assert moved[:, 2].tolist() == [3, 9]
    assert mcc(moved[:, :2]) == pytest.approx(0.1)


def test_several_demands_on_one_pair_are_met_together() -> None:
    found = np.array([[300, 80, 20], [60, 200, 90], [40, 50, 160]])

    def of(p: int, q: int) -> Demand:
        scores = np.zeros((3, 3))
        scores[p, q] = 1.0

        def measure(t: FloatArray) -> float:
            x, u, v, n = t[p, q], t[p].sum(), t[:, q].sum(), t.sum()
            return mcc(np.array([[n - u - v + x, v - x], [u - x, x]]))

        return Demand(measure, -0.05, 0.05, (3, 3), scores, f"({p}, {q})")

    demands = [of(0, 0), of(1, 1), of(2, 2)]
    (moved,) = nearest([found], demands)
    assert max(abs(demand.measure(moved)) for demand in demands) <= 0.05 + 1e-6
    assert moved.sum(axis=1) == pytest.approx(found.sum(axis=1))


def test_strata_are_moved_alike_and_keep_their_own_margins() -> None:
    found = [np.array([[40, 10], [10, 40]]), np.array([[100, 20], [60, 30]]), np.zeros((2, 2), np.int64)]
    rest = np.array([[5.0, 1.0], [0.0, 7.0]])
    moved = nearest(found, [mcc_within(-0.1, 0.1)], rest)
    assert mcc(sum(moved, rest)) == pytest.approx(0.1)
    for old, new in zip(found, moved, strict=True):
        assert new.sum(axis=0) == pytest.approx(old.sum(axis=0))
        assert new.sum(axis=1) == pytest.approx(old.sum(axis=1))
    ratio = [np.log(new[0, 0] * new[1, 1] / new[0, 1] / new[1, 0]) for new in moved[:2]]
    before = [np.log(old[0, 0] * old[1, 1] / old[0, 1] / old[1, 0]) for old in found[:2]]
    assert ratio[0] - before[0] == pytest.approx(ratio[1] - before[1], abs=1e-5)


def test_bounds_out_of_reach_of_the_margins() -> None:
    with pytest.raises(InfeasibleError) as caught:
        nearest([np.array([[50, 30], [20, 0]])], [mcc_within(0.9, 1.0)])
    assert str(caught.value) == (
        "the policy expects the MCC of 'a' and 'b' to be +0.900 or more, "
        "and with their marginals it is +0.764 at most; change the policy"
    )
    with pytest.raises(InfeasibleError, match=r"to be -0.500 or less, and with .* it is \+0.000 at least"):
        nearest([ordered()], [Demand(cramers_v, -0.6, -0.5, (5, 4), None, "V")])


def test_demands_that_contradict_each_other() -> None:
    with pytest.raises(InfeasibleError) as caught:
        nearest([np.array([[40, 10], [10, 40]])], [mcc_within(-1.0, 0.0), mcc_within(0.3, 1.0)])
    assert str(caught.value) == (
        "no table meets all that the policy expects of the MCC of 'a' and 'b' at once; change the policy"
    )
