"""The ladder on normal scores: who is named, who is taken out again."""

from __future__ import annotations

import numpy as np
import pytest

from credenza.association.gaussian_ladder import MOST_STEPS, GaussianLadder
from credenza.association.tails import normal_isf


def ladder(correlation: list[list[float]], **changes: object) -> GaussianLadder:
    pairs = len(correlation)
    given: dict[str, object] = {
        "correlation": np.array(correlation),
        "tables": [[k] for k in range(pairs)],
        "larger": [False] * pairs,
        "margins": [[] for _ in range(pairs)],
        "shifted": [],
        "tested": 10,
        "fdr": 0.05,
    }
    return GaussianLadder(**(given | changes))  # type: ignore[arg-type]


def test_the_threshold_of_one_pair_is_that_of_benjamini_hochberg() -> None:
    needed = float(normal_isf(0.05 / 10 / 2))
    found = ladder([[1.0]]).climb(np.array([[needed - 0.01], [needed + 0.01], [-needed - 0.01]]))
    assert found == [(), (0,), (0,)]


def test_pairs_that_are_significant_together_lower_the_threshold() -> None:
    alone, both = (float(normal_isf(0.05 * k / 10 / 2)) for k in (1, 2))
    between = (alone + both) / 2
    assert ladder([[1.0]]).climb(np.array([[between]])) == [()]
    assert ladder([[1.0, 0.9], [0.9, 1.0]]).climb(np.array([[between + 0.01, between]])) == [(0,)]


def test_what_a_culprit_drags_along_is_not_named() -> None:
    assert ladder([[1.0, 0.8], [0.8, 1.0]]).climb(np.array([[8.0, 6.4]])) == [(0,)]


@pytest.mark.parametrize("seed", range(4))
def test_without_any_culprit_something_is_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = ladder(np.corrcoef(rng.normal(size=(6, 9))).tolist(), tested=6)
    z = 4 * rng.normal(size=(150, 6))
    several = 0
    for row, key in zip(z, one.climb(z), strict=True):
        several += 1 < len(key) < MOST_STEPS
        for k in key if 1 < len(key) < MOST_STEPS else ():
            rest = tuple(x for x in key if x != k)
            _, left = one._left(row[None], None, None, rest, np.array([0]))
            assert left.any()
    assert several > 20


def test_margins_that_shifted_are_explained_first() -> None:
    one = ladder([[1.0, 0.9], [0.9, 1.0]], tables=[[0]], larger=[False], margins=[[]], shifted=[1])
    assert one.climb(np.array([[5.0, 5.0]])) == [()]
    assert one.climb(np.array([[9.5, 5.0]])) == [(0,)]


def test_what_the_first_pair_has_caused_is_gone_with_it() -> None:
    one = ladder([[1.0, 0.1], [0.1, 1.0]])
    z = np.array([[9.0, 8.0]])
    assert one.climb(z) == [(0, 1)]
    assert one.climb(z, caused=np.array([9.0, 8.0])) == [(0,)]


def test_a_floor_holds_pairs_back() -> None:
    assert ladder([[1.0]]).climb(np.array([[9.0]]), least=np.array([[-1.0]])) == [()]


def test_larger_tables_are_asked_in_two_ways() -> None:
    many = 9
    one = ladder(np.eye(many).tolist(), tables=[list(range(many))], larger=[True], margins=[[]], tested=1)
    spread = np.full((1, many), 2.2)  # no table stands out, all of them together do
    assert one.climb(spread) == [(0,)]
    assert one.climb(np.zeros((1, many))) == [()]


def test_the_correction_raises_the_threshold() -> None:
    z = np.array([[float(normal_isf(0.05 / 10 / 2)) + 0.05]])
    assert ladder([[1.0]]).climb(z) == [(0,)]
    assert ladder([[1.0]], penalty=1.0).climb(z) == [()]


def test_no_more_steps_than_are_followed() -> None:
    found = ladder(np.eye(8).tolist()).climb(np.full((3, 8), 9.0))
    assert all(len(key) == MOST_STEPS for key in found)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_without_correlation_are_named_by_step_up_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(200, 3)) + np.array([3.0, 0.0, 0.0])
    found = ladder(np.eye(3).tolist(), tested=3).climb(z)
    from scipy import special

    from credenza.association.multiplicity import adjust

    for row, key in zip(z, found, strict=True):
        q = adjust(special.log_ndtr(-np.abs(row)) + np.log(2))
        if key:
            assert q.min() <= 0.05
            assert q[key[0]] == pytest.approx(q.min())
        else:
            assert q.min() > 0.05
