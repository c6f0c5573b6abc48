from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from checks.conftest import Run
from checks.samples.heap_worlds import checked, planted

from credenza.checks.heaps import heaps_outcome
from credenza.checks.samples.beside import SampleInputs
from credenza.checks.samples.scores import ClassScores, ClassVerdict
from credenza.checks.spectral_signature import SpectralSignature
from credenza.contracts import Outcome, Status


def told(*verdicts: ClassVerdict) -> Outcome:
    rows = sum(verdict.rows for verdict in verdicts)
    picked = np.arange(rows) < sum(verdict.flagged_rows for verdict in verdicts)
    names = tuple("abcdefgh"[: len(verdicts)])
    found = ClassScores(np.zeros(rows), picked, verdicts)
    return heaps_outcome(SpectralSignature(), found, names, apart="apart", measure="spread")


def test_the_sentences() -> None:
    outcome = told(
        ClassVerdict(0, 1_000, 0.5, 1e-9, 120, 0.08, "a note"),
        ClassVerdict(1, 900, 0.25, 0.5),
        ClassVerdict(2, 3, np.nan, None, note="3 rows: at least 40 are needed"),
    )
    (finding,) = outcome.findings
    assert finding.message == (
        "about 8.0% of 1,000 rows of 'a' are apart (spread 0.50, a note); 120 rows picked"
    )
    assert finding.details == {"rows": 1_000, "picked": 120}
    assert outcome.reason == ("1 alarm, 120 rows picked; left out: 'c' (3 rows: at least 40 are needed)")
    assert json.loads(json.dumps(outcome.details))["left_out"] == ["c"]
    clear = told(ClassVerdict(0, 90, 0.25, 0.5))
    assert clear.reason == (
        "none of 1 classes falls into two heaps (smallest p 0.5); planted rows that overlap the rest would be missed"
    )


def test_the_strongest_comes_first() -> None:
    outcome = told(ClassVerdict(0, 90, 0.5, 1e-3, 9, 0.1), ClassVerdict(1, 90, 0.5, 1e-9, 9, 0.1))
    assert [finding.subject for finding in outcome.findings] == [("b",), ("a",)]


def test_small_classes_only_are_skipped_not_clear() -> None:
    verdicts = [ClassVerdict(k, 30, np.nan, None, note="30 rows: at least 40 are needed") for k in range(7)]
    outcome = told(*verdicts)
    assert outcome.status is Status.SKIPPED
    assert outcome.reason.startswith(
        "no class has rows enough; left out: 'a' (30 rows: at least 40 are needed), "
    )
    assert outcome.reason.endswith(" and 2 more")


@pytest.mark.parametrize("code", ["CZ403", "CZ404", "CZ405"])
def test_a_class_of_three_rows_is_named(run: Run, code: str) -> None:
    content, table, _ = planted(600, 0.0)
    kinds = ["owl"] * 3 + table["kind"].to_pylist()[3:]
    table = table.set_column(0, "kind", pa.array(kinds))
    outcome = run(code, table, beside=SampleInputs("kind", content))
    assert outcome.reason.endswith("left out: 'owl' (3 rows: at least 40 are needed)")
    assert outcome.scores is not None
    assert np.isnan(outcome.scores).sum() == 3


def test_all_is_decided_by_the_seed(run: Run) -> None:
    first, second = (checked(run, "CZ404", 0.2)[0] for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(first.scores, second.scores)
