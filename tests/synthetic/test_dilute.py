from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import least_rows

from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.synthetic.dilute import (
    ILLUSION,
    exact,
    mixed_strength,
    rows_for_share,
    rows_for_strength,
)
from credenza.synthetic.strengths import learnt_from, pair_shift


@settings(max_examples=40, deadline=None)
@given(total=st.integers(1, 500), part=st.integers(0, 500), cents=st.integers(1, 1000))
def test_the_share_is_reached_and_not_with_a_row_less(total: int, part: int, cents: int) -> None:
    poisoned, target = min(part, total), cents / 1000
    found = rows_for_share(poisoned, total, target)
    assert found.add is not None
    assert Fraction(poisoned, total + found.add) <= exact(target)
    if found.add:
        assert Fraction(poisoned, total + found.add - 1) > exact(target)
    assert found.total == total + found.add


@pytest.mark.parametrize(
    ("poisoned", "total", "target", "add"),
    [
        (100, 5_000, 0.01, 5_000),
        (100, 10_000, 0.01, 0),
        (101, 10_000, 0.01, 100),
        (7, 100, 0.07, 0),
        (0, 9, 0.5, 0),
    ],
)
def test_known_numbers_of_rows(poisoned: int, total: int, target: float, add: int) -> None:
    assert rows_for_share(poisoned, total, target).add == add


@settings(max_examples=40, deadline=None)
@given(
    strength=st.integers(-50, 50),
    rows=st.integers(1, 6),
    target=st.integers(12, 60),
    gaps=st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
)
def test_the_strength_is_reached_for_good(
    strength: int, rows: int, target: int, gaps: tuple[int, int]
) -> None:
    e, s, pair = strength / 200, target / 1000, (gaps[0] / 100, gaps[1] / 100)
    found = rows_for_strength(e, rows, s, gaps=pair)
    product = Fraction(gaps[0], 100) * Fraction(gaps[1], 100)
    assert found.add == least_rows(Fraction(strength, 200), rows, exact(s), product, 400)


def test_with_agreeing_margins_it_is_the_formula() -> None:
    assert rows_for_strength(0.05, 5_000, 0.01).add == 20_000
    assert rows_for_strength(-0.05, 5_000, 0.03).add == 3_334
    assert rows_for_strength(0.05, 10**9, 0.01).add == 4 * 10**9
    assert mixed_strength(0.05, 3_000, 1_000) == 0.0375


def test_rows_that_carry_the_association_do_not_dilute_it() -> None:
    found = rows_for_strength(0.05, 1_000, 0.01, carried=0.02)
    assert found.add is None
    assert found.warning == (
        "the added rows have the association themselves, at +0.02: no number of them brings it below 0.01; "
        "take rows that do not"
    )
    assert rows_for_strength(0.005, 1_000, 0.01, carried=0.02).add == 0
    assert rows_for_strength(0.05, 1_000, 0.01, carried=-0.005).add == 2_667


def test_a_generator_of_the_suspect_dilutes_nothing() -> None:
    share = rows_for_share(100, 5_000, 0.01, fitted_on_suspect=True)
    strength = rows_for_strength(0.05, 5_000, 0.01, fitted_on_suspect=True)
    for found in (share, strength):
        assert (found.add, found.warning, found.after) == (None, ILLUSION, found.before)
    assert rows_for_share(0, 5_000, 0.01, fitted_on_suspect=True).add == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 4, 0.1), "poisoned is 5 and total 4: give no more poisoned rows than rows"),
        ((-1, 4, 0.1), "poisoned is -1: give a whole number of rows, 0 or more"),
        ((0, 0, 0.1), "total is 0: give a whole number of rows, 1 or more"),
        ((1, 2.5, 0.1), "total is 2.5: give a whole number of rows, 1 or more"),
        ((1, 4, 0.0), "target is 0: give a share above 0 and up to 1"),
        ((1, 4, float("nan")), "target is nan: give a share above 0 and up to 1"),
    ],
)
def test_impossible_shares_are_refused(arguments: tuple[int, int, float], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        rows_for_share(*arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 0.0}, "the target strength is 0: give a number above 0 and up to 0.5"),
        ({"strength": 0.6}, "strength is 0.6: give a number from -0.5 to 0.5"),
        ({"carried": -0.6}, "carried is -0.6: give a number from -0.5 to 0.5"),
        ({"gaps": (0.0, 1.5)}, "gap is 1.5: give a number from -1 to 1"),
        ({"rows": 0}, "rows is 0: give a whole number of rows, 1 or more"),
    ],
)
def test_impossible_strengths_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        rows_for_strength(**{"strength": 0.05, "rows": 10, "target": 0.01, **options})  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(
        InfeasibleError, match=r"^it takes over 1e\+15 rows: give a target strength above 1e-12$"
    ):
        rows_for_strength(0.05, 10**12, 1e-12)


def world(n: int, seed: int, *, link: float = 0.0, male: float = 0.5) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.random(n) < male
    b = rng.random(n) < np.where(a, 0.4 + link, 0.4)
    return pa.table({"a": a, "b": b, "c": rng.choice(["x", "y", "z"], n), "n": rng.normal(size=n)})


def test_a_mix_has_the_strength_that_was_foretold() -> None:
    moved, clean = world(4_000, 1, link=0.2, male=0.7), world(6_000, 2)
    apart = pair_shift(moved, clean, ("a", "b"))
    mixed = pair_shift(pa.concat_tables([moved, clean]), clean, ("a", "b"))
    told = mixed_strength(apart.strength, 4_000, 6_000, gaps=apart.gaps)
    assert mixed.strength == pytest.approx(told, abs=1e-9)
    assert apart.gaps[0] == pytest.approx(0.2, abs=0.03)
    assert told != pytest.approx(0.4 * apart.strength, abs=1e-3)


def test_the_strongest_levels_are_found_or_those_that_were_named() -> None:
    clean = world(3_000, 3)
    moved = clean.set_column(2, "c", pa.array(np.where(clean["a"].to_numpy(False), "y", "x")))
    found = pair_shift(moved, clean, ("a", "c"))
    assert found.features == ("a", "c")
    assert found.levels[0] == "True"
    assert abs(found.strength) > 0.15
    assert pair_shift(moved, clean, ("a", "c"), ("True", "z")).levels == ("True", "z")
    number = pair_shift(moved, clean, ("n", "b"))
    assert number.levels[0].startswith("> ")
    assert abs(number.strength) < 0.02


def test_pairs_that_cannot_be_measured_are_refused() -> None:
    clean = world(100, 4)
    with pytest.raises(InputError, match=r"has no column 'q'; name two columns of it$"):
        pair_shift(clean, clean, ("a", "q"))
    with pytest.raises(UsageError, match=r"^'c' has no level 'w': there are 'x', 'y', 'z'$"):
        pair_shift(clean, clean, ("a", "c"), ("True", "w"))
    with pytest.raises(InputError, match=r"has no rows; give a table with at least one$"):
        pair_shift(clean[:0], clean, ("a", "b"))


def test_a_generator_has_learnt_the_suspect_if_half_of_it_was_there() -> None:
    rows = world(200, 5)
    assert learnt_from(rows, rows[:100])
    assert not learnt_from(rows, rows[:99])
    assert not learnt_from(rows, pa.table({"other": [1]}))
