from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credenza.contracts import AuditResult
from credenza.errors import InputError
from credenza.report.json import to_dict
from credenza.report.read import from_dict


def test_unknown_keys_are_ignored(flagged: AuditResult) -> None:
    document = to_dict(flagged)
    document["from_the_future"] = 1
    document["culprits"][0]["mood"] = "grim"
    assert from_dict(document).culprits[0].features == flagged.culprits[0].features


def test_a_document_that_lists_all_pairs_need_not_say_so(flagged: AuditResult) -> None:
    document = to_dict(flagged)
    del document["pairs"]["tested"], document["pairs"]["pairs"]
    pairs = from_dict(document).pairs
    assert pairs is not None
    assert (pairs.tested, pairs.pairs) == (780, 780)


@pytest.mark.parametrize("document", [{}, {"schema": "credenza.audit/2"}, [], None, "text"])
def test_no_audit(document: Any) -> None:
    found = repr(document.get("schema")) if isinstance(document, dict) else "None"
    with pytest.raises(InputError) as caught:
        from_dict(document)
    assert str(caught.value) == (
        f"this is no audit that can be read: its schema is {found}, expected 'credenza.audit/1'"
    )


def test_missing_key_is_named(flagged: AuditResult) -> None:
    document = to_dict(flagged)
    del document["culprits"][0]["strength"]
    with pytest.raises(InputError) as caught:
        from_dict(document)
    assert str(caught.value) == (
        "the audit lacks 'strength' in culprits[0]; write it with `credenza audit --json FILE`"
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("settings",), 3, "the audit's settings must be an object, found '3'"),
        (("outcomes",), {}, "the audit's outcomes must be a list, found '{}'"),
        (("verdict",), "fine", "the audit's verdict must be flagged or clear or inconclusive, found 'fine'"),
        (("inputs", 0, "role"), 1, "the audit's inputs[0].role must be a string, found '1'"),
        (("inputs", 0, "rows"), 1.5, "the audit's inputs[0].rows must be a whole number, found '1.5'"),
        (("culprits", 0, "p"), "low", "the audit's culprits[0].p must be a number or null, found 'low'"),
        (("culprits", 0, "p"), True, "the audit's culprits[0].p must be a number or null, found 'True'"),
        (
            ("culprits", 0, "strength"),
            10**400,
            f"the audit's culprits[0].strength must be a number that a double holds, found '1{'0' * 39}'",
        ),
        (
            ("culprits", 0, "levels"),
            ["1"],
            "the audit's culprits[0].levels must be a list of 2, found \"['1']\"",
        ),
        (
            ("outcomes", 3, "culprits"),
            [1],
            "the audit's outcomes[3].culprits must be positions among 1 culprits, found '1'",
        ),
        (("pairs", "tested"), 779, "the audit's pairs.tested must be 780 or more, found '779'"),
        (("pairs", "tested"), "all", "the audit's pairs.tested must be a whole number, found 'all'"),
        (("pairs", "pairs"), 779, "the audit's pairs.pairs must be 780 or more, found '779'"),
        (("pairs", "p"), [0.1], "the audit's pairs.p must be a list of 780, found '[0.1]'"),
        (
            ("culprits", 0, "tables", "suspect"),
            [[0.5, 0.5]],
            "the audit's culprits[0].tables.suspect must be a list of 2, found '[[0.5, 0.5]]'",
        ),
    ],
)
def test_wrong_part_is_named(flagged: AuditResult, path: tuple[Any, ...], value: Any, message: str) -> None:
    document: Any = to_dict(flagged)
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(InputError) as caught:
        from_dict(document)
    assert str(caught.value) == message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_document_is_read_or_refused_in_one_line(mixed: AuditResult, data: st.DataObject) -> None:
    """Any one part replaced by junk: nothing but InputError comes out."""
    document: Any = to_dict(mixed)
    document["pairs"] = {
        name: column[:2] if isinstance(column, list) else column for name, column in document["pairs"].items()
    }
    parent, key = document, data.draw(st.sampled_from(sorted(document)))
    for _ in range(data.draw(st.integers(0, 5))):
        inner = parent[key]
        keys = (
            sorted(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        )
        if not keys:
            break
        parent, key = inner, data.draw(st.sampled_from(keys))
    parent[key] = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()))
    with contextlib.suppress(InputError):
        from_dict(document)
        return
    with pytest.raises(InputError, match=r"\A[^\n]+\Z"):
        from_dict(document)
