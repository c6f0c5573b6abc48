from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned, population

from credenza.checks import REGISTRY
from credenza.checks.runner import missing_need
from credenza.contracts import Status
from credenza.report import profiling as profiles


def split(n: int, seed: int) -> pa.Table:
    """The population with two sites of equal size."""
    table = population(n, seed).drop_columns(["clinic", "region"])
    return table.append_column("site", pa.array(np.random.default_rng(seed).choice(["s1", "s2"], n)))


def hidden(table: pa.Table, strength: float = 0.12) -> pa.Table:
    """Opposite shifts in the two sites, which cancel in the whole."""
    site = np.array(table["site"].to_pylist())
    return poisoned(poisoned(table, strength, rows=site == "s1"), -strength, rows=site == "s2")


@pytest.fixture(scope="module")
def known() -> pa.Table:
    return split(6_000, 11)


@pytest.fixture(scope="module")
def fresh() -> pa.Table:
    return split(6_000, 12)


def test_clean_strata_are_clear(run: Any, fresh: pa.Table, known: pa.Table) -> None:
    outcome = run("CZ204", fresh, known, strata=("site",))
    assert outcome.status is Status.CLEAR
    assert outcome.reason.startswith(
        "no pair shifts inside any of 2 strata beyond what CZ201 reports. A shift of strength 0.0"
    )
    assert outcome.details == {"strata": 2, "too_small": []}


def test_shifts_that_cancel_are_found_inside(run: Any, fresh: pa.Table, known: pa.Table) -> None:
    suspect = hidden(fresh)
    assert run("CZ201", suspect, known).status is Status.CLEAR
    outcome = run("CZ204", suspect, known, strata=("site",))
    assert {(c.where, c.features, c.direction) for c in outcome.culprits} == {
        ("site = s1", ("smoker", "urban"), "positive"),
        ("site = s2", ("smoker", "urban"), "negative"),
    }
    assert all(f.message.endswith("; the whole table does not show it") for f in outcome.findings)
    assert outcome.findings[0].subject == ("smoker", "urban", "site = s1")


def test_what_the_whole_shows_is_not_repeated(run: Any, fresh: pa.Table, known: pa.Table) -> None:
    suspect = poisoned(fresh, 0.1)
    assert run("CZ201", suspect, known).status is Status.FLAGGED
    assert run("CZ204", suspect, known, strata=("site",)).status is Status.CLEAR


def test_small_strata_are_listed(run: Any, fresh: pa.Table, known: pa.Table) -> None:
    def third(table: pa.Table) -> pa.Table:
        names = ["s3" if k < 90 else name for k, name in enumerate(table["site"].to_pylist())]
        return table.set_column(table.column_names.index("site"), "site", pa.array(names))

    outcome = run("CZ204", third(fresh), third(known), strata=("site",))
    assert outcome.details == {"strata": 2, "too_small": ["site = s3"]}
    assert outcome.reason.endswith("; 1 strata with fewer than 100 rows on a side were not checked")


def test_several_columns_make_combinations(run: Any, fresh: pa.Table, known: pa.Table) -> None:
    outcome = run("CZ204", fresh, known, strata=("site", "insured"))
    assert outcome.details["strata"] == 4


def test_no_large_stratum_is_not_applicable(run: Any, fresh: pa.Table, known: pa.Table) -> None:
    outcome = run("CZ204", fresh.slice(0, 150), known, strata=("site",))
    assert outcome.status is Status.NOT_APPLICABLE
    assert outcome.reason == "no stratum has 100 rows on both sides: use fewer or coarser strata columns"


def test_strata_too_thin_to_test_are_not_clear(run: Any) -> None:
    n = 300
    table = pa.table(
        {"a": [k == 5 for k in range(n)], "b": [k == 9 for k in range(n)], "site": ["x", "y", "y"] * 100}
    )
    outcome = run("CZ204", table, table, strata=("site",))
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == "no pair could show a shift of any size in any of 2 strata: give more rows"


def test_a_profile_has_no_rows_to_split(fresh: pa.Table, known: pa.Table) -> None:
    (check,) = (check for check in REGISTRY if check.code == "CZ204")
    given = evidence(fresh, profiles.profile(known), strata=("site",))
    assert missing_need(check, given) == "needs the reference's rows, not a profile of it (--reference)"
