from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.association.draws import Draw
from credenza.data import encode, fit_schema, sketch


def table(rows: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({"a": rng.random(rows) < 0.3, "b": rng.integers(0, 5, rows), "row": np.arange(rows) % 50})


def drawn(data: pa.Table, size: int, cuts: list[int], **options: object) -> Draw:
    draw = Draw(fit_schema(sketch(data)), size, **options)
    for start, stop in zip([0, *cuts], [*cuts, data.num_rows], strict=True):
        for batch in data.slice(start, stop - start).to_batches():
            draw = draw.update(batch)
    return draw


def test_a_table_of_no_more_rows_than_wanted_comes_whole_and_in_order() -> None:
    data = table(300)
    for size in (300, 1_000):
        codes = drawn(data, size, [100, 101]).codes()
        np.testing.assert_array_equal(codes, encode(data, fit_schema(sketch(data))))
        assert codes.flags.f_contiguous


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=6), st.integers(1, 60), st.integers(0, 3))
def test_the_sample_does_not_depend_on_the_batches(cuts: list[int], size: int, seed: int) -> None:
    data = table(400)
    whole = drawn(data, size, [], seed=seed).codes()
    np.testing.assert_array_equal(drawn(data, size, sorted(cuts), seed=seed).codes(), whole)
    assert len(whole) == size


def test_parts_merge_to_the_sample_of_the_whole() -> None:
    data = table(500)
    schema = fit_schema(sketch(data))
    first, second = Draw(schema, 40), Draw(schema, 40).starting_at(200)
    both = first.update(data.slice(0, 200).to_batches()[0]).merge(
        second.update(data.slice(200).to_batches()[0])
    )
    np.testing.assert_array_equal(both.codes(), drawn(data, 40, []).codes())
    assert both.seen == 500


def test_every_row_is_as_likely_as_any_other() -> None:
    rows, size, seeds = 200, 50, 200
    data = pa.table({"row": [f"r{k:03d}" for k in range(rows)] * 1})
    twice = pa.concat_tables([data, data])  # levels seen once would be pooled
    schema = fit_schema(sketch(twice), min_share=0.0)
    hits = np.zeros(400)
    for seed in range(seeds):
        draw = Draw(schema, size, seed)
        draw.update(twice.to_batches()[0]).update(twice.to_batches()[1])
        draw.codes()
        hits[draw._parts[0][1]] += 1
    expected, spread = seeds * size / 400, np.sqrt(seeds * size / 400 * (1 - size / 400))
    assert np.abs(hits - expected).max() < 5 * spread
    halves = hits[:200].sum() - hits[200:].sum()
    assert abs(halves) < 4 * np.sqrt(seeds * size)


def test_only_the_rows_of_a_group_are_drawn() -> None:
    data = table(1_000)
    codes = drawn(data, 100, [300], where=Positive("b")).codes()
    schema = fit_schema(sketch(data))
    assert len(codes) == 100
    assert (codes[:, 1] > 0).all()
    every = drawn(data, 5_000, [300], where=Positive("b")).codes()
    assert len(every) == np.count_nonzero(data["b"].to_numpy())
    np.testing.assert_array_equal(every, encode(data.filter(pa.array(data["b"].to_numpy() > 0)), schema))


class Positive:
    def __init__(self, column: str) -> None:
        self.column = column

    def __call__(self, batch: pa.RecordBatch) -> np.ndarray:
        return batch.column(self.column).to_numpy() > 0


def test_no_rows_give_no_codes() -> None:
    draw = Draw(fit_schema(sketch(table(10))), 5)
    assert draw.codes().shape == (0, 3)
