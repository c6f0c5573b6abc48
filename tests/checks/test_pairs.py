from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned, population

from credenza.association import ladder
from credenza.association.estimate import Power
from credenza.checks.pair_table import pair_table
from credenza.checks.pairs import AssociationShift, could_have_missed
from credenza.contracts import Severity, Status
from credenza.report import profiling as profiles


def test_clean_is_clear_and_says_what_it_could_have_missed(
    run: Any, clean: pa.Table, reference: pa.Table
) -> None:
    outcome = run("CZ201", clean, reference)
    d = outcome.details
    assert outcome.status is Status.CLEAR
    assert outcome.reason == (
        f"15 pairs tested, none significant. A shift of strength {d['detectable_typical']:.3f} on a typical pair, "
        f"{d['detectable_weakest']:.3f} on the hardest, would have shown with 80% power"
    )
    assert d["pairs_tested"] == 15
    assert d["flagged_at_first"] == 0
    assert 0 < d["detectable_typical"] < 0.06
    assert d["design_effect"] == 1.0


def test_the_poisoned_pair_is_named(run: Any, moved: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ201", moved, reference)
    (culprit,), (finding,) = outcome.culprits, outcome.findings
    assert culprit.features == finding.subject == ("smoker", "urban")
    assert culprit.levels == ("True", "True")
    assert culprit.direction == "positive"
    assert culprit.interval[0] < 0.08 < culprit.interval[1]
    assert culprit.rows_edited == round(2 * culprit.strength * 4_000)
    assert culprit.mcc[1] > culprit.mcc[0] + 0.2
    assert finding.severity is Severity.ALARM
    assert finding.message.startswith(
        f"smoker (True) and urban (True) go together more often: strength {culprit.strength:+.4f} ["
    )
    assert f"about {culprit.rows_edited:,} rows edited, MCC " in finding.message
    assert finding.effect == culprit.strength
    assert outcome.reason.startswith("1 alarm")


def test_a_negative_shift_is_told(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    (culprit,) = run("CZ201", poisoned(clean, -0.08), reference).culprits
    assert culprit.direction == "negative"
    assert culprit.strength < -0.05
    assert "go together less often" in run("CZ201", poisoned(clean, -0.08), reference).findings[0].message


def test_small_shifts_may_be_let_pass(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    small = poisoned(clean, 0.05)
    assert run("CZ201", small, reference).status is Status.FLAGGED
    assert run("CZ201", small, reference, settings={"min_strength": 0.05}).status is Status.CLEAR
    assert run("CZ201", poisoned(clean, 0.11), reference, settings={"min_strength": 0.05}).culprits


@pytest.mark.parametrize("correction", ["bh", "by"])
def test_corrections_agree_on_a_strong_shift(
    run: Any, moved: pa.Table, reference: pa.Table, correction: str
) -> None:
    (culprit,) = run("CZ201", moved, reference, settings={"correction": correction}).culprits
    assert culprit.features == ("smoker", "urban")


def test_the_permutation_gate_opens_for_a_shift_only(
    run: Any, clean: pa.Table, moved: pa.Table, reference: pa.Table
) -> None:
    names = ["smoker", "urban", "active", "insured"]
    settings = {"correction": "permutation", "permutations": 39}
    known = reference.select(names)
    quiet = run("CZ201", clean.select(names), known, settings=settings)
    p = quiet.details["permutation_p"]
    assert p > 0.05
    assert f"6 pairs tested, none significant (permutation p = {p:.3f}). A shift" in quiet.reason
    loud = run("CZ201", moved.select(names), known, settings=settings)
    assert loud.details["permutation_p"] == 1 / 40
    assert [c.features for c in loud.culprits] == [("smoker", "urban")]


def test_a_closed_gate_lets_nothing_through(moved: pa.Table, reference: pa.Table) -> None:
    """With 9 permutations no p-value is below 0.1: at 5% the gate cannot open, whatever moved."""
    seen = evidence(moved, reference, settings={"correction": "permutation", "permutations": 9})
    assert seen.permutation_p == 0.1
    assert AssociationShift().run(seen).status is Status.CLEAR


def test_a_profile_is_as_good_as_the_data(run: Any, moved: pa.Table, reference: pa.Table) -> None:
    rows, profiled = evidence(moved, reference), evidence(moved, profiles.profile(reference))
    left, right = (pair_table(seen.inquiry) for seen in (rows, profiled))
    assert (left.feature_a, left.feature_b, left.role) == (right.feature_a, right.feature_b, right.role)
    for name in ("statistic", "p", "q", "p_after", "strength", "mi_reference", "mcc_suspect"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    (one,), (other,) = rows.inquiry.culprits(), profiled.inquiry.culprits()
    assert (one.features, one.levels, one.strength, one.p) == (
        other.features,
        other.levels,
        other.strength,
        other.p,
    )
    assert (one.interval, one.collateral, one.filter_ceiling) == (
        other.interval,
        other.collateral,
        other.filter_ceiling,
    )


def test_giving_up_is_an_alarm(
    run: Any, reference: pa.Table, clean: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "MAX_CULPRITS", 1)
    twice = poisoned(poisoned(clean, 0.08), 0.08, pair=("active", "insured"))
    outcome = run("CZ201", twice, reference)
    assert len(outcome.culprits) == 1
    assert outcome.reason.startswith("2 alarms; ")
    assert outcome.findings[-1].message == (
        "pairs are still significant after 1 culprits: the two tables differ throughout, not in a few pairs"
    )
    assert outcome.findings[-1].subject == ()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_too_few_rows_are_not_clear(run: Any, clean: pa.Table, reference: pa.Table, rows: int) -> None:
    outcome = run("CZ201", clean.slice(0, rows), reference)
    counted = f"{rows} row{'s' * (rows > 1)}"
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == (
        f"none of 15 pairs could show a shift of any size with {counted} against 4,000: give more rows"
    )
    assert outcome.details["detectable_typical"] is None


@pytest.mark.parametrize(
    ("strength", "tested", "message"),
    [
        ([], 0, "0 pairs tested, none significant; the tables are too small to show any shift reliably"),
        (
            [0.1, np.inf, np.inf],
            3,
            "3 pairs tested, none significant; the tables are too small to show any shift reliably",
        ),
        (
            [0.01, 0.02, 0.04, np.inf],
            3,
            "3 of 4 pairs tested, none significant. A shift of strength 0.030 on a typical pair, 0.040 on the hardest, "
            "would have shown with 80% power; 1 pair is too rare to show any",
        ),
    ],
)
def test_what_a_clear_outcome_admits(strength: list[float], tested: int, message: str) -> None:
    values = np.array(strength, float)
    assert could_have_missed(Power(values, values, 0.8), None, tested, len(values)) == message


def test_twins_of_a_culprits_feature_are_aliases(run: Any) -> None:
    def widened(table: pa.Table) -> pa.Table:
        urban = table["urban"].to_numpy(zero_copy_only=False)
        return table.append_column("town", pa.array(urban)).append_column("rural", pa.array(~urban))

    known = widened(population(4_000, 1).drop_columns(["clinic"]))
    outcome = run("CZ201", widened(poisoned(population(4_000, 2).drop_columns(["clinic"]), 0.08)), known)
    (culprit,) = outcome.culprits
    assert {frozenset(culprit.features), *map(frozenset, culprit.aliases)} == {
        frozenset(("smoker", name)) for name in ("urban", "town", "rural")
    }


def test_evidence_says_what_is_missing(clean: pa.Table) -> None:
    with pytest.raises(ValueError, match="no reference was given: this needs one"):
        _ = evidence(clean).reference_counts


def test_a_culprit_comes_with_the_odds_ratios_of_its_table(
    run: Any, clean: pa.Table, reference: pa.Table
) -> None:
    moved = poisoned(clean, 0.08)
    outcome = run("CZ201", moved, reference)
    a, b = outcome.findings[0].subject
    table = np.zeros((2, 2))
    np.add.at(table, (moved[a].to_numpy().astype(int), moved[b].to_numpy().astype(int)), 1)
    c = table + 0.5
    found, low, high = outcome.findings[0].details["odds_ratio"]["suspect"]
    assert found == pytest.approx(c[0, 0] * c[1, 1] / (c[0, 1] * c[1, 0]))
    assert low < found < high
    pmi = outcome.findings[0].details["normalised_pmi"]
    assert pmi["suspect"] > pmi["reference"]


def test_cells_that_no_weights_restore_are_admitted(run: Any) -> None:
    """b becomes a copy of a: its collateral with c, which hangs on a, cannot be weighted away."""

    def draw(seed: int, copy: bool) -> pa.Table:
        rng = np.random.default_rng(seed)
        a, b, other = rng.random((3, 4_000)) < 0.4
        c = np.where(rng.random(4_000) < 0.9, a, other)
        return pa.table({"a": a, "b": a if copy else b, "c": c, "d": rng.random(4_000) < 0.3})

    outcome = run("CZ201", draw(1, copy=True), draw(2, copy=False))
    assert set(outcome.culprits[0].features) == {"a", "b"}
    assert outcome.reason.endswith(
        "; cells with up to 24% of the reference have no row in the suspect, so no weights restore them "
        "and other pairs of the same features could not be judged"
    )
    outcome = run("CZ201", draw(1, copy=False), draw(2, copy=False))
    assert "no row in the suspect" not in outcome.reason


def test_a_clear_outcome_says_that_new_levels_could_not_be_compared(run: Any) -> None:
    def draw(seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        kind = rng.choice(["x", "y", "z"], 3_000)
        return pa.table({"a": rng.random(3_000) < 0.4, "b": rng.random(3_000) < 0.4, "kind": kind.tolist()})

    moved = draw(1)
    kinds = [
        "NEW" if a else k for a, k in zip(moved["a"].to_pylist(), moved["kind"].to_pylist(), strict=True)
    ]
    outcome = run("CZ201", moved.set_column(2, "kind", pa.array(kinds)), draw(2))
    assert outcome.status is Status.CLEAR
    assert outcome.reason.endswith("; what the new levels of kind go with could not be compared")
