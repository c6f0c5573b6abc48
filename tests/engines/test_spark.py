"""The engine against real Spark: the integers of the local engine, its order, and one line for what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.association.counts import PairCounts
from credenza.data import Schema, TableSketch, encode, fit_schema, open_source, write_table
from credenza.engines import LocalEngine, SparkEngine, get_engine, open_spark, spark_fold
from credenza.engines.spark_source import SparkSource
from credenza.errors import InputError, UsageError

pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
ENGINE = SparkEngine()


class Pairs:
    """Pair counts, and the first value of the first column of every batch in the order of the merges."""

    def __init__(self, schema: Schema) -> None:
        self.schema, self.counts, self.firsts = schema, PairCounts.empty(schema.sizes), []

    def update(self, batch: pa.RecordBatch) -> Pairs:
        self.counts = self.counts.update(encode(batch, self.schema))
        self.firsts = [*self.firsts, batch.column(0)[0].as_py()]
        return self

    def merge(self, other: Pairs) -> Pairs:
        both = Pairs(self.schema)
        both.counts, both.firsts = self.counts.merge(other.counts), self.firsts + other.firsts
        return both


@pytest.fixture(autouse=True, scope="module")
def states_travel(session: Any) -> Iterator[None]:
    """Let workers have the classes of this module, which they cannot import."""
    from pyspark import cloudpickle

    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


def odd_table(rows: int, seed: int) -> pa.Table:
    """Columns whose types, names and gaps differ between systems."""
    rng = np.random.default_rng(seed)
    hours = [datetime(2024, 1, 1 + h // 24, h % 24, tzinfo=UTC) for h in rng.integers(0, 600, rows)]
    days = [date(2023, 12, 20 + int(d)) if d else None for d in rng.integers(0, 9, rows)]
    return pa.table(
        {
            "row": pa.array(range(rows)),
            "a.b": pa.array(rng.integers(0, 3, rows), pa.int16()),
            "x`y": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "utc": pa.array(hours, pa.timestamp("us", "UTC")),
            "naive": pa.array([h.replace(tzinfo=None) for h in hours], pa.timestamp("us")),
            "day": pa.array(days, pa.date32()),
            "money": pa.array([Decimal(int(v)) / 4 for v in rng.integers(0, 5, rows)], pa.decimal128(10, 2)),
            "flag": pa.array(rng.random(rows) < 0.3, mask=rng.random(rows) < 0.05),
            "text": pa.array(rng.choice(["", "a", "b"], rows).tolist()).dictionary_encode(),
            "list": pa.array([[1, 2]] * rows),
        }
    )


def same_audit(local: Any, spark: SparkSource) -> tuple[Pairs, Pairs]:
    """Sketch and count on both engines; assert that levels and integers agree, and return the states."""
    engine, names = LocalEngine(), local.columns
    sketches = [
        one.fold(source, names, TableSketch.empty(source.schema))
        for one, source in ((engine, local), (ENGINE, spark))
    ]
    schemas = [fit_schema(sketch) for sketch in sketches]
    assert list(schemas[0].sizes) == list(schemas[1].sizes)
    assert [f.name for f in schemas[0].features] == [f.name for f in schemas[1].features]
    assert len(schemas[0].features) >= 6
    levels = [[(f.values, list(f.edges)) for f in schema.features] for schema in schemas]
    assert levels[0] == levels[1]
    states = engine.fold(local, names, Pairs(schemas[0])), ENGINE.fold(spark, names, Pairs(schemas[0]))
    assert np.array_equal(states[0].counts.joint, states[1].counts.joint)
    assert states[0].counts.rows == states[1].counts.rows == local.rows == spark.rows
    return states


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_folder_gives_the_integers_and_the_order_of_the_local_engine(
    kind: str, tmp_path: Path, session: Any
) -> None:
    table = odd_table(900, 3)
    if kind == "csv":
        table = table.drop_columns(["list"])
        write_table(table.slice(0, 400), tmp_path / "0.csv")
        write_table(table.slice(400), tmp_path / "1.csv")
    else:
        pq.write_table(table.slice(0, 500), tmp_path / "0.parquet", row_group_size=70)
        pq.write_table(table.slice(500), tmp_path / "1.parquet", row_group_size=70)
    local, spark = open_source(tmp_path), ENGINE.open(str(tmp_path), role="suspect")
    assert spark.kind == "spark"
    assert spark.schema == local.schema
    assert spark.fingerprint() == local.fingerprint()
    _, counted = same_audit(local, spark)
    assert counted.firsts == sorted(counted.firsts)
    assert len(counted.firsts) > 1
    assert spark.table().equals(local.table())


def test_a_frame_gives_the_integers_of_the_local_engine(tmp_path: Path, session: Any) -> None:
    pq.write_table(odd_table(600, 4), tmp_path / "t.parquet", row_group_size=100)
    local = open_source(tmp_path / "t.parquet")
    session.conf.set("spark.sql.session.timeZone", "America/St_Johns")
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "64")
    try:
        frame = session.read.parquet(str(tmp_path / "t.parquet"))
        spark = get_engine(None, frame).open(frame, role="suspect")
        assert (spark.name, spark.kind, spark.columns) == ("Spark DataFrame", "spark", local.columns)
        _, counted = same_audit(local, spark)
        assert counted.firsts == [0]  # small batches of a partition are joined
        assert spark.duplicates(("a.b", "text")) == local.duplicates(("a.b", "text"))
        rows = [value for batch in spark.batches(("row",), size=50) for value in batch.column(0).to_pylist()]
        assert rows == list(range(600))
        only = TableSketch.empty(pa.schema([spark.schema.field("row")]))
        assert LocalEngine().fold(spark, ("row",), only)["row"].rows == 600
    finally:
        session.conf.unset("spark.sql.session.timeZone")
        session.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


class Parts:
    """The first row number that each part was told, in the order of the merges."""

    def __init__(self, starts: tuple[int, ...] = ()) -> None:
        self.starts = starts

    def starting_at(self, row: int) -> Parts:
        return Parts((row,))

    def update(self, batch: pa.RecordBatch) -> Parts:
        return self

    def merge(self, other: Parts) -> Parts:
        return Parts(self.starts + other.starts)


def test_many_parts_are_merged_in_a_tree_and_in_order(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_fold, "FAN_IN", 3)
    source = ENGINE.open(session.range(0, 48, 1, 24))
    starts = ENGINE.fold(source, None, Parts()).starts
    assert starts == tuple(
        k << 40 for k in range(8)
    )  # neighbours are taken together: four parts for each task


def test_partitions_without_rows_give_no_state(session: Any) -> None:
    source = ENGINE.open(session.range(0, 3, 1, 3).filter("id = 1"))
    assert ENGINE.fold(source, None, Parts()).starts == (1 << 40,)


def test_the_digest_of_a_frame_is_of_its_rows_in_any_order(session: Any) -> None:
    frame = session.range(0, 100, 1, 4).selectExpr("id", "id % 3 as third")
    assert ENGINE.open(frame).fingerprint() == ENGINE.open(frame.repartition(3)).fingerprint()


def test_types_that_arrow_lacks_travel_as_bytes(session: Any) -> None:
    frame = session.sql(
        "SELECT 1 AS a, interval 2 year AS b, CAST(NULL AS interval month) AS c, parse_json('[1]') AS d"
    )
    source = ENGINE.open(frame)
    assert [str(kind) for kind in source.schema.types][:3] == ["int32", "binary", "binary"]
    folded = ENGINE.fold(source, None, TableSketch.empty(source.schema))
    assert [folded[name].missing for name in "abcd"] == [0, 0, 1, 0]


def test_tables_come_back_as_frames(session: Any) -> None:
    source = ENGINE.open(session.range(2))
    made = source.like(pa.table({"a": pa.array(["x", None]).dictionary_encode(), "b": [1.5, 2.5]}))
    assert [tuple(row) for row in made.collect()] == [("x", 1.5), (None, 2.5)]


def test_data_in_memory_is_folded_here(session: Any) -> None:
    source = get_engine("spark", pa.table({"a": [1]})).open(pa.table({"a": [1, 2]}))
    assert source.kind == "pyarrow"
    assert ENGINE.fold(source, None, TableSketch.empty(source.schema))["a"].rows == 2


def test_a_url_is_read_by_spark(tmp_path: Path, session: Any) -> None:
    write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "t.csv")
    source = ENGINE.open(f"file://{tmp_path}/t.csv")
    assert (source.kind, source.rows, source.columns) == ("spark", 3, ("a",))


def raising_frame(session: Any) -> Any:
    from pyspark.sql import functions

    @functions.udf("int", useArrow=False)
    def divided(value):  # type: ignore[no-untyped-def]
        return 1 // (value - 60)

    return session.range(0, 100, 1, 4).select("id", divided("id").alias("x"))


def test_a_function_that_raises_on_a_worker_is_one_line(
    session: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    source = ENGINE.open(raising_frame(session))
    message = (
        "Spark DataFrame: Spark could not read it (ZeroDivisionError: integer division or modulo by zero); "
        "mend or drop what fails"
    )
    with pytest.raises(InputError) as caught:
        ENGINE.fold(source, None, Parts())
    assert str(caught.value) == message
    with pytest.raises(InputError, match="ZeroDivisionError"):
        list(source.batches())
    assert capfd.readouterr() == ("", "")


def damaged(folder: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"a": np.arange(50_000)}), folder / f"{name}.parquet", row_group_size=10_000)
    bad = bytearray((folder / "b.parquet").read_bytes())
    bad[100:4_000] = bytes(3_900)
    (folder / "b.parquet").write_bytes(bad)


def test_a_damaged_file_is_one_line(tmp_path: Path, session: Any, capfd: pytest.CaptureFixture[str]) -> None:
    damaged(tmp_path)
    by_path, by_spark = ENGINE.open(tmp_path), ENGINE.open(session.read.parquet(str(tmp_path)))
    with pytest.raises(
        InputError, match=r"^data \(b\.parquet\) cannot be read on a Spark worker \([^\n]*\); every"
    ):
        ENGINE.fold(by_path, None, Parts())
    with pytest.raises(
        InputError, match=r"^Spark DataFrame: Spark could not read it \(/[^\n]*b\.parquet: [^\n]*\);"
    ):
        ENGINE.fold(by_spark, None, Parts())
    assert capfd.readouterr() == ("", "")


def test_what_local_sources_refuse_is_refused(tmp_path: Path, session: Any) -> None:
    from pyspark.sql import functions

    ids = session.range(3)
    with pytest.raises(
        InputError, match=r"^suspect \(Spark DataFrame\) has no rows; give a table with at least one$"
    ):
        open_spark(ids.filter("id > 5"), role="suspect")
    with pytest.raises(InputError, match=r"^suspect \(Spark DataFrame\) has no columns; "):
        open_spark(ids.select(), role="suspect")
    with pytest.raises(InputError, match=r"column name 'id' comes 2 times; rename the others$"):
        open_spark(ids.select("id", functions.col("id")), role="suspect")
    with pytest.raises(
        InputError, match=r"^suspect: no such file or folder: .*gone; give the path of a data file$"
    ):
        open_spark(tmp_path / "gone", session=session, role="suspect")
    with pytest.raises(
        InputError, match=r"^data \(file:///gone\): Spark could not read it \(Path does not exist: "
    ):
        open_spark("file:///gone", session=session)
    with pytest.raises(InputError, match=r"^data: Spark does not read file:///a\.arrow; give Parquet, CSV, "):
        open_spark("file:///a.arrow", session=session)
    with pytest.raises(UsageError, match=r"^Spark DataFrame has no column 'x'; it has 'id'$"):
        ENGINE.fold(ENGINE.open(ids), ("x",), Parts())


STOPPED = """
import sys
from credenza.engines import SparkEngine, get_engine
engine = get_engine("spark", sys.argv[1])
source = engine.open(sys.argv[1])
frame = source.session.range(3)
opened = engine.open(frame)
source.session.stop()
for attempt in (
    lambda: engine.fold(opened, None, None),
    lambda: engine.open(frame),
    lambda: engine.open(sys.argv[1]),
):
    try:
        attempt()
    except ValueError as error:
        print(type(error).__name__, error)
"""


def test_a_session_that_was_stopped_is_one_line(tmp_path: Path, java: None) -> None:
    write_table(pa.table({"a": [1, 2]}), tmp_path / "t.parquet")
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(tmp_path / "t.parquet")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "InputError Spark DataFrame: its Spark session was stopped; start one and open the data again",
        "InputError data: the Spark session of this frame was stopped; start one and make the frame again",
        "UsageError the Spark session that was given was stopped; start another",
    ]
