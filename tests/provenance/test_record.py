"""Records: what goes in comes out, valid, strict, with the hashes of files."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

from credenza.data import open_source, write_table
from credenza.errors import InputError
from credenza.provenance import Artifact, Record, artifact_of

SCHEMA = json.loads(files("credenza.provenance").joinpath("lineage.schema.json").read_text("utf-8"))


def step(**changes: Any) -> Record:
    table = Artifact("clean", "a.csv", "csv", 3, 2, "0" * 64)
    return Record("synth mix", (table,), (table,), {"seed": np.int64(0), "share": None}, **changes)


def test_a_record_reads_back_and_is_valid(tmp_path: Path) -> None:
    record = step(facts={"share": 1 / 3}, notes=("seen",))
    record.save(tmp_path / "r.json")
    assert Record.load(tmp_path / "r.json") == record
    assert (tmp_path / "r.json").read_bytes() == record.to_json()
    assert hashlib.sha256(record.to_json()).hexdigest() == record.digest()
    jsonschema.validate(json.loads(record.to_json()), SCHEMA)


def test_layout_does_not_matter_but_content_does() -> None:
    record = step()
    loose = json.dumps(json.loads(record.to_json()), indent=4)
    assert Record.from_json(loose).digest() == record.digest()
    assert step(notes=("other",)).digest() != record.digest()


def test_an_artifact_has_the_hash_of_its_file_and_no_folder(tmp_path: Path) -> None:
    write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "t.csv")
    found = artifact_of("clean", tmp_path / "t.csv")
    wanted = hashlib.sha256((tmp_path / "t.csv").read_bytes()).hexdigest()
    assert found == Artifact("clean", "t.csv", "csv", 3, 1, wanted)
    held = artifact_of("clean", open_source(pa.table({"a": [1, 2, 3]})))
    assert (held.kind, held.rows, len(held.sha256)) == ("pyarrow", 3, 64)


def test_a_folder_is_its_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    for name, values in (("1", [1, 2]), ("2", [3])):
        write_table(pa.table({"a": values}), tmp_path / "f" / f"{name}.csv")
    joined = b"".join((tmp_path / "f" / f"{name}.csv").read_bytes() for name in "12")
    found = artifact_of("clean", tmp_path / "f")
    assert (found.name, found.rows, found.sha256) == ("f", 3, hashlib.sha256(joined).hexdigest())


def changed(**changes: Any) -> str:
    document = json.loads(step().to_json()) | changes
    return json.dumps({name: value for name, value in document.items() if value != "absent"})


TABLE = {"role": "r", "name": "n", "kind": "csv", "rows": 1, "columns": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "the record is no JSON object, but a list; give what was written"),
        ("{}", "the record has the schema None; 'credenza.lineage/1' is read here: give a lineage record"),
        (
            changed(schema="credenza.lineage/2"),
            "the record has the schema 'credenza.lineage/2'; 'credenza.lineage/1' is read here: update credenza",
        ),
        (changed(facts="absent"), "the record lacks facts; give it as it was written"),
        (changed(extra=1), "the record has 'extra', which no record has; give it as it was written"),
        (changed(settings=[]), "the record has a list as settings, not a dict; give it as it was written"),
        (
            changed(notes=[1]),
            "the record has something else than text among its notes; give it as it was written",
        ),
        (
            changed(versions={"credenza": 1}),
            "the record has something else than text among its versions; give it as it was written",
        ),
        (
            changed(inputs=[1]),
            "the record: inputs holds a int; each is an object with role, name and hash",
        ),
        (
            changed(outputs=[TABLE | {"rows": True}]),
            "the record: outputs has a bool as rows, not a int; give it as it was written",
        ),
        (
            changed(inputs=[TABLE | {"sha256": "xyz"}]),
            "the record: inputs has the hash 'xyz'; a SHA-256 has 64 digits of 0-9 and a-f",
        ),
    ],
)
def test_what_is_no_record_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as found:
        Record.from_json(text)
    assert str(found.value) == message


def test_an_absent_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"r\.json: no such file or directory; give a lineage record$"):
        Record.load(tmp_path / "r.json")


def test_numbers_that_json_cannot_hold_are_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"^facts: share is nan, which JSON cannot hold"):
        step(facts={"share": float("nan")})
