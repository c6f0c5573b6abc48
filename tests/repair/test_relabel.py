"""Relabelling: joints restored, columns kept value for value, edits on the ledger, attacks undone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repair.edit_worlds import case_of, people, table_of

from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.data import open_source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.repair.case import Case, Cure, Treatment
from credenza.repair.identity import facts_of
from credenza.repair.ledger_file import LedgerMeta, write_ledger
from credenza.repair.relabel import Relabel
from credenza.repair.replay import apply_ledger, undo_ledger
from credenza.repair.retable import CLOSE, STILL, spread

PAIR = ("urban", "cough")


def planted(
    mode: str = "relabel", pair: Any = PAIR, strength: float = 0.08, seed: int = 0, **more: Any
) -> tuple[pa.Table, pa.Table, pa.Table, Any]:
    """(clean, suspect, reference, key)"""
    clean, reference = people(3_000, seed), people(3_000, seed + 1)
    spare = people(3_000, seed + 2) if mode == "replace" else None
    attack = AssociativePoisoning(pair, strength=strength, mode=mode, **more)
    poisoned = attack.apply(clean, holdout=spare, seed=seed)
    return clean, poisoned.data, reference, poisoned.key


def restored(treated: Treatment, case: Case) -> pa.Table:
    """The repaired table, once it is sure that every cure's table is near and no column has other values."""
    table = treated.output.table()
    for cure in case.cures:
        now = table_of(table, case, cure.features, cure.where)
        np.testing.assert_array_equal(now.sum(axis=0), cure.found.sum(axis=0))
        np.testing.assert_array_equal(now.sum(axis=1), cure.found.sum(axis=1))
        most = STILL if any(case.feature(f).missing for f in cure.features) else CLOSE
        assert (np.abs(now - cure.wanted) <= np.maximum(1, most * spread(cure.wanted, now) + 1)).all()
    for name in case.source.columns:
        assert Counter(table[name].to_pylist()) == Counter(case.source.table()[name].to_pylist())
    return table


def replays(treated: Treatment, suspect: pa.Table, tmp_path: Path) -> None:
    """The ledger carries the repair out again, and undoes it."""
    table = treated.output.table()
    meta = LedgerMeta("relabel", facts_of(open_source(suspect)), facts_of(open_source(table)))
    write_ledger(treated.ledger(), tmp_path / "ledger.parquet", meta)
    assert apply_ledger(suspect, tmp_path / "ledger.parquet").equals(table)
    assert undo_ledger(table, tmp_path / "ledger.parquet").equals(suspect)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    rows=st.sampled_from(["random", "content"]),
    mode=st.sampled_from(["relabel", "replace"]),
    negative=st.booleans(),
)
def test_a_pair_is_restored_with_the_fewest_edits(seed: int, rows: str, mode: str, negative: bool) -> None:
    _, suspect, reference, _ = planted(mode, strength=-0.04 if negative else 0.06, seed=seed)
    case = case_of(suspect, reference, PAIR)
    treated = Relabel(rows=rows).treat(case, None, seed=seed)
    restored(treated, case)
    assert abs(treated.summary["edits"] - case.cures[0].misplaced) <= 2
    assert treated.summary["edits"] == sum(batch.num_rows for batch in treated.ledger())


def test_content_undoes_an_edit_that_the_audit_told_of() -> None:
    clean, suspect, reference, key = planted()
    case = case_of(suspect, reference, PAIR, edited="cough")
    hits = {}
    for rows in ("random", "content"):
        treated = Relabel(rows=rows).treat(case, None, seed=0)
        changed = [r for batch in treated.ledger() for r in batch["row"].to_pylist()]
        hits[rows] = np.isin(changed, key.rows).mean()
        table = treated.output.table()
    assert treated.summary["features"] == ["cough"]
    assert hits["content"] > 0.55 > 2 * hits["random"]
    together = [
        np.corrcoef(t["cough"].to_numpy(), t["smoker"].to_numpy())[0, 1] for t in (clean, suspect, table)
    ]
    assert together[1] < together[0] - 0.1
    assert abs(together[2] - together[0]) < 0.04


def test_rows_of_the_reference_restore_what_goes_with_the_edited_feature_best() -> None:
    """The pair cough x smoker is torn by the edit; how far is it from that of the reference, over six tables?"""

    def together(table: pa.Table) -> float:
        values = (table[name].to_numpy().astype(float) for name in ("cough", "smoker"))
        return float(np.corrcoef(*values)[0, 1])

    off: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(6):
        _, suspect, reference, _ = planted(seed=10 * seed)
        case = case_of(suspect, reference, PAIR, edited="cough")
        for taught in off:
            known = replace(case, reference=open_source(reference) if taught else None)
            repaired = Relabel().treat(known, None, seed=seed).output.table()
            off[taught].append(together(repaired) - together(reference))
    taught, alone = (np.sqrt(np.mean(np.square(off[how]))) for how in (True, False))
    assert taught < 0.03  # the difference of two samples of 3,000 has a standard error of .012
    assert taught < 0.75 * alone


@pytest.mark.parametrize("form", ["array", "npy", "table", "lists"])
def test_embeddings_find_the_edited_rows(form: str, tmp_path: Path) -> None:
    clean, suspect, reference, key = planted()
    rng = np.random.default_rng(5)
    views = np.column_stack([clean["cough"].to_numpy(zero_copy_only=False) * 4.0, np.zeros(3_000)])
    views += rng.normal(size=views.shape)
    given_as: dict[str, Any] = {
        "array": views,
        "npy": tmp_path / "views.npy",
        "table": pa.table({"x": views[:, 0], "y": views[:, 1]}),
        "lists": pa.table({"v": pa.FixedSizeListArray.from_arrays(views.ravel(), 2)}),
    }
    np.save(tmp_path / "views.npy", views)
    case = case_of(suspect, reference, PAIR, edited="cough")
    treated = Relabel(embeddings=given_as[form]).treat(case, None, seed=0)
    changed = [r for batch in treated.ledger() for r in batch["row"].to_pylist()]
    assert np.isin(changed, key.rows).mean() > 0.85
    assert treated.summary["chosen_by"] == "embeddings"


def test_the_feature_with_fewer_ties_is_edited_unless_named() -> None:
    _, suspect, reference, _ = planted("replace")
    case = case_of(suspect, reference, PAIR)
    assert Relabel().treat(case, None, seed=0).summary["features"] == ["urban"]
    assert Relabel("cough").treat(case, None, seed=0).summary["features"] == ["cough"]
    told = case_of(suspect, reference, PAIR, edited="cough")
    assert Relabel().treat(told, None, seed=0).summary["features"] == ["cough"]


def test_numbers_and_dictionaries_change_places_and_missing_values_stay_values() -> None:
    clean, reference = people(3_000, 3), people(3_000, 4)
    gaps = np.random.default_rng(0).random(3_000) < 0.05
    clean = clean.set_column(5, "income", pa.array(clean["income"].to_numpy(), mask=gaps))
    reference = reference.set_column(5, "income", pa.array(reference["income"].to_numpy(), mask=gaps[::-1]))
    suspect = (
        ContinuousPoisoning(("income", "urban_age"), edits=0.2)
        .apply(
            clean.append_column("urban_age", pa.array(np.random.default_rng(1).normal(size=3_000))), seed=0
        )
        .data
    )
    reference = reference.append_column("urban_age", pa.array(np.random.default_rng(2).normal(size=3_000)))
    case = case_of(suspect, reference, ("income", "urban_age"), ("smoker", "plan"))
    treated = Relabel("income").treat(case, None, seed=0)
    table = restored(treated, case)
    assert table.schema == suspect.schema
    assert treated.summary["edits"] < treated.summary["minimum"]


def test_missing_values_are_not_moved_for_noise() -> None:
    def gaps(table: pa.Table, seed: int) -> pa.Table:
        lost = np.random.default_rng(seed).random(table.num_rows) < 0.1
        plan = pa.array(table["plan"].to_pylist())
        column = pa.array(np.where(lost, None, plan.to_numpy(zero_copy_only=False)), pa.string())
        return table.set_column(4, "plan", column)

    clean, reference = gaps(people(3_000, 0), 5), gaps(people(3_000, 1), 6)
    attack = AssociativePoisoning(("urban", "plan"), levels=(True, "full"), strength=0.06, mode="relabel")
    suspect = attack.apply(clean, seed=0).data
    treated = Relabel("plan").treat(case_of(suspect, reference, ("urban", "plan")), None, seed=0)
    assert treated.summary["edits"] > 200
    assert treated.output.table()["plan"].is_null().equals(suspect["plan"].is_null())


def test_cures_with_a_feature_in_common_do_not_disturb_each_other(tmp_path: Path) -> None:
    pairs = (("urban", "cough"), ("tired", "cough"), ("urban", "plan"))
    clean, reference = people(4_000, 0), people(4_000, 1)
    suspect = AssociativePoisoning(pairs[:2], strength=0.05, mode="relabel").apply(clean, seed=0).data
    case = case_of(suspect, reference, *pairs)
    treated = Relabel("cough").treat(case, None, seed=0)
    restored(treated, case)
    assert treated.summary["features"][:2] == ["cough", "cough"]
    replays(treated, suspect, tmp_path)
    reasons = {r for batch in treated.ledger() for r in batch["reason"].to_pylist()}
    assert reasons >= {"urban x cough", "tired x cough"}


def test_a_slice_is_repaired_inside_and_nowhere_else(tmp_path: Path) -> None:
    clean, reference = people(4_000, 0), people(4_000, 1)
    attack = AssociativePoisoning(PAIR, strength=0.1, mode="relabel", where={"contributor": "c2"})
    suspect = attack.apply(clean, seed=0).data
    case = case_of(suspect, reference, PAIR, where=("contributor", "c2"))
    treated = Relabel().treat(case, None, seed=0)
    table = restored(treated, case)
    outside = np.array([c != "c2" for c in clean["contributor"].to_pylist()])
    assert table.filter(pa.array(outside)).equals(suspect.filter(pa.array(outside)))
    replays(treated, suspect, tmp_path)


def test_the_seed_decides() -> None:
    _, suspect, reference, _ = planted()
    case = case_of(suspect, reference, PAIR)
    first, again, other = (Relabel().treat(case, None, seed=s).output.table() for s in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_batches_do_not_matter() -> None:
    _, suspect, reference, _ = planted()
    treated = Relabel().treat(case_of(suspect, reference, PAIR), None, seed=0)
    pieces = list(treated.output.batches(["cough", "urban"], size=101))
    assert pa.Table.from_batches(pieces).equals(treated.output.table(["cough", "urban"]))


def test_what_is_as_it_should_be_is_left_alone() -> None:
    table = people(1_000, 0)
    case = case_of(table, table, PAIR)
    treated = Relabel().treat(case, None, seed=0)
    assert treated.summary["edits"] == 0
    assert list(treated.ledger()) == []
    assert Relabel().treat(Case(case.source, case.schema, ()), None, seed=0).output.table().equals(table)


def blocked() -> Case:
    """b cannot be exchanged inside the strata of c, because c determines b."""
    table = pa.table({"a": [0, 1] * 50, "b": [0, 1] * 40 + [1, 0] * 10, "c": [0, 1] * 40 + [1, 0] * 10})
    case = case_of(table, table, ("a", "b"), ("b", "c"))
    first, second = case.cures
    flat = np.full((2, 2), 25.0)
    return Case(case.source, case.schema, (Cure(first.features, first.found, flat), second))


def test_a_cell_that_would_disturb_another_cure_is_named() -> None:
    message = (
        "40 rows with a = 0 and b = 0 instead of 25 can be had without disturbing another pair that is repaired; "
        "name another feature to edit, or allow a partial repair"
    )
    with pytest.raises(InfeasibleError, match=f"^{re.escape(message)}$"):
        Relabel("b").treat(blocked(), None, seed=0)
    treated = Relabel("b", partial=True).treat(blocked(), None, seed=0)
    assert treated.skipped == (message.partition("; ")[0],)
    assert treated.summary["edits"] == 0
    assert Relabel("a").treat(blocked(), None, seed=0).summary["edits"] == 30


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Relabel(rows="best"), "unknown choice of rows 'best'; choose from content, random"),
        (
            lambda: Relabel(rows="random", embeddings=[[1.0]]),
            "rows='random' looks at no embeddings; leave them out, or use rows='content'",
        ),
        (
            lambda: Relabel("tired").treat(blocked(), None, seed=0),
            "'tired' is in no pair that is to be repaired; choose from 'a', 'b', 'c'",
        ),
        (
            lambda: Relabel().treat(blocked(), open_source(people(10, 0)), seed=0),
            "relabelling takes no hold-out and one was given; leave it out, or use reverse",
        ),
    ],
)
def test_wrong_calls(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (
            [[1.0], [2.0]],
            "the embeddings have 2 rows and the data has 100; give one for each row, in the same order",
        ),
        ([1.0, 2.0], "embeddings are a table of numbers, one row for each row; found shape (2,)"),
        ([[np.nan]] * 100, "the embeddings hold missing or infinite values; fill them in"),
        ([["x"]] * 100, "embeddings are numbers, as many in each row; found other values"),
        ("no.npy", "'no.npy' is absent, damaged or holds objects; give a .npy file of numbers"),
        (
            pa.table({"t": ["x"] * 100}),
            "column 't' of the embeddings is string; give numbers, or equally long lists of them",
        ),
    ],
)
def test_embeddings_that_do_not_fit(embeddings: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        Relabel("b", embeddings=embeddings).treat(blocked(), None, seed=0)


def test_lists_of_different_lengths_are_no_embeddings() -> None:
    ragged = pa.table({"v": [[1.0]] * 99 + [[1.0, 2.0]]})
    message = (
        f"column 'v' of the embeddings is {ragged['v'].type}; give numbers, or equally long lists of them"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        Relabel("b", embeddings=ragged).treat(blocked(), None, seed=0)


def test_a_slice_that_is_not_there_is_named() -> None:
    base = blocked()
    for where, message in (
        (("team", "x"), "the data has no column 'team', which names the slice that the audit found"),
        (("a", "7"), "no row has a = 7, the slice that the audit found; give the data audited"),
    ):
        cure = base.cures[0]
        case = Case(base.source, base.schema, (Cure(cure.features, cure.found, cure.wanted, None, where),))
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            Relabel().treat(case, None, seed=0)
