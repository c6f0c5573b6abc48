from __future__ import annotations

import json
from pathlib import Path

import pytest

from credenza.provenance.croissant import croissant_of, write_croissant
from credenza.provenance.keys import PrivateKey
from credenza.provenance.leave import leave_record
from credenza.provenance.sign import sign

Keys = dict[str, PrivateKey]


@pytest.fixture
def described(data: Path, keys: Keys) -> Path:
    log, file = data.parent / "log", data / "one.parquet"
    given = {"clean": data / "later" / "two.parquet", "out": file}
    leave_record(log, "poison", given, inputs=["clean"], outputs=["out"])
    done = sign(data, keys["mine"], lineage=log)
    write_croissant(data, done.manifest, data.parent / "croissant.json")
    return data.parent / "croissant.json"


def test_files_columns_and_lineage_are_described(described: Path, data: Path) -> None:
    found = json.loads(described.read_text(encoding="utf-8"))
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    files = {item["name"]: item for item in found["distribution"]}
    assert list(files) == ["README.txt", "later/two.parquet", "one.parquet"]
    assert files["README.txt"]["encodingFormat"] == "text/plain"
    assert files["README.txt"]["contentSize"] == "22 B"
    rows = {item["@id"]: item for item in found["recordSet"]}
    assert list(rows) == ["file-1/rows", "file-2/rows"]
    kinds = [(field["name"], field["dataType"]) for field in rows["file-2/rows"]["field"]]
    assert kinds == [
        ("hat", "sc:Boolean"),
        ("age", "sc:Float"),
        ("count", "sc:Integer"),
        ("colour", "sc:Text"),
    ]
    (step,) = found["prov:wasGeneratedBy"]
    assert step["prov:label"] == "credenza poison"
    assert step["prov:used"][0]["prov:label"] == "two.parquet"
    assert step["prov:generated"][0]["@id"] == f"urn:sha256:{files['one.parquet']['sha256']}"
    assert str(data.parent) not in described.read_text(encoding="utf-8")


def test_without_a_log_there_is_no_lineage(data: Path, keys: Keys) -> None:
    found = croissant_of(sign(data, keys["mine"]).manifest)
    assert "prov:wasGeneratedBy" not in found
    assert found["identifier"].removeprefix("urn:sha256:") == found["description"].split()[-1]


def test_mlcroissant_takes_it(described: Path, data: Path) -> None:
    """Not in the test extra: it brings stubs of pandas, which change what the type check of this package sees."""
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    described.rename(data / "croissant.json")  # addresses of files are relative to it
    dataset = mlcroissant.Dataset(jsonld=str(data / "croissant.json"))
    assert dataset.metadata.name == "survey"
    assert not dataset.metadata.ctx.issues.errors
    rows = iter(dataset.records("file-2/rows"))
    assert set(next(rows)) == {f"file-2/column-{number}" for number in range(4)}
