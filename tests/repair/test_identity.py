"""Which data it is: digests that look at values alone, and data read in types that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.data import open_source, write_table
from credenza.errors import InputError
from credenza.repair.identity import Digest, Facts, conformed, digest_of, facts_of, watched

TABLE = pa.table({"a": [1, 2, None], "b": ["x", "", None], "c": [[1], None, []]})


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.integers(-3, 3) | st.none(), max_size=12), size=st.integers(1, 13))
def test_digests_do_not_depend_on_cuts_or_types(rows: list[int | None], size: int) -> None:
    def digest(kind: pa.DataType, step: int) -> str:
        found = Digest(["a"])
        for start in range(0, len(rows), step):
            found.update(pa.record_batch({"a": pa.array(rows[start : start + step], kind)}))
        return found.hexdigest()

    assert digest(pa.int64(), size) == digest(pa.float32(), 13)


def test_digests_tell_apart_values_order_and_names() -> None:
    tables = [TABLE, TABLE.take([1, 0, 2]), TABLE.rename_columns(["a", "b", "d"]), TABLE.slice(1)]
    tables.append(TABLE.set_column(0, "a", pa.array([1, 2, 2**60])))
    tables.append(TABLE.set_column(0, "a", pa.array([1, 2, 2**60 + 1])))
    assert len({digest_of(open_source(table)) for table in tables}) == len(tables)


def test_facts_survive_json() -> None:
    facts = facts_of(open_source(TABLE.append_column("d", pa.array(["p", None, "q"]).dictionary_encode())))
    assert Facts.from_dict(facts.to_dict()) == facts
    assert facts.sha256 is None
    assert facts_of(open_source(TABLE), content="c", sha256="s").sha256 == "s"


def test_facts_of_files(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.parquet")
    source = open_source(tmp_path / "t.parquet")
    facts = facts_of(source)
    assert (facts.sha256, facts.rows, facts.kind) == (source.fingerprint(), 3, "parquet")
    assert facts.content == digest_of(open_source(TABLE))


def test_only_whole_passes_are_told() -> None:
    found: list[str] = []
    source = watched(open_source(TABLE), found.append)
    source.table(["a"])
    assert found == []
    batches = source.batches(size=2)
    next(batches)
    assert found == []
    next(batches)  # the last one: it is known before it is given out
    assert found == [digest_of(open_source(TABLE))]
    assert len(list(batches)) == 0


def test_types_and_order_are_put_back() -> None:
    narrow = pa.table(
        {"b": pa.array(["x", "", None]).dictionary_encode(), "a": pa.array([1, 2, None], pa.int8())}
    )
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    back = conformed(open_source(narrow), schema)
    assert back.schema.equals(schema)
    assert back.table().to_pylist() == TABLE.select(["a", "b"]).to_pylist()
    assert conformed(open_source(TABLE), TABLE.schema).table().equals(TABLE)


def test_data_that_does_not_conform() -> None:
    source = open_source(TABLE)
    with pytest.raises(
        InputError, match=r"^Arrow table is not the data of this ledger: the data lacks column 'z'$"
    ):
        conformed(source, TABLE.schema.append(pa.field("z", pa.int8())))
    with pytest.raises(InputError, match=r"the ledger does not know column 'c'$"):
        conformed(source, pa.schema([TABLE.schema.field(name) for name in ("a", "b")]))
    wrong = conformed(source, TABLE.schema.set(1, pa.field("b", pa.int64())))
    with pytest.raises(InputError) as error:
        wrong.table()
    assert str(error.value).startswith(
        "Arrow table: column 'b' is string, which does not go into the int64 that it was"
    )
    assert str(error.value).endswith("; give the data as it was written")


def test_text_is_read_as_text_and_the_source_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1.0,1\n2.00,2\n")
    source = open_source(tmp_path / "t.csv")
    assert source.table()["a"].to_pylist() == [1, 2]
    schema = pa.schema([("a", pa.string()), ("b", pa.int64())])
    assert conformed(source, schema).table().to_pylist() == [{"a": "1.0", "b": 1}, {"a": "2.00", "b": 2}]
    assert source.table()["a"].to_pylist() == [1, 2]
    assert np.issubdtype(source.schema.field("a").type.to_pandas_dtype(), np.number)
