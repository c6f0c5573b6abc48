from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, population

from credenza.checks.collision import coincidence, coincidence_excess
from credenza.checks.duplicates import repeats
from credenza.contracts import Severity, Status
from credenza.data import Duplicates
from credenza.report import profiling as profiles


def detailed(n: int, seed: int) -> pa.Table:
    """A table in which two rows hardly ever coincide."""
    rng = np.random.default_rng(seed)
    return pa.table({name: rng.normal(size=n).round(3) for name in "abcdefgh"})


def with_copies(table: pa.Table, share: float, seed: int = 0) -> pa.Table:
    n, copies = table.num_rows, round(share * table.num_rows)
    source = np.random.default_rng(seed).choice(n - copies, copies, replace=False) + copies
    return pa.concat_tables([table.slice(copies), table.take(source)])


def coarse(n: int, seed: int, *, odds: float = 0.0) -> pa.Table:
    """Twelve binary columns with a common cause: rows coincide all the time. ``odds`` shifts the cause."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n) + odds
    return pa.table({f"x{k}": hidden + rng.normal(size=n) > 0.2 * k - 1 for k in range(12)})


def test_clean_tables_are_clear(run: Any) -> None:
    outcome = run("CZ002", detailed(2_000, 1), detailed(3_000, 2))
    assert outcome.status is Status.CLEAR
    assert outcome.reason == "0 of 2,000 rows repeat an earlier one; the reference's rate explains that"
    outcome = run("CZ002", detailed(2_000, 1))
    assert outcome.reason == "0 of 2,000 rows repeat an earlier one; chance explains that"


def test_copies_are_an_alarm_against_a_reference(run: Any) -> None:
    outcome = run("CZ002", with_copies(detailed(2_000, 1), 0.05), detailed(3_000, 2))
    (finding,) = outcome.findings
    assert finding.severity is Severity.ALARM
    assert finding.message == (
        "100 pairs of identical rows where the reference's rate gives 0 (most frequent row: 2 times)"
    )
    assert finding.effect == pytest.approx(0.05)
    assert finding.statistic is not None
    assert finding.statistic > 4
    assert outcome.details["distinct"] == 1_900


def test_copies_are_a_notice_without_one(run: Any) -> None:
    (finding,) = run("CZ002", with_copies(detailed(2_000, 1), 0.05)).findings
    assert finding.severity is Severity.NOTICE
    assert finding.message.startswith(
        "100 pairs of identical rows where rows drawn independently would give about"
    )
    assert finding.message.endswith("(most frequent row: 2 times)")


def test_a_profile_knows_the_rate(run: Any) -> None:
    known = profiles.profile(detailed(3_000, 2))
    assert run("CZ002", with_copies(detailed(2_000, 1), 0.05), known).findings[0].severity is Severity.ALARM


def test_a_profile_of_other_columns_does_not(run: Any) -> None:
    known = profiles.profile(detailed(3_000, 2))
    outcome = run("CZ002", with_copies(detailed(2_000, 1), 0.05), known, columns=list("abcdefg"))
    assert outcome.findings[0].severity is Severity.NOTICE


def test_one_row_copied_often_is_counted(run: Any) -> None:
    table = detailed(2_000, 1)
    suspect = pa.concat_tables([table.slice(100), table.take(np.full(100, 500))])
    (finding,) = run("CZ002", suspect, detailed(3_000, 2)).findings
    assert finding.severity is Severity.ALARM
    assert finding.message.startswith("5,050 pairs of identical rows where the reference's rate gives 0 ")
    assert finding.message.endswith("(most frequent row: 101 times)")


@pytest.mark.parametrize("seed", range(10))
def test_coincidences_of_coarse_tables_pass(run: Any, seed: int) -> None:
    suspect, reference = coarse(1_500, seed), coarse(2_500, 100 + seed)
    assert run("CZ002", suspect, reference).status is Status.CLEAR
    assert run("CZ002", suspect).status is Status.CLEAR


@pytest.mark.parametrize("odds", [-0.4, 0.2, 0.4])
def test_drift_of_a_coarse_table_is_not_copies(run: Any, odds: float) -> None:
    assert run("CZ002", coarse(4_000, 1, odds=odds), coarse(4_000, 2)).status is Status.CLEAR


def test_a_moved_association_is_not_copies(run: Any) -> None:
    clean = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 1, 0, 1] * 500})
    moved = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 0, 1, 1, 0, 1, 0, 1] * 250})
    seen = evidence(moved, clean)
    assert run("CZ002", moved, clean).status is Status.CLEAR
    assert seen.design_effect == 1.0
    assert len(seen.inquiry.climb.steps) == 1


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_any_rows(run: Any, rows: int) -> None:
    outcome = run("CZ002", detailed(300, 1).slice(0, rows), detailed(300, 2))
    if rows == 1:
        assert outcome.status is Status.SKIPPED
        assert outcome.reason == "1 row cannot repeat: at least 2 rows are needed"
    else:
        assert outcome.status is Status.CLEAR


@pytest.mark.parametrize("seed", range(5))
def test_drawing_with_replacement_is_no_culprit(seed: int) -> None:
    """A bootstrap sample has copies, worth no rows of their own: the design effect says so."""
    pool = population(3_000, 10 + seed).drop_columns(["clinic"])
    pool = pool.append_column("id", pa.array(np.random.default_rng(seed).normal(size=3_000)))
    drawn = pool.take(np.random.default_rng(seed).integers(0, 3_000, 6_000))
    reference = population(3_000, 50 + seed).drop_columns(["clinic"])
    reference = reference.append_column("id", pa.array(np.random.default_rng(99 + seed).normal(size=3_000)))
    seen = evidence(drawn, reference)
    assert seen.design_effect == pytest.approx(3.0, abs=0.25)
    assert seen.inquiry.climb.steps == ()


def test_the_variance_is_that_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    chances = np.array([0.5, 0.2, 0.1] + [0.002] * 100)
    shares, variances = [], []
    for _ in range(300):
        counts = rng.multinomial(400, chances)
        found = Duplicates(
            400,
            int((counts > 0).sum()),
            int((counts * (counts - 1) // 2).sum()),
            int(counts.max()),
            int((counts * (counts - 1) * (counts - 2) // 6).sum()),
        )
        share, variance = coincidence(found)
        shares.append(share)
        variances.append(variance)
    assert np.mean(shares) == pytest.approx(np.sum(chances**2), rel=0.01)
    assert np.mean(variances) == pytest.approx(np.var(shares), rel=0.25)


def test_no_coincidence_has_a_variance_too() -> None:
    share, variance = coincidence(Duplicates(100, 100, 0, 1, 0))
    assert share == 0
    assert variance > 0


@pytest.mark.parametrize(("ratio", "expected"), [(0.01, 5.0), (1.5, 15.0), (50.0, 20.0)])
def test_the_ratio_is_cut_off(ratio: float, expected: float) -> None:
    known = Duplicates(1_000, 990, 10, 2)
    assert coincidence_excess(known, known, ratio).expected == pytest.approx(expected)


def test_rounded_values_do_not_count_as_copies() -> None:
    rng = np.random.default_rng(1)

    def world(digits: int) -> pa.Table:
        x, y = (np.round(rng.normal(size=4_000), digits) for _ in range(2))
        return pa.table({"x": x, "y": y, "z": rng.random(4_000) < 0.5})

    assert evidence(world(1), world(9)).design_effect == 1.0


def test_an_estimate_says_so() -> None:
    assert repeats(Duplicates(1_000, 900, 100, 3)) == "100 of 1,000 rows repeat an earlier one"
    told = repeats(Duplicates(1_000, 900, 100, 3, share=0.25, error=9.0))
    assert told == "about 100 of 1,000 rows repeat an earlier one (by 25.0% of the distinct rows)"
