"""Tables to codes and back: the schema is kept, levels are kept, and what cannot be made up is refused."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_tables import mixed_table

from credenza.errors import InputError, UsageError
from credenza.models.tabular import TableCodec

CELLS = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
NUMBERS = st.one_of(st.none(), st.floats(width=32), st.integers(-3, 3).map(float))


def test_a_table_comes_back_in_its_own_levels_and_schema() -> None:
    table = mixed_table(400).replace_schema_metadata({"made": "by hand"})
    codec = TableCodec.fit(table, bins=5)
    codes = codec.codes(table)
    again = codec.sampled(codes, np.random.default_rng(0))
    assert again.schema.equals(table.schema, check_metadata=True)
    assert (codec.codes(again) == codes).all()
    for name in ("owner", "city", "class", "pets", "country"):
        assert again[name].to_pylist() == table[name].to_pylist()
    assert set(again["rent"].to_pylist()) <= set(table["rent"].to_pylist())
    assert len(codec.modelled) == len(codec.schema.features) == table.num_columns - 1


@given(st.lists(st.tuples(CELLS, NUMBERS, st.booleans()), min_size=2, max_size=30), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_any_small_table_goes_there_and_back(
    rows: list[tuple[str | None, float | None, bool]], seed: int
) -> None:
    text, number, flag = zip(*rows, strict=True)
    known = {value for value in text if value is not None}
    if len(known) > 2 and len([value for value in text if value is not None]) == len(known):
        return  # an identifier, see below
    columns = {"t": pa.array(text, pa.string()), "x": pa.array(number, pa.float64()), "f": pa.array(flag)}
    table = pa.table(columns)
    codec = TableCodec.fit(table)
    codes = codec.codes(table)
    again = codec.sampled(codes, np.random.default_rng(seed))
    assert again.schema.equals(table.schema)
    assert (codec.codes(again) == codes).all()


def test_the_codec_survives_json_and_arrays() -> None:
    table = mixed_table(300)
    codec = TableCodec.fit(table)
    plain, tensors = codec.state()
    again = TableCodec.restored(json.loads(json.dumps(plain)), tensors)
    codes = codec.codes(table)
    made = [one.sampled(codes, np.random.default_rng(3)) for one in (codec, again)]
    assert made[0].equals(made[1])


def test_nulls_and_nans_are_told_apart() -> None:
    table = pa.table({"x": pa.array([1.0, 2.0, None, float("nan")] * 50, from_pandas=False)})
    codec = TableCodec.fit(table)
    made = codec.sampled(codec.codes(table), np.random.default_rng(0))["x"]
    nan = sum(value is not None and value != value for value in made.to_pylist())
    assert made.null_count + nan == 100
    assert 25 < nan < 75


def test_a_constant_with_gaps_keeps_its_gaps() -> None:
    table = pa.table({"a": pa.array(["x"] * 999 + [None]), "b": [True, False] * 500, "c": pa.nulls(1_000)})
    codec = TableCodec.fit(table, min_share=0.01)
    assert codec.schema.names == ("b",)
    made = codec.sampled(np.zeros((100_000, 1), np.uint8), np.random.default_rng(0))
    assert 50 < made["a"].null_count < 160
    assert made["c"].null_count == 100_000


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1, 2]}, "a dict was given; a generator of tables is fitted to a pyarrow.Table"),
        (pa.table({}), "the table has no columns; give at least one to generate"),
        (pa.table({"a": pa.array([], pa.int8())}), "the table has 0 rows; a generator needs at least 2"),
        (pa.table({"a": [1]}), "the table has 1 row; a generator needs at least 2"),
        (
            pa.table([pa.array([1, 2]), pa.array([1, 2])], names=["a", "a"]),
            "two columns are named 'a'; give each column its own name",
        ),
        (
            pa.table({"a": [[1], [2]]}),
            "column 'a' is list<item: int64>, which cannot be generated; leave it out",
        ),
        (pa.table({"a": [b"1", b"2"]}), "column 'a' is binary, which cannot be generated; leave it out"),
        (
            pa.table({"id": [f"{k}.jpg" for k in range(90)]}),
            "column 'id' cannot be generated (identifier or free text: 90 distinct values in 90 rows, "
            "each occurs once); leave it out",
        ),
    ],
)
def test_what_cannot_be_fitted_is_one_line(table: pa.Table, message: str) -> None:
    with pytest.raises(InputError) as caught:
        TableCodec.fit(table)
    assert str(caught.value) == message


def test_settings_out_of_range_are_one_line() -> None:
    with pytest.raises(UsageError, match=r"^bins is 1; give 2 to 60$"):
        TableCodec.fit(pa.table({"a": [1, 2]}), bins=1)
    with pytest.raises(UsageError, match=r"^min_share is 2; give 0 to 0.5$"):
        TableCodec.fit(pa.table({"a": [1, 2]}), min_share=2)


def test_a_damaged_layout_is_one_line() -> None:
    plain, tensors = TableCodec.fit(pa.table({"a": [1, 2]})).state()
    with pytest.raises(
        InputError, match=r"^the stored table layout cannot be read \('arrow'\); fit and save again$"
    ):
        TableCodec.restored({"schema": plain["schema"]}, tensors)
    with pytest.raises(
        InputError, match=r"^the stored table layout cannot be read \(.*\); fit and save again$"
    ):
        TableCodec.restored({**plain, "arrow": "AAAA"}, tensors)
    with pytest.raises(
        InputError, match=r"^the stored table layout cannot be read \(.*\); fit and save again$"
    ):
        TableCodec.restored({**plain, "columns": []}, tensors)
