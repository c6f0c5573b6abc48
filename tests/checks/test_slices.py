from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned, population

from credenza.checks.groups import could_have_missed
from credenza.contracts import Severity, Status


def labelled(seed: int, sizes: dict[str, int]) -> pa.Table:
    """A population with a contributor column of these sizes, shuffled."""
    table = population(sum(sizes.values()), seed).drop_columns(["clinic"])
    names = np.random.default_rng(seed).permutation(np.repeat(list(sizes), list(sizes.values())))
    return table.append_column("contributor", pa.array(names))


TEN = {f"c{k}": 1_200 for k in range(10)}


def rows_of(table: pa.Table, name: str) -> np.ndarray:
    return np.array(table["contributor"].to_pylist()) == name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alike_slices_are_clear(run: Any, seed: int) -> None:
    outcome = run("CZ202", labelled(seed, TEN), slices="contributor")
    assert outcome.status is Status.CLEAR
    assert outcome.reason.startswith(
        "no slice out of 10 differs from the rest in any of 15 pairs. A shift of strength 0.0"
    )
    assert outcome.reason.endswith("on a typical pair would have shown with 80% power")
    assert outcome.details == {"slices": 10, "too_small": []}


@pytest.mark.parametrize("strength", [0.1, -0.1])
def test_the_poisoned_slice_is_named(run: Any, strength: float) -> None:
    table = labelled(7, TEN)
    suspect = poisoned(table, strength, rows=rows_of(table, "c3"))
    outcome = run("CZ202", suspect, slices="contributor")
    (culprit,), (finding,) = outcome.culprits, outcome.findings
    assert culprit.where == "contributor = c3"
    assert culprit.features == ("smoker", "urban")
    assert culprit.interval[0] < strength < culprit.interval[1]
    assert finding.subject == ("smoker", "urban", "contributor = c3")
    assert finding.severity is Severity.ALARM
    more = "more" if strength > 0 else "less"
    assert f"go together {more} often in contributor = c3: strength " in finding.message


def test_two_poisoned_slices_are_both_named(run: Any) -> None:
    table = labelled(8, TEN)
    once = poisoned(table, 0.12, rows=rows_of(table, "c1"))
    twice = poisoned(once, -0.12, pair=("active", "insured"), rows=rows_of(table, "c6"))
    outcome = run("CZ202", twice, slices="contributor")
    assert {(c.where, c.features) for c in outcome.culprits} == {
        ("contributor = c1", ("smoker", "urban")),
        ("contributor = c6", ("active", "insured")),
    }


def test_small_slices_are_listed(run: Any) -> None:
    outcome = run("CZ202", labelled(3, {"a": 900, "b": 800, "c": 40}), slices="contributor")
    assert outcome.details == {"slices": 2, "too_small": ["contributor = c"]}
    assert outcome.reason.endswith("; 1 slices with fewer than 100 rows were not checked")


@pytest.mark.parametrize(
    ("sizes", "found"),
    [({"only": 500}, "0 of 1"), ({"a": 500, "b": 50}, "0 of 2"), ({"a": 50, "b": 50}, "0 of 2")],
)
def test_fewer_than_two_slices_are_not_applicable(run: Any, sizes: dict[str, int], found: str) -> None:
    outcome = run("CZ202", labelled(3, sizes), slices="contributor")
    assert outcome.status is Status.NOT_APPLICABLE
    assert outcome.reason == (
        f"{found} slices have 100 rows and as many to compare with: at least 2 are needed"
    )


def test_pairs_too_rare_to_test_are_not_clear(run: Any) -> None:
    n = 400
    table = pa.table(
        {
            "a": [k == 5 for k in range(n)],
            "b": [k == 9 for k in range(n)],
            "contributor": ["x", "y"] * (n // 2),
        }
    )
    outcome = run("CZ202", table, slices="contributor")
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == "no pair could show a shift of any size in any of 2 slices: give more rows"


def test_min_strength_reaches_the_slices(run: Any) -> None:
    table = labelled(7, TEN)
    suspect = poisoned(table, 0.1, rows=rows_of(table, "c3"))
    outcome = run("CZ202", suspect, slices="contributor", settings={"min_strength": 0.2})
    assert outcome.status is Status.CLEAR


def test_no_power_is_no_sentence() -> None:
    assert could_have_missed([]) == ""


def test_the_slices_column_is_not_a_feature() -> None:
    table = labelled(3, {"a": 200, "b": 200})
    assert "contributor" not in evidence(table, slices="contributor").schema.names
