"""Rows of a table as encoded features; against a slow twin."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source
from credenza.errors import InputError
from credenza.models.embedding import table as module
from credenza.models.embedding.table import FAR, TableMaker


def rows_of(table: pa.Table, **options: object) -> np.ndarray:
    return TableMaker(open_source(table), **options).first().values  # type: ignore[arg-type]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e6, 1e6).map(lambda x: round(x, 3))),
            st.sampled_from(["a", "b", "c"]),
        ),
        min_size=12,
        max_size=40,
    )
)
def test_numbers_are_standardised_and_levels_are_ones_and_zeros(rows: list[tuple[float | None, str]]) -> None:
    numbers, letters = (list(column) for column in zip(*rows, strict=True))
    known = [x for x in numbers if x is not None]
    if len(set(known)) < 3 or len(set(letters)) < 3:
        return
    table = pa.table({"x": pa.array(numbers, pa.float64()), "letter": letters})
    mean = sum(known) / len(known)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in known) / len(known))
    expected = []
    for x, _ in rows:
        row = [0.0 if x is None else max(-FAR, min(FAR, (x - mean) / deviation))]
        row += [float(x is None)] * (None in numbers)
        expected.append(row)
    found = rows_of(table)
    width = len(expected[0])
    assert found[:, :width] == pytest.approx(np.array(expected), abs=1e-4)
    assert set(np.unique(found[:, width:])) <= {0.0, 1.0}
    assert (found[:, width:].sum(axis=1) == 1).all()


def test_infinities_and_wild_values_are_cut_off() -> None:
    table = pa.table({"x": [float(k) for k in range(500)] + [1e9, float("inf")], "y": [0, 1] * 251})
    found = rows_of(table)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 25


def test_columns_can_be_left_out_and_chosen() -> None:
    table = pa.table({"a": [0, 1] * 10, "b": [1, 0] * 10, "kind": ["x", "y"] * 10})
    assert rows_of(table, without=("kind",)).shape == (20, 4)
    assert rows_of(table, without=("kind",), columns=("b", "kind")).shape == (20, 2)


def test_wide_tables_are_reduced_to_their_principal_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DIMENSIONS", 3)
    rng = np.random.default_rng(0)
    table = pa.table({f"x{k}": rng.normal(size=200) * (k + 1) for k in range(6)})
    found = rows_of(table).astype(float)
    values = np.stack([column.to_numpy() for column in table.columns], axis=1)
    values = (values - values.mean(0)) / values.std(0)
    u, s, _ = np.linalg.svd(values, full_matrices=False)
    assert found @ found.T == pytest.approx((u[:, :3] * s[:3] ** 2) @ u[:, :3].T, abs=1e-3)


def test_another_table_is_encoded_alike() -> None:
    first = pa.table({"x": [float(k) for k in range(20)], "c": ["a", "b", "c", "d"] * 5})
    other = pa.table({"c": ["b", "new", None], "x": [0.0, 19.0, 9.5]})
    maker = TableMaker(open_source(first))
    own, found = maker.first().values, maker.another(open_source(other)).values
    assert found[0].tolist() == pytest.approx([own[0, 0], 0, 1, 0, 0])
    assert found[1, 1:].tolist() == found[2, 1:].tolist() == [0, 0, 0, 0]
    assert found[2, 0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (pa.table({"x": [1.0, 2.0]}), "has no column 'c', which the embeddings are made of; add it"),
        (pa.table({"x": ["u", "v"], "c": ["a", "b"]}), "column 'x' .* give the same kind on both sides"),
    ],
)
def test_another_table_must_have_the_columns(other: pa.Table, message: str) -> None:
    maker = TableMaker(open_source(pa.table({"x": [0.5 * k for k in range(20)], "c": ["a", "b"] * 10})))
    maker.first()
    with pytest.raises(InputError, match=message):
        maker.another(open_source(other))


def test_nothing_to_encode_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"kind": ["x", "y"] * 10, "same": [1] * 20})
    with pytest.raises(
        InputError, match=r"no column of .* is left to make embeddings of; give embeddings, or data"
    ):
        rows_of(table, without=("kind",))
    monkeypatch.setattr(module, "MOST_COLUMNS", 1)
    with pytest.raises(InputError, match="make 2 encoded ones; choose columns that make 1 at most"):
        rows_of(table)
