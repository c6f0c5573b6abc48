"""CZ301: silent on clean data and on moved pairs, names a planted triple, says why it does not apply."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence, poisoned, population

import credenza
from credenza.association.triple_power import TriplePower
from credenza.checks import REGISTRY
from credenza.checks.runner import missing_need
from credenza.checks.triples import (
    MAX_FEATURES,
    MAX_PROBES,
    InteractionShift,
    chosen_features,
    could_have_missed,
)
from credenza.contracts import Severity, Status, Verdict
from credenza.data import Feature, Kind, Schema
from credenza.errors import UsageError
from credenza.report import profiling as profiles

TRIPLE = ("smoker", "urban", "insured")
FOUR = ("smoker", "urban", "active", "insured")


def columns_of(table: pa.Table, names: tuple[str, ...]) -> np.ndarray:
    return np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], axis=1)


def cell(table: pa.Table, triple: tuple[str, ...], levels: tuple[int, ...]) -> np.ndarray:
    return np.flatnonzero((columns_of(table, triple) == np.array(levels)).all(axis=1))


def flipped(table: pa.Table, strength: float, triple: tuple[str, str, str] = TRIPLE) -> pa.Table:
    """Flip the third feature in round(|strength| n) rows of each of the four emptied cells."""
    count, third = round(abs(strength) * table.num_rows), columns_of(table, triple)[:, 2].copy()
    for levels in product((0, 1), repeat=3):
        if (-1) ** sum(levels) * strength < 0:
            rows = cell(table, triple, levels)[:count]
            assert len(rows) == count
            third[rows] = ~third[rows]
    return table.set_column(table.column_names.index(triple[2]), triple[2], pa.array(third))


def exchanged(table: pa.Table, spare: pa.Table, strength: float) -> pa.Table:
    """Put rows of a hold-out from the filled cells in the place of rows from the emptied ones."""
    count, take = round(abs(strength) * table.num_rows), np.arange(table.num_rows)
    signs = {levels: (-1) ** sum(levels) * np.sign(strength) for levels in product((0, 1), repeat=3)}
    gone = np.concatenate([cell(table, TRIPLE, k)[:count] for k, sign in signs.items() if sign < 0])
    put = np.concatenate([cell(spare, TRIPLE, k)[:count] for k, sign in signs.items() if sign > 0])
    assert len(gone) == len(put) == 4 * count
    take[gone] = table.num_rows + put
    return pa.concat_tables([table, spare]).take(take)


@pytest.mark.parametrize("seed", [2, 4, 5])
def test_clean_data_is_clear_and_says_what_it_could_have_missed(
    run: Any, reference: pa.Table, seed: int
) -> None:
    outcome = run("CZ301", population(4_000, seed).drop_columns(["clinic"]), reference, triples="all")
    assert outcome.status is Status.CLEAR
    assert outcome.reason.startswith("20 triples tested, none significant. A three-way shift of strength 0.0")
    assert "would have shown with 80% power" in outcome.reason
    assert outcome.details["tables_tested"] > 100
    assert 0 < outcome.details["detectable_typical"] <= outcome.details["detectable_weakest"] < 0.05


@pytest.mark.parametrize("strength", [0.03, -0.03])
def test_a_moved_triple_is_named(run: Any, clean: pa.Table, reference: pa.Table, strength: float) -> None:
    outcome = run("CZ301", flipped(clean, strength), reference, triples=FOUR)
    assert outcome.status is Status.FLAGGED
    (finding,) = outcome.findings
    low, high = finding.details["interval"]
    assert finding.subject == TRIPLE
    assert finding.severity is Severity.ALARM
    assert low <= strength <= high
    assert finding.effect == pytest.approx(strength, abs=0.01)
    assert finding.details["rows_edited"] == round(4 * abs(finding.effect) * 4_000)
    assert finding.details["direction"] == ("positive" if strength > 0 else "negative")
    assert finding.details["levels"] == ["True", "True", "True"]
    assert np.sign(finding.statistic) == np.sign(strength)
    assert finding.q < 0.05
    change = finding.details["contrast"]["suspect"] - finding.details["contrast"]["reference"]
    assert np.sign(change) == np.sign(strength)
    told = "less" if strength > 0 else "more"
    assert f"all three go together {told} often than their pairs explain" in finding.message
    assert outcome.reason.startswith("1 alarm; ")
    assert outcome.culprits == ()


def test_genuine_rows_put_in_leave_no_pair_behind(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    spare = population(6_000, seed=5).drop_columns(["clinic"])
    moved = exchanged(clean, spare, 0.03)
    assert run("CZ201", moved, reference).status is Status.CLEAR
    outcome = run("CZ301", moved, reference, triples="all")
    assert [finding.subject for finding in outcome.findings] == [TRIPLE]


def test_a_moved_pair_is_not_a_triple(run: Any, moved: pa.Table, reference: pa.Table) -> None:
    assert run("CZ201", moved, reference).status is Status.FLAGGED
    assert run("CZ301", moved, reference, triples="all").status is Status.CLEAR


def test_a_triple_beside_a_moved_pair_is_named(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    both = flipped(poisoned(clean, 0.06, pair=("active", "urban")), 0.03)
    outcome = run("CZ301", both, reference, triples=TRIPLE)
    (finding,) = outcome.findings
    assert finding.subject == TRIPLE
    assert outcome.details["effective_rows"] < 4_000


def test_pairs_outside_the_triples_are_explained_too(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    moved = poisoned(clean, 0.08, pair=("active", "urban"))
    assert run("CZ301", moved, reference, triples=("smoker", "insured", "age")).status is Status.CLEAR


def test_a_cut_of_a_number_is_named(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    ages = clean["age"].to_numpy()
    old = clean.append_column("old", pa.array(ages > 45))
    old_moved = columns_of(flipped(old, 0.04, ("smoker", "urban", "old")), ("old",))[:, 0]
    rng = np.random.default_rng(6)
    above, below = ages[ages > 45], ages[ages <= 45]
    turned = np.where(old_moved, rng.choice(above, 4_000), rng.choice(below, 4_000))
    new = np.where(old_moved == (ages > 45), ages, turned)
    moved = clean.set_column(clean.column_names.index("age"), "age", pa.array(new))
    outcome = run("CZ301", moved, reference, triples=("smoker", "urban", "age"))
    (finding,) = outcome.findings
    assert finding.details["levels"][2].startswith("> 4")


def test_small_shifts_pass_a_floor(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    moved, options = flipped(clean, 0.03), {"settings": {"min_strength": 0.04}, "triples": FOUR}
    assert run("CZ301", moved, reference, **options).status is Status.CLEAR


def test_too_few_rows_are_not_clear(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    outcome = run("CZ301", clean.slice(0, 12), reference, triples=TRIPLE)
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == (
        "none of 1 triple could show a shift of any size with 12 rows against 4,000: give more rows"
    )


def test_pairs_that_stay_unexplained_come_first(moved: pa.Table, reference: pa.Table) -> None:
    given = evidence(moved, reference, triples=TRIPLE)
    vars(given.inquiry)["climb"] = replace(given.inquiry.climb, exhausted=True)
    outcome = InteractionShift().run(given)
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == (
        "pairs are still significant after all that CZ201 could explain, and what they bring about in triples "
        "cannot be told from a three-way shift: look at CZ201 first"
    )


def test_triples_that_stay_unexplained_are_told(
    run: Any, clean: pa.Table, reference: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credenza.association.triple_ladder.MAX_CULPRITS", 0)
    outcome = run("CZ301", flipped(clean, 0.03), reference, triples=FOUR)
    (finding,) = outcome.findings
    assert finding.message == (
        "triples are still significant after 0 culprits: the two tables differ throughout, not in a few triples"
    )


def test_cells_that_no_weights_restore_bar_their_triples(
    run: Any, clean: pa.Table, reference: pa.Table
) -> None:
    """Rows of one cell of a pair are gone: the pair is named, and what hangs on it cannot be judged."""
    kept = ~(columns_of(clean, ("smoker", "urban")).all(axis=1))
    outcome = run(
        "CZ301", clean.filter(pa.array(kept)), reference, triples=("smoker", "active", "insured", "age")
    )
    assert outcome.status is Status.CLEAR
    assert "could not be judged" in outcome.reason
    assert outcome.details["triples_not_judged"] == 3
    assert outcome.reason.startswith("1 of 4 triples tested, none significant")


def one_need(suspect: pa.Table, reference: Any, triples: Any) -> str:
    (check,) = (check for check in REGISTRY if check.code == "CZ301")
    return missing_need(check, evidence(suspect, reference, triples=triples))


def test_it_applies_when_it_is_asked_for(clean: pa.Table, reference: pa.Table) -> None:
    asked = "features to look at in threes (--triples A,B,C,... or all)"
    rows = "the reference's rows, not a profile of it (--reference)"
    assert one_need(clean, reference, TRIPLE) == ""
    assert one_need(clean, reference, None) == f"needs {asked}"
    assert one_need(clean, profiles.profile(reference), "all") == f"needs {rows}"
    assert one_need(clean, None, None) == f"needs {rows} and {asked}"


@pytest.mark.parametrize(
    ("triples", "message"),
    [
        ("smoker", r"triples is the text 'smoker': give a list of three or more column names, or 'all'"),
        (
            ("smoker", "urban", "smoker"),
            r"--triples names 'smoker', 'urban': name three or more different .*",
        ),
        ((), r"--triples names none: name three or more different columns, or all"),
        (
            ("smoker", "urban", "activ"),
            r"--triples names 'activ', which .* does not have: did you mean 'active'\?",
        ),
    ],
)
def test_a_wrong_choice_is_one_line(clean: pa.Table, reference: pa.Table, triples: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        evidence(clean, reference, triples=triples)


def test_columns_that_are_not_audited_cannot_be_chosen(
    run: Any, clean: pa.Table, reference: pa.Table
) -> None:
    with pytest.raises(UsageError, match=r"^'age' is not among the features; choose one of 'smoker', "):
        run(
            "CZ301",
            clean,
            reference,
            triples=("smoker", "urban", "age"),
            columns=("smoker", "urban", "active"),
        )
    with pytest.raises(UsageError, match=r"^--triples: 2 features to look at in threes; it takes three$"):
        run("CZ301", clean, reference, triples="all", columns=("smoker", "urban"))


def schema_of(features: int, levels: int) -> Schema:
    names = tuple(map(str, range(levels)))
    kind = Kind.BINARY if levels == 2 else Kind.CATEGORICAL
    return Schema(tuple(Feature(f"f{k}", kind, names, values=names) for k in range(features)))


def test_too_many_features_or_levels_are_refused() -> None:
    assert len(chosen_features(schema_of(MAX_FEATURES, 2), "all").names) == MAX_FEATURES
    message = r"^--triples: 61 features; up to 60 are looked at in threes, name fewer$"
    with pytest.raises(UsageError, match=message):
        chosen_features(schema_of(MAX_FEATURES + 1, 2), "all")
    wide = MAX_PROBES // 50 + 1
    message = (
        rf"^--triples: {wide} features with {50 * wide} levels and cuts; up to {MAX_PROBES} are looked at"
    )
    with pytest.raises(UsageError, match=message):
        chosen_features(schema_of(wide, 50), tuple(f"f{k}" for k in range(wide)))


def test_blind_tables_are_said_to_be_blind() -> None:
    told = could_have_missed(TriplePower(np.array([np.inf]), 0.8), 1, 1)
    assert told == "1 triple tested, none significant; the tables are too small to show any shift reliably"


def test_an_audit_takes_triples(clean: pa.Table, reference: pa.Table) -> None:
    moved = flipped(clean, 0.03)
    found = credenza.audit(moved, reference, triples=list(FOUR), checks=["CZ201", "CZ301"])
    assert found.verdict is Verdict.FLAGGED
    assert found.result.settings["triples"] == list(FOUR)
    outcome = found.result.outcomes[1]
    assert [finding.subject for finding in outcome.findings] == [TRIPLE]
    assert '"code": "CZ301"' in found.to_json()
    plain = credenza.audit(moved, reference, checks=["CZ301"])
    assert plain.result.outcomes[0].status is Status.NOT_APPLICABLE
    assert plain.result.settings["triples"] is None


def test_the_same_on_every_cut_of_the_rows(run: Any, clean: pa.Table, reference: pa.Table) -> None:
    """Chunks of another size: the counts are whole numbers, so nothing changes."""
    moved = flipped(clean, 0.03)
    chunks = pa.concat_tables([moved.slice(start, 700) for start in range(0, 4_000, 700)])
    one, two = (run("CZ301", table, reference, triples="all") for table in (moved, chunks))
    assert one == two
