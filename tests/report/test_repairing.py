"""A repair from audit to audit: what was moved is put back, and refusals are one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.contracts import AuditResult
from credenza.data import write_table
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError
from credenza.repair.replay import apply_ledger, undo_ledger
from credenza.report.repairing import plan_repair, repair, repair_file


def people(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=rows)
    columns = {f"x{k}": rng.normal(size=rows) + 0.8 * hidden > 0.2 * k for k in range(4)}
    return pa.table(
        columns | {"who": rng.choice(["a", "b", "c", "d"], rows), "age": rng.normal(50, 9, rows).round()}
    )


REFERENCE, CLEAN, SPARE = people(6000, 1), people(6000, 2), people(6000, 3)
BAD = (
    AssociativePoisoning(("x0", "x3"), strength=-0.05).apply(CLEAN, holdout=SPARE.slice(0, 3000), seed=1).data
)


@pytest.fixture(scope="module")
def audit() -> credenza.Audit:
    found = credenza.audit(BAD, REFERENCE)
    assert [c.features for c in found.result.culprits] == [("x0", "x3")]
    return found


@pytest.mark.parametrize("method", ["reweight", "resample", "reverse", "relabel"])
def test_every_method_puts_the_pair_right(method: str, audit: credenza.Audit) -> None:
    spare = {"holdout": SPARE.slice(3000)} if method == "reverse" else {}
    done = repair(BAD, audit, method=method, reference=REFERENCE, seed=3, **spare)
    (pair,) = done.culprits
    assert pair.features == ("x0", "x3")
    assert pair.rows[0] > 400
    assert pair.rows[1] < 3
    aimed, before, after = pair.mcc or (0.0, 0.0, 0.0)
    assert abs(after - aimed) < 0.002 < abs(before - aimed)
    assert done.after is not None
    assert (done.after.before > 0, frozenset(("x0", "x3")) in map(frozenset, done.after.left)) == (
        True,
        False,
    )
    json.loads(done.to_json())


def test_weights_restore_what_moved_along_and_keep_every_marginal(audit: credenza.Audit) -> None:
    done = repair(BAD, audit, method="reweight", reference=REFERENCE)
    assert done.after is not None
    assert done.after.left == ()
    weights = done.weights
    assert weights is not None
    for name in ("x0", "x1", "x2", "x3"):
        values = BAD[name].to_numpy(zero_copy_only=False)
        assert abs(np.average(values, weights=weights) - values.mean()) < 1e-6
    assert done.data["weight"].to_numpy().tolist() == weights.tolist()


@pytest.mark.parametrize("method", ["reweight", "resample", "relabel", "reverse"])
def test_ledgers_undo_and_apply(method: str, audit: credenza.Audit, tmp_path: Path) -> None:
    for name, table in (("bad", BAD), ("good", REFERENCE), ("spare", SPARE.slice(3000))):
        write_table(table, tmp_path / f"{name}.parquet")
    found = credenza.audit(tmp_path / "bad.parquet", tmp_path / "good.parquet")
    found.to_json(tmp_path / "audit.json")
    course = plan_repair(
        tmp_path / "bad.parquet", tmp_path / "audit.json", method=method, reference=tmp_path / "good.parquet",
        holdout=tmp_path / "spare.parquet" if method == "reverse" else None,
    )  # fmt: skip
    out, ledger = tmp_path / "fixed.parquet", tmp_path / "ledger.parquet"
    done = repair_file(course, out, ledger)
    assert done.hashes["repaired"] is not None
    fixed = pa.parquet.read_table(out)
    assert undo_ledger(out, ledger).equals(BAD)
    assert apply_ledger(tmp_path / "bad.parquet", ledger).equals(fixed)


def test_independence_needs_no_reference(audit: credenza.Audit) -> None:
    done = repair(BAD, audit, method="relabel", target="independence")
    assert done.after is None
    assert abs((done.culprits[0].mcc or (0, 0, 1))[2]) < 0.001


def test_one_slice_is_put_right_against_the_others() -> None:
    whole = pa.concat_tables([people(4000, seed) for seed in (4, 5)])
    attack = AssociativePoisoning(("x0", "x3"), strength=-0.12, mode="duplicate", where={"who": "b"})
    bad = attack.apply(whole, seed=0).data
    found = credenza.audit(bad, slices="who", checks=("CZ202",))
    assert [c.where for c in found.result.culprits] == ["who = b"]
    done = repair(bad, found, method="relabel", seed=1)
    (pair,) = done.culprits
    assert pair.where == "who = b"
    assert pair.rows[0] > 150 > 3 > pair.rows[1]
    changed = [
        k
        for k, (old, new) in enumerate(zip(bad.to_pylist(), done.data.to_pylist(), strict=True))
        if old != new
    ]
    assert {bad["who"][k].as_py() for k in changed} == {"b"}


def test_inside_strata(audit: credenza.Audit) -> None:
    done = repair(BAD, audit, method="relabel", reference=REFERENCE, strata="who")
    assert [pair.where for pair in done.culprits] == [f"who = {name}" for name in "abcd"]
    assert all(pair.rows[1] < 3 for pair in done.culprits)


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"method": "magic"}, UsageError, "unknown method 'magic'; choose from reweight, "),
        ({"target": "moon"}, UsageError, "unknown target 'moon'; choose from reference, independence"),
        ({"reference": None}, UsageError, "target 'reference' needs the audit's reference: give it, or use target="),
        ({"reference": SPARE}, InputError, "the audit is of another reference: its sha256 is "),
        ({"suspect": CLEAN}, InputError, "the audit is of another suspect: its sha256 is "),
        ({"holdout": SPARE}, UsageError, "method 'reweight' uses no hold-out and one was given; leave it out"),
        ({"method": "reverse"}, UsageError, "method 'reverse' puts in genuine rows of a trusted hold-out: give one"),
        ({"sparkle": 3}, UsageError, "method 'reweight' has no parameter 'sparkle'; its parameters are "),
        ({"strata": "x9"}, InputError, "the audit has no feature 'x9' to repair inside; its features are "),
        ({"strata": "age"}, InputError, "'age' has ranges of numbers as levels; repair inside a column of categories"),
        ({"audit": "nowhere.json"}, InputError, "cannot read the audit nowhere.json: no such file or directory"),
    ],
)  # fmt: skip
def test_refusals(
    change: dict[str, Any], kind: type[CredenzaError], text: str, audit: credenza.Audit
) -> None:
    given: dict[str, Any] = {
        "suspect": BAD,
        "audit": audit,
        "method": "reweight",
        "reference": REFERENCE,
    } | change
    with pytest.raises(kind) as caught:
        repair(given.pop("suspect"), given.pop("audit"), **given)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


def test_nothing_to_repair(audit: credenza.Audit) -> None:
    clear = credenza.audit(CLEAN, REFERENCE)
    assert isinstance(clear.result, AuditResult)
    with pytest.raises(InputError, match="the audit names no culprit: there is nothing to repair"):
        repair(CLEAN, clear, method="reweight", reference=REFERENCE)


def test_a_file_that_is_no_audit(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    path.write_text("{")
    with pytest.raises(
        InputError, match="is no audit: it is not JSON; give what credenza audit --json wrote"
    ):
        repair(BAD, path, method="reweight", reference=REFERENCE)


def test_a_cell_that_nobody_has_is_named() -> None:
    pair = [(0, 0)] * 1500 + [(0, 1)] * 700 + [(1, 0)] * 700 + [(1, 1)] * 100
    clean = pa.table({"a": [a for a, _ in pair], "b": [b for _, b in pair], "c": [0, 1] * 1500})
    gone = [(0, 0)] * 1400 + [(0, 1)] * 800 + [(1, 0)] * 800
    bad = pa.table({"a": [a for a, _ in gone], "b": [b for _, b in gone], "c": [0, 1] * 1500})
    found = credenza.audit(bad, clean)
    with pytest.raises(
        InfeasibleError, match=r"no row of the suspect has a = 1 and b = 1, about 100 should; use method"
    ):
        repair(bad, found, method="reweight", reference=clean)
    done = repair(bad, found, method="relabel", reference=clean)
    assert done.culprits[0].rows[1] < 3
