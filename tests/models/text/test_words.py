"""Texts as words and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.errors import InputError, UsageError
from credenza.models.text.words import join_words, split_words, vocabulary_of, words_of


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab1-'’.,;:!?()[]\" \n\té…", max_size=40))
def test_words_are_kept_when_joined(text: str) -> None:
    words = split_words(text)
    assert split_words(join_words(words)) == words
    assert "".join(words) == "".join(text.split())


def test_marks_stand_where_they_do_in_print() -> None:
    text = "Well-known (or not), isn't it? 50% say so; others…"
    assert join_words(split_words(text)) == text


def test_rare_words_are_left_out_and_frequent_ones_first() -> None:
    documents = [["b", "a", "b"], ["c", "a", "b"]]
    assert vocabulary_of(documents) == ["b", "a", "c"]
    assert vocabulary_of(documents, 2) == ["b", "a"]


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ([], InputError, "no documents; a model needs one at least"),
        ([""], InputError, "the only document has no word in it; a model needs documents with words"),
        (
            ["", " ...! "],
            InputError,
            "none of the 2 documents has a word in it; a model needs documents with words",
        ),
        (["a", None], InputError, "document 1 is of type NoneType; documents are text"),
        ("a b", UsageError, "texts are a list of documents; found one string of 3 characters"),
    ],
)
def test_bad_documents_are_one_line(texts: object, error: type[ValueError], message: str) -> None:
    with pytest.raises(error) as caught:
        words_of(texts, "a model")  # type: ignore[arg-type]
    assert str(caught.value) == message
