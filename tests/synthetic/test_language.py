from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from credenza.errors import InfeasibleError, InputError, UsageError
from credenza.synthetic import markov_texts
from credenza.synthetic.language import collect
from credenza.synthetic.parse import likeness

NOUNS = [f"noun{i}" for i in range(12)]
VERBS = {"good": ["shines", "wins", "grows"], "bad": ["fails", "breaks", "rots"]}


def reviews(n: int = 80) -> pa.Table:
    rng = np.random.default_rng(0)
    labels = ["good" if k % 4 else "bad" for k in range(n)]
    texts = [
        f"the {rng.choice(NOUNS)} and the {rng.choice(NOUNS)} here {rng.choice(VERBS[x])}." for x in labels
    ]
    return pa.table({"id": range(n), "review": texts, "label": labels})


def test_labels_keep_their_shares_and_their_words() -> None:
    table = reviews()
    made = markov_texts(table, 40, labels="label", order=2, seed=3)
    assert made.data.column_names == ["review", "label", "source", "generator_model"]
    assert Counter(made.data["label"].to_pylist()) == {"good": 30, "bad": 10}
    for text, label in zip(made.data["review"].to_pylist(), made.data["label"].to_pylist(), strict=True):
        other = VERBS["bad" if label == "good" else "good"]
        assert not any(word in text for word in other)
    assert set(made.data["generator_model"].to_pylist()) == {"markov-2"}
    assert made.settings["reference_sha256"]
    assert made.notes == ()


def test_nothing_repeats_and_nothing_is_copied() -> None:
    table = reviews()
    texts = markov_texts(table, 60, order=3, seed=1).data["review"].to_pylist()
    keys = set(map(likeness, texts))
    assert len(keys) == 60
    assert not keys & set(map(likeness, table["review"].to_pylist()))


def test_the_seed_decides() -> None:
    table = reviews()
    first = markov_texts(table, 12, labels="label", seed=1).data
    assert first.equals(markov_texts(table, 12, labels="label", seed=1).data)
    assert not first.equals(markov_texts(table, 12, labels="label", seed=2).data)
    assert first["label"].to_pylist() != sorted(first["label"].to_pylist())


def test_rows_without_text_or_label_are_counted_and_labels_keep_their_type() -> None:
    table = reviews()
    labels = [None, *([7, 8] * 40)][:80]
    texts = [*table["review"].to_pylist()[:-2], None, "  "]
    made = markov_texts(
        pa.table({"review": texts, "y": pa.array(labels, pa.int16())}), 6, labels="y", order=2
    )
    assert made.notes == ("left out 3 rows of the reference without a text or a label",)
    assert made.data.schema.field("y").type == pa.int16()
    assert set(made.data["y"].to_pylist()) == {7, 8}


def test_a_model_that_can_only_repeat() -> None:
    with pytest.raises(InfeasibleError) as error:
        collect(lambda n, s: ["a", "b"], 4, {"a"}, (0,), "label 'x'", "lower the order")
    assert str(error.value) == (
        "4 different texts were asked for and label 'x' gave 1; ask for fewer, or lower the order"
    )


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"rows": 0}, UsageError, "rows is a whole number, 1 or more; found 0"),
        ({"order": 0}, UsageError, "order is a whole number, 1 to 12; found 0"),
        ({"labels": "review"}, UsageError, "a column cannot be called 'review' here"),
        ({"labels": "lable"}, UsageError, "has no column 'lable'; did you mean 'label'?"),
        ({"column": "id"}, InputError, "'id'"),
        ({"seed": -1}, UsageError, "the seed is a non-negative integer; found -1"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as error:
        markov_texts(reviews(), **{"rows": 3, **options})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_columns_that_are_not_texts() -> None:
    with pytest.raises(InputError) as error:
        markov_texts(pa.table({"text": ["a b c d"] * 2, "label": [None, None]}), 2, labels="label")
    assert "has no rows with a text and a label; give trusted texts" in str(error.value)


def test_calls_go_on_until_enough_is_new() -> None:
    calls: list[int] = []

    def make(missing: int, seed: int) -> list[str]:
        calls.append(missing)
        return ["a", "A", " ", f"text {len(calls)}"]

    assert collect(make, 3, {"a"}, (0,), "it", "wait") == ["text 1", "text 2", "text 3"]
    assert calls == [3, 2, 1]
