from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.data import open_source, write_table
from credenza.errors import InputError
from credenza.provenance.claims import DOCUMENT, TEST_RESULT, append_claim
from credenza.provenance.dsse import signed_bundle
from credenza.provenance.keys import PrivateKey
from credenza.provenance.sign import sign
from credenza.provenance.verify import verify
from credenza.repair.identity import facts_of
from credenza.repair.ledger import drop_batch, ledger_schema
from credenza.repair.ledger_file import LedgerMeta, write_ledger
from credenza.report import audit

Keys = dict[str, PrivateKey]


def claims_of(data: Path, keys: Keys) -> Any:
    found = verify(data, [key.public for key in keys.values()])
    assert found.ok, found.problems
    return found.claims


def test_an_audit_becomes_a_test_result(data: Path, keys: Keys) -> None:
    sign(data / "one.parquet", keys["mine"])
    manifest = (data / "one.parquet.credenza" / "manifest.sigstore.json").read_bytes()
    audit(
        data / "one.parquet", data / "later" / "two.parquet", checks=["CZ001", "CZ101", "CZ201", "CZ202"]
    ).to_json(data.parent / "audit.json")
    path = append_claim(data / "one.parquet", data.parent / "audit.json", keys["other"])
    assert path == data / "one.parquet.credenza" / "claims" / "0001.sigstore.json"
    (claim,) = claims_of(data / "one.parquet", keys)
    assert (claim.kind, claim.summary) == (TEST_RESULT, "audit PASSED (audit.json)")
    assert claim.signer == keys["other"].public.hint
    assert claim.predicate["passedTests"] == ["CZ001", "CZ101", "CZ201"]
    assert claim.predicate["credenza"]["unchecked"] == ["CZ202"]
    roles = [item["annotations"]["role"] for item in claim.predicate["configuration"]]
    assert roles == ["suspect", "reference"]
    assert (data / "one.parquet.credenza" / "manifest.sigstore.json").read_bytes() == manifest


@pytest.mark.parametrize(
    ("verdict", "status", "severity", "result", "place"),
    [
        ("flagged", "flagged", "alarm", "FAILED", "failedTests"),
        ("clear", "flagged", "notice", "WARNED", "warnedTests"),
        ("clear", "clear", None, "PASSED", "passedTests"),
        ("inconclusive", "not applicable", None, "WARNED", None),
    ],
)
def test_the_verdict_becomes_the_result(
    verdict: str, status: str, severity: str | None, result: str, place: str | None, data: Path, keys: Keys
) -> None:
    sign(data, keys["mine"])
    findings = [] if severity is None else [{"severity": severity}]
    outcome = {"code": "CZ201", "status": status, "findings": findings}
    document = {"schema": "credenza.audit/1", "verdict": verdict, "outcomes": [outcome], "inputs": []}
    (data.parent / "a.json").write_text(json.dumps(document))
    append_claim(data, data.parent / "a.json", keys["mine"])
    (claim,) = claims_of(data, keys)
    assert claim.predicate["result"] == result
    for name in ("failedTests", "warnedTests", "passedTests"):
        assert claim.predicate[name] == (["CZ201"] if name == place else [])


def test_a_ledger_is_claimed_of_either_side(data: Path, keys: Keys) -> None:
    source = open_source(data / "one.parquet")
    fixed = data.parent / "fixed.parquet"
    write_table(source.table().slice(9), fixed)
    form = ledger_schema(source.schema)
    dropped = drop_batch(form, np.arange(9), source.table().slice(0, 9), reason="CZ401", method="drop")
    ledger = data.parent / "ledger.parquet"
    write_ledger([dropped], ledger, LedgerMeta("drop", facts_of(source), facts_of(open_source(fixed))))
    for place in (data, fixed):
        sign(place, keys["mine"])
        append_claim(place, ledger, keys["mine"])
        (claim,) = claims_of(place, keys)
        assert claim.kind == DOCUMENT
        assert claim.predicate["credenza"]["method"] == "drop"
        assert claim.predicate["credenza"]["document"]["schema"] == "credenza.ledger/1"
    sign(data / "later" / "two.parquet", keys["mine"])
    with pytest.raises(
        InputError, match=r"ledger.parquet is about other data \(SHA-256 .*\) than .*; give one about"
    ):
        append_claim(data / "later" / "two.parquet", ledger, keys["mine"])


def test_an_audit_of_a_folder_is_about_all_its_tables(data: Path, keys: Keys) -> None:
    (data / "later" / "two.parquet").rename(data / "two.parquet")
    sign(data, keys["mine"])
    document = {"schema": "credenza.audit/1", "verdict": "clear", "outcomes": [], "inputs": []}
    document["inputs"] = [{"role": "suspect", "source": "d", "sha256": open_source(data).fingerprint()}]
    (data.parent / "a.json").write_text(json.dumps(document))
    append_claim(data, data.parent / "a.json", keys["mine"])
    document["inputs"] = [{"role": "suspect", "source": "d", "sha256": "0" * 64}]
    (data.parent / "a.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"a.json is about other data \(SHA-256 000000000000\)"):
        append_claim(data, data.parent / "a.json", keys["mine"])
    document["schema"] = "credenza.repair/1"
    (data.parent / "a.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="is about other data"):
        append_claim(data, data.parent / "a.json", keys["mine"])


def test_what_cannot_be_claimed_is_one_line(data: Path, keys: Keys) -> None:
    (data.parent / "a.json").write_text('{"schema": "credenza.audit/1"}')
    with pytest.raises(InputError, match=r"has no manifest at .*: sign the data before its claims$"):
        append_claim(data, data.parent / "a.json", keys["mine"])
    sign(data, keys["mine"])
    with pytest.raises(
        InputError, match=r"a.json is no audit that can be read \(KeyError.*\); give what audit --json"
    ):
        append_claim(data, data.parent / "a.json", keys["mine"])
    with pytest.raises(
        InputError, match=r"^cannot read the claim .*none: no such file.*; give an audit's JSON"
    ):
        append_claim(data, data.parent / "none", keys["mine"])
    bad = pa.schema([("a", pa.int64())], metadata={"credenza.ledger": "{}"})
    pa.parquet.write_table(bad.empty_table(), data.parent / "ledger.parquet")
    with pytest.raises(InputError, match=r"is a ledger that does not say what it is of"):
        append_claim(data, data.parent / "ledger.parquet", keys["mine"])


def test_claims_about_other_data_and_odd_ones_are_found(data: Path, keys: Keys) -> None:
    manifest = sign(data, keys["mine"]).manifest
    folder = data / ".credenza" / "claims"
    folder.mkdir()
    found = manifest.to_statement()
    found["subject"] = [{"name": "other", "digest": {"sha256": "0" * 64}}]
    found["predicate"] = {"credenza": "odd"}
    (folder / "0001.sigstore.json").write_bytes(signed_bundle(found, keys["mine"]))
    messages = [problem.message for problem in verify(data, [keys["mine"].public]).problems]
    assert messages[0] == "the claim 'claims/0001.sigstore.json' is about other data"
    assert messages[1].endswith(
        "does not follow the one before it: claims were left out or put in another order"
    )
