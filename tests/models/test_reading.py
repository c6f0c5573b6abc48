"""Joint tables behind imperfect reading: inverse of the reading, clipped, and refused where nothing was read."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import slow_corrected_joint

from credenza.association.measures import covariance
from credenza.errors import CredenzaError, InfeasibleError, InputError, UsageError
from credenza.models.reading import Reader, corrected_covariance, corrected_joint, joint_table, read_joint

shares = st.floats(0.6, 1.0)
readers = st.builds(Reader, shares, shares)
tables = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4).map(
    lambda cells: np.array(cells).reshape(2, 2) / sum(cells)
)


@given(tables, readers, readers)
def test_correction_undoes_reading(joint: np.ndarray, a: Reader, b: Reader) -> None:
    seen = read_joint(joint, a, b)
    assert seen.sum() == pytest.approx(1)
    assert corrected_joint(seen, a, b) == pytest.approx(joint, abs=1e-9)
    assert corrected_covariance(seen, a, b) == pytest.approx(covariance(joint), abs=1e-9)


@given(tables, readers, readers)
def test_covariance_shrinks_by_both_informednesses(joint: np.ndarray, a: Reader, b: Reader) -> None:
    shrunk = covariance(joint) * (a.sensitivity + a.specificity - 1) * (b.sensitivity + b.specificity - 1)
    assert covariance(read_joint(joint, a, b)) == pytest.approx(shrunk, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(any), readers, readers)
def test_it_is_the_nearest_table_that_the_kronecker_product_allows(
    counts: list[int], a: Reader, b: Reader
) -> None:
    found = corrected_joint(np.array(counts).reshape(2, 2), a, b)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(slow_corrected_joint(counts, a.confusion, b.confusion), abs=1e-6)


def test_simulated_reading_is_undone() -> None:
    rng = np.random.default_rng(0)
    cells = rng.choice(4, p=[0.4, 0.1, 0.15, 0.35], size=200_000)
    a, b = Reader(0.9, 0.95), Reader(0.85, 0.8)
    read = []
    for true, reader in ((cells >= 2, a), (cells % 2 == 1, b)):
        chance = np.where(true, reader.sensitivity, 1 - reader.specificity)
        read.append(rng.random(len(true)) < chance)
    found = corrected_joint(joint_table(*read), a, b)
    assert found == pytest.approx(np.array([[0.4, 0.1], [0.15, 0.35]]), abs=0.006)


def test_a_perfect_reader_changes_nothing() -> None:
    table = np.array([[3, 1], [2, 4]])
    assert corrected_joint(table, Reader(1, 1), Reader(1, 1)) == pytest.approx(table / 10)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: Reader(1.2, 1), UsageError, "a sensitivity is a share in [0, 1]; found 1.2"),
        (lambda: Reader(1, float("nan")), UsageError, "a specificity is a share in [0, 1]; found nan"),
        (
            lambda: corrected_joint(np.eye(2), Reader(0.5, 0.52), Reader(1, 1)),
            InfeasibleError,
            "an attribute read with sensitivity 0.5 and specificity 0.52 is hardly better than chance; they must "
            "sum to at least 1.05 for a correction",
        ),
        (
            lambda: corrected_covariance(np.eye(3), Reader(1, 1), Reader(1, 1)),
            InputError,
            "a joint table of two binary attributes has shape (2, 2); found (3, 3)",
        ),
        (
            lambda: corrected_joint([[1, -1], [0, 0]], Reader(1, 1), Reader(1, 1)),
            InputError,
            "a joint table has finite entries of at least 0, not all 0; found [1.0, -1.0, 0.0, 0.0]",
        ),
        (
            lambda: joint_table([True], [True, False]),
            InputError,
            "two attributes of the same rows are needed; found shapes (1,) and (2,)",
        ),
        (lambda: joint_table([], []), InputError, "a joint table needs at least one row; found none"),
    ],
)
def test_what_is_wrong_is_one_line(call: object, kind: type[CredenzaError], message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()  # type: ignore[operator]
