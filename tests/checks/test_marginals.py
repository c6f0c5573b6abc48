from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from checks.tables import evidence, population

from credenza.checks.marginals import MarginalShift
from credenza.contracts import Severity, Status


def test_clean_is_clear(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ101", clean, reference)
    assert outcome.status is Status.CLEAR
    assert outcome.reason == "none of 6 features takes its values more or less often than expected"
    assert outcome.details == {"features_tested": 6}


def test_associative_poisoning_is_not_seen(run: Any, moved: pa.Table, reference: pa.Table) -> None:
    assert run("CZ101", moved, reference).status is Status.CLEAR


def test_drift_is_a_notice(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    keep = np.flatnonzero(clean["urban"].to_numpy(zero_copy_only=False))[:600]
    drifted = clean.take(np.setdiff1d(np.arange(4_000), keep))
    outcome = run("CZ101", drifted, reference)
    first = outcome.findings[0]
    assert first.subject == ("urban",)
    assert first.severity is Severity.NOTICE
    assert first.details["explained"] is False
    assert first.details["before"] > first.details["after"] or first.details["level"] == "False"
    assert first.message.startswith(
        f"urban: {first.details['level']} in {first.details['after']:.1%} of the rows, "
    )
    assert first.message.endswith(f"{first.details['before']:.1%} in the reference")
    assert first.q is not None
    assert first.q <= 0.05
    assert [f.effect for f in outcome.findings] == sorted((f.effect for f in outcome.findings), reverse=True)


def test_what_the_culprits_explain_is_said() -> None:
    """Whole rows with smoker and urban alike are exchanged, so a copy-like third column moves along."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> pa.Table:
        a, b = rng.random(n) < 0.5, rng.random(n) < 0.5
        both = rng.random(n) < np.where(a & b, 0.9, 0.1)
        return pa.table({"a": a, "b": b, "both": both, "free": rng.random(n) < 0.3})

    suspect, spare = draw(6_000), draw(20_000)
    a, b = (suspect[name].to_numpy(zero_copy_only=False) for name in "ab")
    sa, sb = (spare[name].to_numpy(zero_copy_only=False) for name in "ab")
    index = np.arange(6_000)
    for value in (True, False):
        out = np.flatnonzero((a == value) & (b != value))[:600]
        index[out] = 6_000 + np.flatnonzero((sa == value) & (sb == value))[:600]
    outcome = MarginalShift().run(evidence(pa.concat_tables([suspect, spare]).take(index), draw(6_000)))
    (finding,) = outcome.findings
    assert finding.subject == ("both",)
    assert finding.details["explained"] is True
    assert finding.message.endswith("; the culprits explain it")


def test_a_few_rows_are_not_called_clear(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ101", clean.slice(0, 12), reference)
    assert outcome.status is Status.SKIPPED
    assert (
        outcome.reason
        == "none of 6 features has two levels of 20 expected rows on both sides: give more rows"
    )


def test_rare_features_are_counted(run: Any) -> None:
    table = population(1_000, 3).select(["smoker", "urban"])
    rare = table.append_column("rare", pa.array([k < 15 for k in range(1_000)]))
    outcome = run("CZ101", rare, rare)
    assert outcome.reason.endswith(
        "; 1 with fewer than two levels of 20 expected rows on both sides were not tested"
    )


def test_levels_that_one_side_lacks_are_a_shift(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    older = pa.array(clean["age"].to_numpy() + 200.0)
    for column, values, start in (
        ("urban", pa.array([False] * clean.num_rows), "urban: False in 100.0% of the rows, "),
        ("age", older, "age: > "),
    ):
        gone = clean.set_column(clean.column_names.index(column), column, values)
        (finding,) = run("CZ101", gone, reference).findings
        assert finding.subject == (column,)
        assert finding.message.startswith(start)
        assert " in 100.0% of the rows, " in finding.message
