"""The audit of repaired data: the same questions, and what is said where they cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from report.repairs import audited, made, people, tables

import credenza
from credenza.data import open_source, write_table
from credenza.report.admission import admit
from credenza.report.again import UNCHANGED, UNREFERENCED, audit_again
from credenza.report.repair_text import headline
from credenza.report.repairing import plan_repair, repair, repair_file

POLICY = '[[pair]]\nfeatures = ["x0", "x1"]\nexpect = "positive"\n'


def test_it_is_the_audit_of_the_repaired_data() -> None:
    done, (reference, _) = made("reverse"), tables()
    assert done.audit is not None
    fresh = credenza.audit(done.data, reference)
    same = {"timing": {}}
    assert done.audit.to_dict() | same == fresh.to_dict() | same
    assert done.before is audited().result


def test_settings_are_those_of_the_audit() -> None:
    reference, suspect = tables()
    asked: dict[str, Any] = {
        "columns": ["x0", "x3", "town", "age"], "checks": ["CZ101", "CZ201", "CZ204"], "strata": ["town"], "fdr": 0.01,
        "correction": "by", "seed": 7, "min_strength": 0.01,
    }  # fmt: skip
    found = credenza.audit(suspect, reference, **asked)
    done = repair(suspect, found, method="relabel", reference=reference)
    assert done.audit is not None
    told = done.audit.to_dict()
    assert told["settings"] == found.to_dict()["settings"]
    names = {feature["name"] for feature in told["features"]}
    assert names == {feature["name"] for feature in found.to_dict()["features"]}
    assert [outcome["code"] for outcome in told["outcomes"]] == asked["checks"]


def test_a_column_that_the_audit_did_not_see_is_no_feature_now() -> None:
    reference, suspect = tables()
    patient = admit(suspect, audited(), reference)
    weighted = suspect.append_column("weight", pa.array(np.linspace(0.5, 1.5, suspect.num_rows)))
    found, note = audit_again(patient, open_source(weighted))
    assert found is not None
    assert note == ""
    assert "weight" not in {feature.name for feature in found.result.features}


def test_weights_are_tested_instead() -> None:
    done = made("reweight")
    assert done.audit is None
    assert done.note.startswith("no row was changed, so the audit was not run again: ")
    assert done.after is not None


def test_without_the_reference_it_is_not_run() -> None:
    done = made("independence")
    assert (done.audit, done.note) == (None, UNREFERENCED)


def test_what_cannot_be_audited_is_said_and_no_error() -> None:
    reference, suspect = tables()
    patient = admit(suspect, audited(), reference)
    flat = pa.table({name: pa.array([suspect[name][0].as_py()] * 10) for name in suspect.column_names})
    kept = replace(
        patient, audit=replace(patient.audit, settings={**patient.audit.settings, "slices": "who"})
    )
    found, note = audit_again(kept, open_source(flat))
    assert found is None
    assert note.startswith("not audited again: --slices names 'who', which Arrow table does not have: ")
    assert "\n" not in note


def with_policy(folder: Path) -> tuple[Path, credenza.Audit]:
    reference, suspect = tables()
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    return policy, credenza.audit(suspect, reference, policy=policy)


def checked(done: Any) -> str:
    return str(next(o.status for o in done.result.outcomes if o.code == "CZ206"))


def test_the_policy_is_read_again(tmp_path: Path) -> None:
    policy, found = with_policy(tmp_path)
    reference, suspect = tables()
    patient = admit(suspect, found, reference)
    again, note = audit_again(patient, open_source(suspect))
    assert note == ""
    assert checked(again) in ("clear", "flagged")
    policy.write_text(POLICY + "# edited\n")
    again, note = audit_again(patient, open_source(suspect))
    assert note == f"audited again without its policy: {policy} has changed since"
    assert checked(again) == "not applicable"
    policy.unlink()
    again, note = audit_again(patient, open_source(suspect))
    assert note.startswith(f"audited again without its policy: cannot read the policy {policy}: No such file")


@pytest.mark.parametrize("method", ["relabel", "reweight"])
def test_a_declared_aim_is_checked_as_it_was_declared(method: str, tmp_path: Path) -> None:
    _, suspect = tables()
    policy = tmp_path / "policy.toml"
    policy.write_text('[[pair]]\nfeatures = ["x0", "x1"]\nexpect = "independent"\n')
    found = credenza.audit(suspect, policy=policy)
    done = repair(suspect, found, method=method, target="policy", policy=policy)
    assert done.restored
    assert [given.role for given in done.inputs] == ["suspect", "policy", "repaired"]
    assert done.after is None
    if method == "reweight":
        assert (done.audit, done.note) == (None, UNCHANGED)
    else:
        assert (checked(found), checked(done.audit)) == ("flagged", "clear")
        assert headline(done).endswith("; an audit now finds no expectation broken")


def test_threes_are_looked_at_again() -> None:
    reference, suspect = tables()
    for triples in ("all", ["x0", "x1", "x2"]):
        found = credenza.audit(suspect, reference, triples=triples)
        again, _ = audit_again(admit(suspect, found, reference), open_source(suspect))
        assert again is not None
        assert again.result.settings["triples"] == found.result.settings["triples"]


def test_files_are_audited_as_they_were_written(tmp_path: Path) -> None:
    reference, suspect = tables()
    for name, table in (("bad", suspect), ("good", reference), ("spare", people(3000, 5))):
        write_table(table, tmp_path / f"{name}.parquet")
    bad, good = tmp_path / "bad.parquet", tmp_path / "good.parquet"
    credenza.audit(bad, good).to_json(tmp_path / "audit.json")
    course = plan_repair(
        bad, tmp_path / "audit.json", method="reverse", reference=good, holdout=tmp_path / "spare.parquet"
    )
    done = repair_file(course, tmp_path / "fixed.parquet", tmp_path / "ledger.parquet")
    assert done.audit is not None
    assert done.audit.result.culprits == ()
    told = {given.role: given for given in done.inputs}
    assert list(told) == ["suspect", "reference", "hold-out", "repaired"]
    assert told["repaired"].sha256 == done.hashes["repaired"] == done.audit.result.inputs[0].sha256
    assert done.entries == pa.parquet.read_metadata(done.ledger).num_rows
    assert len(done.extract) == 20
    assert done.settings["method"] == "reverse"


@pytest.mark.parametrize("name", ["resample", "drop"])
def test_rows_that_are_repeated_or_left_out_are_audited(name: str) -> None:
    done = made(name)
    assert done.audit is not None
    assert done.audit.result.inputs[0].rows == done.data.num_rows
