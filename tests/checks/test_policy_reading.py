from __future__ import annotations

import numpy as np
import pytest

from credenza.association.measures import cramers_v, mcc, rank_correlation
from credenza.checks.policy_file import Expectation
from credenza.checks.policy_reading import critical_value, reading_of
from credenza.data import Feature, Kind, Schema

YES_NO = ("no", "yes")
SCHEMA = Schema(
    (
        Feature("a", Kind.BINARY, (*YES_NO, "(missing)"), values=YES_NO, missing=2),
        Feature("b", Kind.BINARY, YES_NO, values=YES_NO),
        Feature("k", Kind.CATEGORICAL, ("blue", "green", "red"), values=("blue", "green", "red")),
        Feature("x", Kind.CONTINUOUS, ("<= 1", "(1, 2]", "> 2"), 3, (1.0, 2.0)),
    )
)
TABLE = np.array([[30.0, 10.0, 5.0], [10.0, 30.0, 5.0], [7.0, 0.0, 1.0]])


def declared(first: str, second: str, levels: tuple[str, str] | None = None) -> Expectation:
    return Expectation((first, second), levels, "bounds", -0.1, 0.1)


def test_missing_values_of_a_binary_feature_are_left_out() -> None:
    reading = reading_of(SCHEMA, declared("a", "b"), "data")
    assert (reading.features, reading.measure, reading.block) == ((0, 1), "MCC", (2, 2))
    assert reading.value(TABLE[:, :2]) == mcc(TABLE[:2, :2])


def test_each_kind_of_pair_has_its_measure() -> None:
    ranks = reading_of(SCHEMA, declared("a", "x"), "data")
    assert ranks.measure == "rank correlation"
    assert ranks.value(TABLE) == rank_correlation(TABLE[:2])
    nominal = reading_of(SCHEMA, declared("a", "k"), "data")
    assert nominal.measure == "Cramer's V"
    assert nominal.value(TABLE) == cramers_v(TABLE)
    levels = reading_of(SCHEMA, declared("a", "k", ("yes", "green")), "data")
    assert levels.cell == (1, 1)
    assert levels.value(TABLE) == mcc(np.array([[43.0, 10.0], [15.0, 30.0]]))


def test_one_level_cannot_be_measured() -> None:
    reading = reading_of(SCHEMA, declared("a", "b"), "data")
    table = np.array([[5, 3], [0, 0], [1, 1]])
    assert reading.value(table) == 0.0
    assert np.isnan(reading.error(table, 0))


def test_an_interval_breaks_when_all_of_it_is_outside() -> None:
    reading = reading_of(SCHEMA, declared("a", "b"), "data")
    z = critical_value(0.05, 1)
    assert reading.breaks(0.2, 0.05, z)
    assert reading.breaks(-0.2, 0.05, z)
    assert not reading.breaks(0.2, 0.06, z)
    assert critical_value(0.05, 10) == pytest.approx(2.807, abs=1e-3)
