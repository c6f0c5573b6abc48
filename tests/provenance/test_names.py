from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.provenance.names import plain_case, skeleton, strange, twins, unsafe


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("C:/x", "is absolute"),
        ("a/../b", "has a part '..'"),
        ("..", "has a part '..'"),
        ("./a", "has a part '.'"),
        ("a//b", "has a part ''"),
        ("a/", "has a part ''"),
        ("a\\b", "has a backslash"),
        ("a\nb", "has a control character"),
        ("a\x00", "has a control character"),
        ("a\x7f", "has a control character"),
        ("\udcff.csv", "is not UTF-8"),
        ("data/part 0.csv", ""),
        ("..data/...", ""),
        ("d\u0430ta", ""),
    ],
)
def test_paths_that_lead_elsewhere_are_unsafe(name: str, reason: str) -> None:
    assert unsafe(name) == reason


@given(st.text(max_size=20))
@settings(max_examples=30)
def test_a_safe_name_stays_below_the_folder(name: str) -> None:
    if not unsafe(name):
        parts = name.split("/")
        assert all(part not in ("", ".", "..") for part in parts)
        assert "\\" not in name
        assert "\x00" not in name


@given(st.text(max_size=20))
@settings(max_examples=30)
def test_forms_and_cases_of_a_name_are_one(name: str) -> None:
    for form in ("NFC", "NFD", "NFKC"):
        assert plain_case(unicodedata.normalize(form, name)) == plain_case(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("data.csv", "d\u0430ta.csv"),  # Cyrillic a
        ("data.csv", "DATA.CSV"),
        ("caf\u00e9", "cafe\u0301"),
        ("file", "\ufb01le"),  # ligature
        ("part-1", "part\u20131"),  # en dash
        ("data", "da\u200bta"),  # zero width space
        ("x1", "\uff58\uff11"),  # full width
        ("\u0441\u043e\u0440\u0435", "cope"),
    ],
)
def test_look_alikes_have_one_skeleton(a: str, b: str) -> None:
    assert skeleton(a) == skeleton(b)


@pytest.mark.parametrize(("a", "b"), [("a0", "ao"), ("part-1", "part-l"), ("data", "date"), ("a/b", "ab")])
def test_other_names_have_other_skeletons(a: str, b: str) -> None:
    assert skeleton(a) != skeleton(b)


def test_twins_are_found_in_folders_too() -> None:
    assert twins(["A/x", "a/y", "b"]) == [("A", "a")]
    assert twins(["a/x", "a/y", "a"]) == []
    assert twins(["a.csv", "\u0430.csv"]) == []
    assert twins(["a.csv", "\u0430.csv"], skeleton) == [("a.csv", "\u0430.csv")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plain.csv", ""),
        ("\u0434\u0430\u043d\u043d\u044b\u0435.csv", ""),  # all Cyrillic, but for the suffix
        ("d\u0430ta.csv", "mixes letters of CYRILLIC and LATIN"),
        ("\u03b1lpha", "mixes letters of GREEK and LATIN"),
        ("a\u202egpj.csv", "has invisible characters"),
        ("caf\u00e9", ""),
    ],
)
def test_names_that_deceive_are_described(name: str, reason: str) -> None:
    assert strange(name) == reason
