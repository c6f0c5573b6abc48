from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from checks.tables import evidence
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.checks.samples.beside import SampleInputs
from credenza.checks.samples.evidence import SampleEvidence, read_labels
from credenza.data import open_source
from credenza.errors import InputError, UsageError
from credenza.report import profiling as profiles


def table(values: Any) -> Any:
    return open_source(pa.table({"kind": values}))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(["ant", "bee", "cat"]), max_size=30))
def test_codes_spell_the_labels(more: list[str]) -> None:
    values = [*more, *["bee", "cat"] * 20]
    found = read_labels(table(values), "kind")
    assert [found.classes[code] for code in found.codes] == values
    assert list(found.classes) == sorted(set(values))
    assert found.sizes.tolist() == [values.count(name) for name in found.classes]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([10, 2] * 20),
        pa.array([10.0, 2.0] * 20),
        pa.array([10, 2] * 20).dictionary_encode(),
        pa.chunked_array([pa.array([10, 2] * 19).dictionary_encode(), pa.array([10, 2]).dictionary_encode()]),
    ],
)
def test_numbers_are_in_order_of_value(values: Any) -> None:
    found = read_labels(table(values), "kind")
    assert found.classes == ("2", "10")
    assert found.codes[:2].tolist() == [1, 0]


def test_truth_values_are_classes() -> None:
    assert read_labels(table([True, False] * 20), "kind").classes == ("false", "true")


def test_small_classes_are_named_and_left_out() -> None:
    found = read_labels(table(["ant", "bee"] * 20 + ["cat"] * 3 + list("stuvwx")), "kind")
    assert found.kept == (0, 1)
    assert found.left_out == (
        "; left out: classes of fewer than 20 rows, 'cat' (3), 's' (1), 't' (1), 'u' (1), 'v' (1) and 2 more"
    )
    assert read_labels(table(["ant", "bee"] * 20), "kind").left_out == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", None] * 20, "has 20 missing values; fill them in or drop those rows"),
        ([1.0, float("nan")] * 20, "has 20 missing values; fill them in or drop those rows"),
        (["a"] * 40, "has one class, 'a'; give two or more"),
        (
            ["a"] * 40 + ["b"] * 3,
            "has 2 classes, of which 1 with 20 rows or more; two of that size are needed",
        ),
        ([1.5, 2.0] * 20, "holds fractions; give a column of classes"),
        ([[1], [2]] * 20, "is list<item: int64>; give a column of classes"),
    ],
)
def test_labels_that_are_no_classes_are_refused(values: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_labels(table(values), "kind")
    assert str(caught.value) == f"the labels column 'kind' of Arrow table {message}"


def test_labels_and_embeddings_are_of_one_length() -> None:
    with pytest.raises(InputError) as caught:
        SampleEvidence(np.ones((3, 2)), np.zeros(4, np.int64), ("a",))
    assert str(caught.value) == (
        "the embeddings have 3 rows and there are 4 labels; give one of each for every row"
    )


def test_evidence_holds_what_was_given(clean: pa.Table, reference: pa.Table) -> None:
    n = clean.num_rows
    content, losses = np.ones((n, 2), np.float32), np.ones(n)
    bare = evidence(clean)
    assert bare.samples is None
    assert bare.beside.read() == ()
    half = evidence(clean, beside=SampleInputs(embeddings=content))
    assert half.samples is None
    given = evidence(
        clean,
        reference,
        beside=SampleInputs("region", content, losses, np.ones((reference.num_rows, 2))),
    )
    assert given.samples is not None
    assert given.samples.classes == ("east", "north", "south")
    assert given.samples.losses is not None
    assert given.samples.losses.shape == (n, 1)
    assert [role for role, _ in given.beside.read()] == ["embeddings", "reference embeddings", "losses"]
    assert given.samples.embeddings is content


def test_what_makes_embeddings_makes_the_references_too(clean: pa.Table, reference: pa.Table) -> None:
    given = evidence(clean, reference, beside=SampleInputs(embeddings=lambda source: np.ones(source.rows)))
    assert given.beside.reference_embeddings is not None
    assert given.beside.reference_embeddings.values.shape == (reference.num_rows, 1)


def test_embeddings_of_no_reference_are_refused(clean: pa.Table, reference: pa.Table) -> None:
    beside = SampleInputs(reference_embeddings=np.ones((4_000, 2)))
    start = "--reference-embeddings belong to a reference's rows, and "
    for other, found in ((None, "there is none"), (profiles.profile(reference), "a profile has none")):
        with pytest.raises(UsageError) as caught:
            evidence(clean, other, beside=beside)
        assert str(caught.value) == f"{start}{found}: give --reference"


def test_a_labels_column_that_is_absent_is_refused(clean: pa.Table) -> None:
    with pytest.raises(UsageError) as caught:
        evidence(clean, beside=SampleInputs(labels="regoin"))
    assert str(caught.value) == (
        "--labels names 'regoin', which Arrow table does not have: did you mean 'region'?"
    )
