"""A repair as JSON: valid against the published schema, which holds that of the audits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from report.repairs import REPAIRS, made

from credenza.report.repair_json import load_schema


def validator() -> Draft202012Validator:
    return Draft202012Validator(load_schema())


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(load_schema())


@pytest.mark.parametrize("name", REPAIRS)
def test_documents_validate(name: str) -> None:
    document = json.loads(made(name).to_json())
    validator().validate(document)
    assert list(document) == load_schema()["required"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("groups", 0, "name"), "others"),
        (("audits", "before", "verdict"), "fine"),
        (("after", "against"), "the moon"),
        (("culprits", 0, "mi"), [0.1, 0.2]),
    ],
)
def test_what_is_wrong_is_found(path: tuple[str | int, ...], value: object) -> None:
    document = made("relabel").to_dict()
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        validator().validate(document)


def test_it_is_written_to_a_file_as_it_is_returned(tmp_path: Path) -> None:
    text = made("reweight").to_json(tmp_path / "repair.json")
    assert (tmp_path / "repair.json").read_text(encoding="utf-8") == text


def test_numbers_that_json_has_none_for_are_null() -> None:
    document = made("drop").to_dict()
    assert document["summary"]["edits"] > 0
    json.dumps(document, allow_nan=False)
