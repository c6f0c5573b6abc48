from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from credenza.contracts import Outcome, Severity, Status
from credenza.report import profiling as profiles


def said(outcome: Outcome) -> list[tuple[str, Severity]]:
    return [(finding.message, finding.severity) for finding in outcome.findings]


def test_equal_structures_are_clear(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ001", clean.slice(0, 100), reference)
    assert outcome.status is Status.CLEAR
    assert outcome.reason == "6 audited columns agree; 100 rows against 4,000 in the reference"
    assert outcome.details == {"suspect_rows": 100, "reference_rows": 4_000}


def test_one_row_has_no_plural(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    assert "; 1 row against 4,000 in" in run("CZ001", clean.slice(0, 1), reference).reason


def test_a_profile_is_called_one(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    known = profiles.profile(reference)
    assert run("CZ001", clean, known).reason.endswith("4,000 rows against 4,000 in the profile")


def test_a_column_that_the_suspect_lacks_is_an_alarm(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ001", clean.drop_columns(["age"]), reference)
    assert outcome.status is Status.FLAGGED
    assert outcome.reason == "1 alarm"
    assert said(outcome) == [("column 'age' is absent in the suspect", Severity.ALARM)]
    assert outcome.findings[0].subject == ("age",)
    assert outcome.findings[0].details == {"problem": "absent in suspect"}


def test_a_column_that_the_reference_lacks_is_a_notice(
    run: Any, clean: pa.Table, reference: pa.Table
) -> None:
    outcome = run("CZ001", clean, reference.drop_columns(["age"]))
    assert said(outcome) == [("column 'age' is absent in the reference", Severity.NOTICE)]
    assert outcome.reason == "1 notice"


def test_another_kind_is_an_alarm(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    text = pa.array([f"{age:.0f} years" for age in clean["age"].to_pylist()])
    outcome = run("CZ001", clean.set_column(5, "age", text), reference)
    message = "column 'age' is number in the reference, string in the suspect"
    assert said(outcome) == [(message, Severity.ALARM)]


def test_numbers_and_booleans_agree(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    numbers = clean["smoker"].combine_chunks().cast(pa.int8())
    assert run("CZ001", clean.set_column(0, "smoker", numbers), reference).status is Status.CLEAR


def test_new_levels_are_notices(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    regions = ["west" if k < 80 else name for k, name in enumerate(clean["region"].to_pylist())]
    missing = [None if k < 40 else value for k, value in enumerate(clean["urban"].to_pylist())]
    suspect = clean.set_column(4, "region", pa.array(regions)).set_column(1, "urban", pa.array(missing))
    outcome = run("CZ001", suspect, reference)
    assert said(outcome) == [
        ("column 'urban': missing in 1% of the rows, never in the reference", Severity.NOTICE),
        ("column 'region': 1 value that the reference lacks (west) in 2% of the rows", Severity.NOTICE),
    ]
    assert [finding.effect for finding in outcome.findings] == [0.01, 0.02]
    assert outcome.reason == "2 notices"


@pytest.mark.parametrize("as_profile", [False, True])
def test_the_slices_column_is_not_compared(
    run: Any, clean: pa.Table, reference: pa.Table, *, as_profile: bool
) -> None:
    slices = pa.array(["a", "b"] * 2_000)
    known = reference.append_column("clinic", pa.array(["c", "d"] * 2_000))
    given = profiles.profile(known) if as_profile else known
    assert run("CZ001", clean.append_column("clinic", slices), given, slices="clinic").status is Status.CLEAR


def test_chosen_columns_only_are_compared(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ001", clean, reference.drop_columns(["age"]), columns=["smoker", "urban"])
    assert outcome.reason.startswith("2 audited columns agree")


def test_a_table_against_itself_is_noticed(run: Any, clean: pa.Table) -> None:
    (finding,) = run("CZ001", clean, clean).findings
    assert finding.severity is Severity.NOTICE
    assert finding.message == (
        "the suspect and the reference are the same data: a table audited against itself shows nothing"
    )
