"""Reverse poisoning: genuine rows in, joints and what goes with them restored, no hold-out row twice."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repair.edit_worlds import case_of, people, table_of

from credenza.attacks import AssociativePoisoning
from credenza.data import open_source
from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.repair.case import Case, Treatment
from credenza.repair.identity import facts_of
from credenza.repair.ledger_file import LedgerMeta, write_ledger
from credenza.repair.replay import apply_ledger, undo_ledger
from credenza.repair.retable import CLOSE, spread
from credenza.repair.reverse import Reverse

PAIR = ("urban", "cough")


def numbered(rows: int, seed: int) -> pa.Table:
    """People with a number of their own."""
    return people(rows, seed).append_column("id", pa.array(np.arange(rows) + 1_000_000 * (seed + 1)))


def planted(mode: str = "replace", seed: int = 0, pair: Any = PAIR, **more: Any) -> tuple[pa.Table, ...]:
    """(clean, suspect, reference, hold-out)"""
    clean, reference, spare, holdout = (numbered(3_000, seed + k) for k in range(4))
    attack = AssociativePoisoning(pair, strength=more.pop("strength", 0.06), mode=mode, **more)
    suspect = attack.apply(clean, holdout=spare if mode == "replace" else None, seed=seed).data
    return clean, suspect, reference, holdout


def restored(treated: Treatment, case: Case, holdout: pa.Table) -> pa.Table:
    """The repaired table, once it is sure that tables are near, rows genuine and each put in once."""
    table = treated.output.table()
    for cure in case.cures:
        now = table_of(table, case, cure.features, cure.where)
        np.testing.assert_array_equal(now.sum(axis=0), cure.found.sum(axis=0))
        np.testing.assert_array_equal(now.sum(axis=1), cure.found.sum(axis=1))
        assert (np.abs(now - cure.wanted) <= np.maximum(1, CLOSE * spread(cure.wanted, now))).all()
    new = Counter(table["id"].to_pylist()) - Counter(case.source.table()["id"].to_pylist())
    assert set(new.values()) <= {1}
    assert set(new) <= set(holdout["id"].to_pylist())
    assert len(new) == treated.summary["edits"]
    return table


def replays(treated: Treatment, suspect: pa.Table, tmp_path: Path) -> None:
    table = treated.output.table()
    meta = LedgerMeta("reverse", facts_of(open_source(suspect)), facts_of(open_source(table)))
    write_ledger(treated.ledger(), tmp_path / "ledger.parquet", meta)
    assert apply_ledger(suspect, tmp_path / "ledger.parquet").equals(table)
    assert undo_ledger(table, tmp_path / "ledger.parquet").equals(suspect)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000), mode=st.sampled_from(["replace", "relabel"]), told=st.booleans())
def test_a_pair_is_restored_with_the_fewest_rows(seed: int, mode: str, told: bool) -> None:
    _, suspect, reference, holdout = planted(mode, seed)
    case = case_of(suspect, reference, PAIR, edited="cough" if told else None)
    treated = Reverse().treat(case, open_source(holdout), seed=seed)
    restored(treated, case, holdout)
    assert abs(treated.summary["edits"] - case.cures[0].misplaced) <= 2
    assert treated.summary["holdout_rows_left"] == 3_000 - treated.summary["edits"]


def test_what_goes_with_the_pair_comes_back(tmp_path: Path) -> None:
    clean, suspect, reference, holdout = planted(strength=0.1)
    case = case_of(suspect, reference, PAIR)
    treated = Reverse().treat(case, open_source(holdout), seed=0)
    table = restored(treated, case, holdout)
    collateral = [
        np.corrcoef(*(t[name].to_numpy(zero_copy_only=False) for name in ("urban", "smoker")))[0, 1]
        for t in (clean, suspect, table)
    ]
    assert collateral[1] > collateral[0] + 0.1
    assert abs(collateral[2] - collateral[0]) < 0.05
    replays(treated, suspect, tmp_path)


def test_tables_larger_than_two_by_two() -> None:
    _, suspect, reference, holdout = planted(pair=("plan", "cough"), levels=("full", True))
    case = case_of(suspect, reference, ("plan", "cough"), ("income", "plan"))
    treated = Reverse().treat(case, open_source(holdout), seed=0)
    table = restored(treated, case, holdout)
    assert table.schema == suspect.schema


def test_several_cures_do_not_disturb_each_other(tmp_path: Path) -> None:
    pairs = (PAIR, ("tired", "plan"))
    clean, reference, spare, holdout = (numbered(4_000, k) for k in range(4))
    attack = AssociativePoisoning(pairs, strength=0.05, levels=((True, True), (True, "full")))
    suspect = attack.apply(clean, holdout=spare, seed=0).data
    case = case_of(suspect, reference, *pairs)
    treated = Reverse().treat(case, open_source(holdout), seed=0)
    restored(treated, case, holdout)
    replays(treated, suspect, tmp_path)


def test_what_one_attack_dragged_along_in_the_features_of_another_goes_back() -> None:
    """tired goes with cough, so moving urban x cough moves urban x tired, which is no pair that is repaired."""
    pairs = (PAIR, ("tired", "plan"))
    clean, reference, spare, holdout = (numbered(4_000, k) for k in range(4))
    suspect = clean
    for pair, levels in zip(pairs, ((True, True), (True, "full")), strict=True):
        attack = AssociativePoisoning(pair, strength=0.07, levels=levels)
        suspect = attack.apply(suspect, holdout=spare, seed=0).data
    case = case_of(suspect, reference, *pairs)
    table = Reverse().treat(case, open_source(holdout), seed=0).output.table()
    before, moved, after = (
        np.corrcoef(*(t[name].to_numpy().astype(float) for name in ("urban", "tired")))[0, 1]
        for t in (clean, suspect, table)
    )
    assert moved > before + 0.08
    assert abs(after - before) < 0.04  # two standard errors of the rows exchanged


def test_rows_put_into_a_slice_take_its_name() -> None:
    _, suspect, reference, holdout = planted(where={"contributor": "c2"}, strength=0.1)
    case = case_of(suspect, reference, PAIR, where=("contributor", "c2"))
    treated = Reverse().treat(case, open_source(holdout), seed=0)
    table = restored(treated, case, holdout)
    assert table["contributor"].equals(suspect["contributor"])
    outside = pa.array([c != "c2" for c in suspect["contributor"].to_pylist()])
    assert table.filter(outside).equals(suspect.filter(outside))


def test_a_hold_out_with_other_widths_and_new_values_fits() -> None:
    _, suspect, reference, holdout = planted()
    plan = pa.array(["never seen" if k % 9 == 0 else v for k, v in enumerate(holdout["plan"].to_pylist())])
    holdout = holdout.set_column(4, "plan", plan).set_column(7, "id", holdout["id"].cast(pa.int32()))
    case = case_of(suspect, reference, ("plan", "urban"), PAIR)
    table = restored(Reverse().treat(case, open_source(holdout), seed=0), case, holdout)
    assert table.schema == suspect.schema


def test_the_seed_decides_and_batches_do_not() -> None:
    _, suspect, reference, holdout = planted()
    case, spare = case_of(suspect, reference, PAIR), open_source(holdout)
    first, again, other = (Reverse().treat(case, spare, seed=s).output for s in (1, 1, 2))
    assert first.table().equals(again.table())
    assert not first.table().equals(other.table())
    assert pa.Table.from_batches(list(first.batches(size=101))).equals(first.table())


def test_a_hold_out_that_runs_out_is_named() -> None:
    _, suspect, reference, holdout = planted(strength=0.1)
    case, few = case_of(suspect, reference, PAIR), open_source(holdout.slice(0, 300))
    pattern = (
        r"^the hold-out has (\d+) rows with urban = (True|False) and cough = (True|False), (\d+) are needed; "
        "give a larger hold-out, allow a partial repair, or relabel$"
    )
    with pytest.raises(InfeasibleError, match=pattern) as caught:
        Reverse().treat(case, few, seed=0)
    there, *_, needed = re.fullmatch(pattern, str(caught.value)).groups()
    assert int(there) < int(needed)
    treated = Reverse(partial=True).treat(case, few, seed=0)
    assert treated.skipped == (str(caught.value).partition("; ")[0],)
    table = table_of(treated.output.table(), case, case.cures[0].features)
    for axis in (0, 1):
        np.testing.assert_array_equal(table.sum(axis=axis), case.cures[0].found.sum(axis=axis))
    assert int(there) <= treated.summary["edits"] < treated.summary["minimum"]


def test_a_hold_out_without_like_rows_is_named() -> None:
    base = {"a": [0, 1] * 50, "b": [0, 1] * 40 + [1, 0] * 10, "c": [0] * 100, "d": [0, 1] * 50}
    suspect = pa.table(base | {"c": [0, 0, 1, 1] * 25})
    reference = pa.table({"a": [0, 0, 1, 1] * 25, "b": [0, 1] * 50, "c": [0, 1] * 50, "d": [0, 1] * 50})
    holdout = pa.table({"a": [0, 0, 1, 1] * 50, "b": [0, 1, 0, 1] * 50, "c": [1] * 200, "d": [0] * 200})
    case = case_of(suspect, reference, ("a", "b"))
    other = case_of(suspect, suspect, ("c", "d"))
    both = Case(case.source, case.schema, (*case.cures, *other.cures))
    message = (
        r"too few rows with a = \d and b = \d that are like those replaced in the other repaired features"
    )
    with pytest.raises(InfeasibleError, match=message):
        Reverse().treat(both, open_source(holdout), seed=0)
    treated = Reverse(partial=True).treat(both, open_source(holdout), seed=0)
    assert len(treated.skipped) == 1
    for cure in both.cures:
        table = table_of(treated.output.table(), both, cure.features)
        np.testing.assert_array_equal(table.sum(axis=0), cure.found.sum(axis=0))
        np.testing.assert_array_equal(table.sum(axis=1), cure.found.sum(axis=1))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda h, s: None,
            UsageError,
            "reverse poisoning puts in rows of a trusted hold-out and none was given; give one, or relabel",
        ),
        (
            lambda h, s: s,
            UsageError,
            "the hold-out is the suspect itself; give trusted rows that are not in it",
        ),
        (
            lambda h, s: h.drop_columns(["id", "plan"]).append_column("z", h["id"]),
            InputError,
            "the hold-out lacks 'id', 'plan' and adds 'z'; it must have the columns of the suspect",
        ),
        (
            lambda h, s: h.set_column(7, "id", h["plan"].cast(pa.string())),
            InputError,
            "column 'id' is string in the hold-out and int64 in the suspect; it must be of the same kind",
        ),
        (
            lambda h, s: h.set_column(1, "cough", pa.array(np.arange(3_000).astype("datetime64[s]"))),
            InputError,
            "the hold-out does not fit the data: column 'cough' is bool in the reference, temporal in the suspect",
        ),
    ],
)
def test_hold_outs_that_do_not_fit(change: Any, error: type[Exception], message: str) -> None:
    _, suspect, reference, holdout = planted()
    given = change(holdout, suspect)
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Reverse().treat(
            case_of(suspect, reference, PAIR), None if given is None else open_source(given), seed=0
        )


def test_nothing_to_repair_changes_nothing() -> None:
    table, holdout = numbered(500, 0), numbered(500, 1)
    case = case_of(table, table, PAIR)
    for cures in (case.cures, ()):
        treated = Reverse().treat(Case(case.source, case.schema, cures), open_source(holdout), seed=0)
        assert treated.output.table().equals(table)
        assert list(treated.ledger()) == []
