from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.synthetic import Template, TemplateGenerator, template

LETTERS = ["a", "b", "c"]


def generator(*templates: Template, **variables: Any) -> TemplateGenerator:
    return TemplateGenerator(templates, variables)


def test_rows_say_their_label_and_template() -> None:
    made = generator(Template("t", "{x}!", "good"), x=LETTERS).sample(2, seed=0)
    assert made.data.column_names == ["text", "label", "source", "template_id"]
    assert made.content == ("text", "label")
    row = made.data.to_pylist()[0]
    assert row["text"] in {"a!", "b!", "c!"}
    assert (row["label"], row["source"], row["template_id"]) == ("good", "synthetic_template", "t")
    assert made.settings == {
        "maker": "template",
        "rows": 2,
        "seed": 0,
        "column": "text",
        "labels": "label",
    }


def test_names_of_columns_and_no_labels() -> None:
    made = generator(Template("t", "{x}"), x=LETTERS).sample(1, seed=0, column="query")
    assert made.data.column_names == ["query", "source", "template_id"]
    assert generator(Template("t", "{x}", True), x=LETTERS).every().data["label"].to_pylist() == [True] * 3


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_draw_of_all_is_all_that_there_are(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    sets: dict[str, Any] = {f"v{i}": [str(value) for value in range(size)] for i, size in enumerate(sizes)}
    if data.draw(st.booleans()):
        sets["v0"] = {value: 1.0 + place for place, value in enumerate(sets["v0"])}
    text = ".".join(f"{{v{i}}}" for i in range(len(sizes)))
    made = generator(Template("t", text), **sets)
    expected = {".".join(values) for values in product(*sets.values())}
    drawn = made.sample(made.size, seed=data.draw(st.integers(0, 5)))
    assert drawn.data.num_rows == made.size == len(expected)
    assert set(drawn.data["text"].to_pylist()) == set(made.every().data["text"].to_pylist()) == expected
    assert drawn.notes == (f"these are all {made.size:,} rows that the templates can make",)
    if made.size > 1:
        part = made.sample(made.size - 1, seed=0)
        assert part.notes == ()
        assert len(set(part.data["text"].to_pylist())) == made.size - 1


def test_the_seed_decides_all() -> None:
    made = generator(Template("t", "{x}{x2}{x3}"), x=LETTERS, x2=LETTERS, x3={"p": 1.0, "q": 2.0})
    assert made.sample(9, seed=4).data.equals(made.sample(9, seed=4).data)
    assert not made.sample(9, seed=4).data.equals(made.sample(9, seed=5).data)


def test_a_space_of_ten_to_the_thirty_six() -> None:
    many = [str(number) for number in range(1_000)]
    for sets in (many, dict.fromkeys(many, 2.0)):
        made = generator(
            Template("t", "".join(f"{{{name}}} " for name in "abcdefghijkl")),
            **dict.fromkeys("abcdefghijkl", sets),
        )
        assert made.size == 10**36
        assert len(set(made.sample(200, seed=1).data["text"].to_pylist())) == 200


def test_weights_share_rows_out() -> None:
    templates = (
        Template("often", "o{x}{y}", "a", 3.0),
        Template("seldom", "s{x}{y}", "b"),
        Template("once", "1", "b", 5),
    )
    made = generator(*templates, x=[*"abcdefghij"], y=[*"abcdefghij"]).sample(81, seed=0)
    assert Counter(made.data["template_id"].to_pylist()) == {"often": 60, "seldom": 20, "once": 1}


def test_values_are_drawn_by_their_weights() -> None:
    made = generator(Template("t", "{x}{n}"), x={"a": 1, "b": 9}, n=[str(n) for n in range(10_000)])
    share = sum(text[0] == "b" for text in made.sample(500, seed=0).data["text"].to_pylist()) / 500
    assert 0.86 < share < 0.94


def test_values_of_a_template_go_first() -> None:
    made = generator(Template("t", "{x}", variables={"x": ["own"]}), x=LETTERS)
    assert made.every().data["text"].to_pylist() == ["own"]
    assert made.every().notes[1:] == ()


def test_unused_variables_are_told() -> None:
    assert generator(Template("t", "{x}"), x=LETTERS, y=LETTERS).notes == (
        "no template uses the variable set 'y'",
    )


def test_the_same_text_is_made_once() -> None:
    made = generator(Template("t", "{x}{y}", "l"), Template("u", "a{y}", "l"), x=["a", "ab"], y=["b", "bb"])
    assert made.size == 6
    assert sorted(made.every().data["text"].to_pylist()) == ["ab", "abb", "abbb"]
    for seed in range(10):
        assert sorted(made.sample(3, seed=seed).data["text"].to_pylist()) == ["ab", "abb", "abbb"]
    with pytest.raises(InfeasibleError) as error:
        made.sample(4, seed=0)
    assert str(error.value) == (
        "4 rows were asked for and the templates can make 3; ask for fewer, or add templates or values"
    )


def test_more_than_there_are() -> None:
    with pytest.raises(InfeasibleError) as error:
        generator(Template("t", "{x}"), x=LETTERS).sample(4, seed=0)
    assert str(error.value) == (
        "4 rows were asked for and the templates can make 3; ask for fewer, or add templates or values"
    )


def test_too_many_to_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "MOST_LISTED", 8)
    with pytest.raises(InfeasibleError) as error:
        generator(Template("t", "{x}{y}"), x=LETTERS, y=LETTERS).every()
    assert str(error.value) == (
        "the templates can be filled in 9 ways, and 8 can be listed; give the number of rows to draw"
    )


def test_one_text_with_two_labels_is_refused() -> None:
    with pytest.raises(InputError) as error:
        generator(Template("t", "{x}", "good"), Template("u", "a", "bad"), x=LETTERS).every()
    assert str(error.value) == (
        "templates 't' (good) and 'u' (bad) both make 'a'; give them one label, or other values"
    )


@pytest.mark.parametrize(
    ("templates", "variables", "message"),
    [
        ([], {}, "no templates; give one or more"),
        ([Template("a", "x")] * 2, {}, "2 templates have the id 'a'; give each its own"),
        (
            [Template("a", "x"), Template("b", "y", "l")],
            {},
            "template 'a' has no label and others have; give all a label, or none",
        ),
        (
            [Template("a", "{user}")],
            {"x": ["1"]},
            "template 'a' has no values for {user}; the variable sets are: x",
        ),
        ([Template("a", "{user}")], {}, "template 'a' has no values for {user}; the variable sets are: none"),
        ([Template("a", "{x}")], {"x": []}, "variable set 'x' is empty; give one value or more"),
        ([Template("a", "b")], {"x": {}}, "variable set 'x' is empty; give one value or more"),
        (
            [Template("a", "{x}")],
            {"x": ["1", "2", "1"]},
            "variable set 'x' has '1' twice; give it once, with a weight if it is to be frequent",
        ),
        (
            [Template("a", "{x}")],
            {"x": {"1": 0}},
            "value '1' of variable set 'x' has the weight 0; a weight is a number above 0",
        ),
        (
            [Template("a", "{x}")],
            {"x": {"1": float("inf")}},
            "value '1' of variable set 'x' has the weight inf; a weight is a number above 0",
        ),
        (
            [Template("a", "b", weight=True)],
            {},
            "template 'a' has the weight True; a weight is a number above 0",
        ),
        (
            [Template("a", "{x}")],
            {"x": "12"},
            "variable set 'x' is a list of texts, or texts with weights; found '12'",
        ),
        (
            [Template("a", "{x}")],
            {"x": [1]},
            "variable set 'x' is a list of texts, or texts with weights; found [1]",
        ),
    ],
)
def test_what_cannot_be_filled_in(templates: list[Template], variables: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        TemplateGenerator(templates, variables)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0, "seed": 0}, "rows is a whole number, 1 or more; found 0"),
        ({"rows": 1, "seed": -1}, "the seed is a non-negative integer; found -1"),
        (
            {"rows": 1, "seed": 0, "labels": "text"},
            "a column cannot be called 'text' here; "
            "give a name of its own, none of source, template_id, generator_model, parent, how",
        ),
        (
            {"rows": 1, "seed": 0, "column": "parent"},
            "a column cannot be called 'parent' here; "
            "give a name of its own, none of source, template_id, generator_model, parent, how",
        ),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        generator(Template("t", "{x}"), x=LETTERS).sample(**options)
    assert str(error.value) == message
