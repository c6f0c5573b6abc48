"""Triple counts against nested loops: any levels, any split of the rows, weights of any sign."""

from __future__ import annotations

import pickle

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from credenza.association.probes import Layout
from credenza.association.triple_counts import TripleCensus, TripleCounts
from credenza.contracts import FloatArray
from credenza.data import fit_schema, sketch
from credenza.errors import InputError

LAYOUT = Layout((2, 3, 4, 2), (0, 0, 3, 0))


def draw(rows: int, seed: int, layout: Layout = LAYOUT) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows, dtype=np.uint8) for size in layout.sizes], axis=1)


def indicators(codes: NDArray[np.uint8], layout: Layout = LAYOUT) -> NDArray[np.int64]:
    """One column of 0 and 1 a probe, by the levels that it is said to hold."""
    columns = [
        np.isin(codes[:, f], np.arange(first, stop) - layout.starts[f])
        for f, (first, stop) in zip(layout.probe_feature, layout.probe_planes, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.int64)


def assert_tables(counts: TripleCounts, tables: dict[tuple[int, int, int], FloatArray], atol: float) -> None:
    layout = counts.threes.layout
    for probe in range(layout.probes):
        begin = counts.threes.begin(int(layout.probe_feature[probe]))
        found = counts.tables(probe)
        pairs = zip(counts.threes.second[begin:], counts.threes.third[begin:], strict=True)
        for column, (b, c) in enumerate(pairs):
            np.testing.assert_allclose(found[:, column], tables[probe, int(b), int(c)], atol=atol)
            chosen = counts.table(np.array([[probe, b, c]]))
            np.testing.assert_allclose(chosen[:, 0], tables[probe, int(b), int(c)], atol=atol)


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 130])
def test_tables_are_those_of_the_rows(rows: int) -> None:
    codes = draw(rows, seed=rows)
    assert_tables(TripleCounts.empty(LAYOUT).update(codes), oracles.triple_tables(indicators(codes)), 0.0)


@given(st.lists(st.integers(0, 90), min_size=1, max_size=5), st.integers(0, 9))
def test_any_split_of_the_rows_gives_the_same_integers(parts: list[int], seed: int) -> None:
    codes = draw(sum(parts), seed)
    whole, merged, start = TripleCounts.empty(LAYOUT).update(codes), TripleCounts.empty(LAYOUT), 0
    for part in parts:
        merged = merged.merge(TripleCounts.empty(LAYOUT).update(codes[start : start + part]))
        start += part
    assert merged.rows == whole.rows == len(codes)
    assert merged.triples.dtype == whole.triples.dtype == np.int64
    np.testing.assert_array_equal(merged.triples, whole.triples)
    np.testing.assert_array_equal(merged.pairs, whole.pairs)


def test_long_batches_are_packed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = draw(500, seed=3)
    whole = TripleCounts.empty(LAYOUT).update(codes)
    monkeypatch.setattr("credenza.association.triple_counts.PIECE_BYTES", 700)
    np.testing.assert_array_equal(TripleCounts.empty(LAYOUT).update(codes).triples, whole.triples)


def test_counts_survive_pickling() -> None:
    counts = TripleCounts.empty(LAYOUT).update(draw(50, seed=1))
    again = pickle.loads(pickle.dumps(counts)).merge(counts)
    np.testing.assert_array_equal(again.triples, 2 * counts.triples)


def test_scaling_keeps_shares() -> None:
    counts = TripleCounts.empty(LAYOUT).update(draw(80, seed=4))
    half = counts.scaled(40.0)
    np.testing.assert_allclose(2 * half.tables(0), counts.tables(0), atol=1e-9)


def test_a_census_folds_batches() -> None:
    rng = np.random.default_rng(5)
    table = pa.table(
        {"a": rng.random(300) < 0.3, "b": rng.choice(["x", "y", "z"], 300), "c": rng.normal(size=300)}
    )
    schema = fit_schema(sketch(table))
    (whole,) = table.to_batches()
    once = TripleCensus.empty(schema).update(whole)
    parts = [TripleCensus.empty(schema).update(b) for b in table.to_batches(max_chunksize=90)]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    np.testing.assert_array_equal(merged.counts.triples, once.counts.triples)
    assert merged.counts.rows == 300


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 3), np.uint8), r"codes of shape \(2, 3\) for 4 features: one column a feature"),
        (
            np.full((2, 4), 2, np.uint8),
            "code 2 in column 0, which has 2 levels: codes run from 0 to 1",
        ),
    ],
)
def test_codes_that_do_not_fit_are_refused(codes: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        TripleCounts.empty(LAYOUT).update(codes)


def test_other_levels_cannot_be_merged() -> None:
    other = Layout((2, 2, 2), (0, 0, 0))
    message = "triples of 4 and 3 features with differing levels: count both with one schema"
    with pytest.raises(InputError, match=f"^{message}$"):
        TripleCounts.empty(LAYOUT).merge(TripleCounts.empty(other))
