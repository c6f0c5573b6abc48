from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError
from credenza.synthetic.fields import Fields


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.text(alphabet="ab{}' .", max_size=5), st.sampled_from(["x", "_y2", "long_name"])))
)
def test_text_comes_back_with_values_in_it(parts: list[tuple[str, str]]) -> None:
    written = "".join(text.replace("{", "{{").replace("}", "}}") + f"{{{name}}}" for text, name in parts)
    fields = Fields(written, "template 'a'")
    values = {"x": "{long_name}", "_y2": "}}", "long_name": "1"}
    assert fields.filled(values) == "".join(text + values[name] for text, name in parts)
    assert set(fields.names) == {name for _, name in parts}


@pytest.mark.parametrize(
    "field",
    [
        "{}",
        "{0}",
        "{user.password}",
        "{user[0]}",
        "{user!r}",
        "{user:>10}",
        "{__import__('os')}",
        "{a b}",
        "{ a }",
        "{é}",
    ],
)
def test_fields_are_plain_names(field: str) -> None:
    with pytest.raises(InputError) as error:
        Fields(f"x {field} y", "template 'a'")
    assert str(error.value) == (
        f"template 'a' has the field {field!r}; a field is a plain name such as {{user_id}}, "
        "without attributes, indices or formats"
    )


@pytest.mark.parametrize(
    ("text", "brace", "place"), [("a {b", "{", 3), ("a } b", "}", 3), ("{{{", "{", 3), ("{x}}", "}", 4)]
)
def test_single_braces_are_refused(text: str, brace: str, place: int) -> None:
    with pytest.raises(InputError) as error:
        Fields(text, "template 'a'")
    assert str(error.value) == (
        f"template 'a' has a single {brace!r} at character {place}; write {brace * 2} for a brace"
    )


def test_dunder_names_are_names_and_reach_nothing() -> None:
    assert Fields("{__class__}", "t").filled({"__class__": "x"}) == "x"
    with pytest.raises(KeyError):
        Fields("{__class__}", "t").filled({})
