from __future__ import annotations

import copy
import json
from dataclasses import fields, replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from credenza.contracts import AuditResult, Status
from credenza.report import json as report_json
from credenza.report.json import load_schema, plain, to_dict, to_json
from credenza.report.read import from_dict

KINDS = ["flagged", "mixed", "clear", "inconclusive", "sliced"]


@pytest.fixture(params=KINDS)
def result(request: pytest.FixtureRequest) -> AuditResult:
    return request.getfixturevalue(request.param)


def validator() -> Draft202012Validator:
    return Draft202012Validator(load_schema())


def equal(one: Any, two: Any) -> bool:
    """Deep equality that understands arrays and NaN."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, two, equal_nan=True))
    if isinstance(one, tuple | list):
        return len(one) == len(two) and all(map(equal, one, two))
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(two) and all(
            equal(getattr(one, f.name), getattr(two, f.name)) for f in fields(one)
        )
    return bool(one == two) or (one != one and two != two)


def test_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(load_schema())


def test_documents_validate(result: AuditResult) -> None:
    validator().validate(json.loads(to_json(result)))


def test_round_trip(result: AuditResult) -> None:
    assert equal(from_dict(json.loads(to_json(result))), result)


def test_keys_are_stable(flagged: AuditResult) -> None:
    document = to_dict(flagged)
    assert list(document) == load_schema()["required"]
    assert list(document["culprits"][0]) == load_schema()["$defs"]["culprit"]["required"]
    assert document["culprits"][0]["mcc"] == {"reference": 0.105, "suspect": 0.483}
    assert document["culprits"][0]["collateral"][0] == ["Smiling", "Wearing_Lipstick"]
    assert document["culprits"][0]["tables"]["row_levels"] == ["0", "1"]
    assert len(document["pairs"]["p"]) == 780
    assert document["outcomes"][3]["status"] == "flagged"
    assert [outcome["culprits"] for outcome in document["outcomes"][2:5]] == [[], [0], []]


def test_not_finite_becomes_null_and_comes_back_as_nan(flagged: AuditResult) -> None:
    assert flagged.pairs is not None
    p_after = flagged.pairs.p_after.copy()
    p_after[:2] = np.nan, np.inf
    culprit = replace(flagged.culprits[0], filter_ceiling=float("nan"), interval=(-np.inf, np.inf))
    odd = replace(flagged, culprits=(culprit,), pairs=replace(flagged.pairs, p_after=p_after))
    document = json.loads(to_json(odd))
    validator().validate(document)
    assert document["pairs"]["p_after"][:2] == [None, None]
    assert document["culprits"][0]["interval"] == [None, None]
    assert np.isnan(from_dict(document).culprits[0].interval).all()


def test_numpy_scalars_become_python(flagged: AuditResult) -> None:
    culprit = replace(flagged.culprits[0], rows_edited=np.int64(7), strength=np.float32(0.5))  # type: ignore[arg-type]
    document = to_dict(
        replace(flagged, culprits=(culprit,), settings={"seed": np.uint8(3), "on": np.bool_(True)})
    )
    assert type(document["culprits"][0]["rows_edited"]) is int
    assert document["culprits"][0]["strength"] == 0.5
    assert document["settings"] == {"seed": 3, "on": True}


def test_indented_text_is_the_same_document_with_lists_of_values_on_one_line(mixed: AuditResult) -> None:
    text = to_json(mixed)
    assert json.loads(text) == to_dict(mixed)
    lines = text.splitlines()
    assert '      "features": ["age", "workclass"],' in lines
    assert '      "aliases": [' in lines
    assert len(lines) < 600
    assert to_json(mixed, indent=1).splitlines()[1].startswith(' "schema"')


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_indentation_changes_nothing(value: Any) -> None:
    assert json.loads(report_json.indented(value, 2)) == value


def test_a_wide_document_says_how_many_pairs_were_tested(wide: AuditResult) -> None:
    text = to_json(wide)
    assert len(text) < 2_500_000
    document = json.loads(text)
    validator().validate({**document, "pairs": {**document["pairs"], "p": document["pairs"]["p"][:9]}})
    assert (document["pairs"]["tested"], document["pairs"]["pairs"]) == (498_501, 499_500)
    assert len(document["pairs"]["p"]) == 10_000
    assert equal(from_dict(document), wide)


def test_json_text_is_ascii(flagged: AuditResult) -> None:
    feature = replace(flagged.features[0], name="naïve\u202e\x1b[31m\ud800")
    text = to_json(replace(flagged, features=(feature,)), indent=None)
    assert text.isascii()
    assert "\x1b" not in text
    assert text.count("\n") == 1
    assert from_dict(json.loads(text)).features[0] == feature


def test_plain_understands_common_kinds() -> None:
    values = {"status": Status.CLEAR, "day": date(2024, 2, 29), "path": PurePosixPath("a/b"), "set": {2, 1}}
    assert plain(values) == {"status": "clear", "day": "2024-02-29", "path": "a/b", "set": [1, 2]}
    assert plain(np.arange(4).reshape(2, 2)) == [[0, 1], [2, 3]]
    assert plain(np.array([])) == []


def test_plain_refuses_what_json_cannot_hold() -> None:
    with pytest.raises(TypeError) as caught:
        plain({"engine": object()}, "settings")
    assert (
        str(caught.value)
        == "settings.engine holds a object, which JSON cannot; give numbers, strings, lists or dicts"
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
        max_leaves=12,
    )
)
def test_plain_is_always_strict_json_and_idempotent(value: Any) -> None:
    once = plain(value)
    assert json.loads(json.dumps(once, allow_nan=False)) == once
    assert plain(once) == once


def parts(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all keys whose place the schema fixes (free-form objects are left out)."""
    found: list[tuple[Any, ...]] = []
    if isinstance(node, dict):
        for key, item in node.items():
            found.append((*path, key))
            if key not in ("settings", "details", "versions", "timing"):
                found += parts(item, (*path, key))
    elif isinstance(node, list) and node:
        found += parts(node[0], (*path, 0))
    return found


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def test_schema_rejects_every_missing_key_every_wrong_type_and_every_extra_key(mixed: AuditResult) -> None:
    document = to_dict(mixed)
    for column in document["pairs"].values():
        if isinstance(column, list):
            del column[2:]
    document["outcomes"] = [outcome for outcome in document["outcomes"] if outcome["findings"]]
    judge = validator()
    judge.validate(document)
    paths = parts(document)
    assert len(paths) > 70
    for path in paths:
        for change in ("missing", "wrong", "extra"):
            mutated = copy.deepcopy(document)
            parent = at(mutated, path[:-1])
            if change == "missing":
                del parent[path[-1]]
            elif change == "wrong":
                parent[path[-1]] = True
            else:
                parent["unheard_of"] = 1
            assert not judge.is_valid(mutated), (path, change)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "credenza.audit/2"),
        (("verdict",), "clean"),
        (("culprits", 0, "direction"), "sideways"),
        (("culprits", 0, "features"), ["one"]),
        (("culprits", 0, "p"), 1.5),
        (("culprits", 0, "rows_edited"), -1),
        (("culprits", 0, "filter_ceiling"), -0.1),
        (("outcomes", 0, "status"), "fine"),
        (("pairs", "role"), ["villain"]),
        (("inputs", 0, "sha256"), "not a hash"),
    ],
)
def test_schema_rejects_wrong_values(flagged: AuditResult, path: tuple[Any, ...], value: Any) -> None:
    document = to_dict(flagged)
    at(document, path[:-1])[path[-1]] = value
    assert not validator().is_valid(document)


def test_schema_knows_every_field_of_the_contract(mixed: AuditResult) -> None:
    """A field added to the contract and not to the document is noticed here."""
    document, schema = to_dict(mixed), load_schema()["$defs"]
    renamed = {"row_levels", "column_levels", "reference_table", "suspect_table"}  # in "tables"
    assert {f.name for f in fields(mixed.culprits[0])} - renamed == set(document["culprits"][0]) - {"tables"}
    for name, part in (
        ("outcome", mixed.outcomes[0]),
        ("feature", mixed.features[0]),
        ("input", mixed.inputs[0]),
    ):
        assert {f.name for f in fields(part) if f.compare} == set(schema[name]["properties"])
    assert mixed.pairs is not None
    assert {f.name for f in fields(mixed.pairs)} == set(schema["pairs"]["properties"])
    assert {f.name for f in fields(mixed)} | {"schema"} == set(document)


def test_module_does_not_hide_the_standard_library() -> None:
    assert report_json.json is json
