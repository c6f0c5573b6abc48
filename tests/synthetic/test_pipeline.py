"""Mixes: the right rows of each kind, shuffled by the seed, judged, and on record to the last hash."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.data import Source, open_source
from credenza.errors import InputError, UsageError
from credenza.provenance.log import read_log
from credenza.synthetic.alignment import aligned
from credenza.synthetic.base import Synthetic
from credenza.synthetic.pipeline import COUNTED, FORCED, REMAINS, UNCHECKED, Validation, mix, write_mix
from credenza.synthetic.proportions import rows_of_each, rows_to_make

SCHEMA = json.loads(files("credenza.provenance").joinpath("lineage.schema.json").read_text("utf-8"))
CLEAN = pa.table({"a": range(100), "b": ["c"] * 100})
MADE = pa.table({"a": range(1_000, 1_060), "b": ["s"] * 60})
COUNTS = st.integers(0, 10_000)


@given(COUNTS, COUNTS, st.none() | st.floats(0, 1), st.none() | st.integers(1, 20_000))
def test_proportions_are_whole_and_near(
    clean: int, synthetic: int, share: float | None, rows: int | None
) -> None:
    try:
        c, s = rows_of_each(clean, synthetic, share, rows)
    except UsageError:
        return
    assert 0 <= c <= clean
    assert 0 <= s <= synthetic
    if rows is not None:
        assert c + s == rows
        wanted = rows * (synthetic / (clean + synthetic) if share is None else share)
        assert abs(s - wanted) <= 0.5 + 1e-6
    elif share is None:
        assert (c, s) == (clean, synthetic)
    elif share < 1:
        assert c == clean
        assert abs(s * (1 - share) - c * share) <= 0.5 + 1e-6


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 1_000))
def test_a_number_of_rows_alone_can_be_had_up_to_all(clean: int, synthetic: int, rows: int) -> None:
    if rows <= clean + synthetic:
        assert sum(rows_of_each(clean, synthetic, None, rows)) == rows
    else:
        with pytest.raises(UsageError):
            rows_of_each(clean, synthetic, None, rows)


def test_all_rows_are_there_once_in_another_order() -> None:
    mixed = mix([CLEAN], [MADE], seed=3)
    assert sorted(mixed.data["a"].to_pylist()) == [*range(100), *range(1_000, 1_060)]
    assert mixed.data["a"].to_pylist() != sorted(mixed.data["a"].to_pylist())
    assert mixed.data.equals(mix([CLEAN], [MADE], seed=3).data)
    assert not mixed.data.equals(mix([CLEAN], [MADE], seed=4).data)
    assert mixed.facts["synthetic_share"] == 60 / 160


def test_drawn_rows_are_distinct_and_of_the_asked_kinds() -> None:
    mixed = mix([CLEAN], [MADE], share=0.25, rows=80, origin="made")
    values = mixed.data["a"].to_pylist()
    assert len(set(values)) == 80
    assert Counter(mixed.data["made"].to_pylist()) == {"clean": 60, "synthetic": 20}
    assert all(
        (value < 100) == (kind == "clean")
        for value, kind in zip(values, mixed.data["made"].to_pylist(), strict=True)
    )


def test_order_tells_nothing_of_the_kind() -> None:
    rng = np.random.default_rng(0)
    clean, made = (pa.table({"a": rng.random(4_000)}) for _ in range(2))
    kinds = mix([clean], [made], origin="o").data["o"].to_pylist()
    halves = [np.mean(np.array(part) == "clean") for part in (kinds[:4_000], kinds[4_000:])]
    assert abs(halves[0] - halves[1]) < 0.05


def test_rows_are_made_for_the_share_or_the_poison() -> None:
    asked: list[tuple[int, int]] = []

    def make(rows: int, seed: int) -> Synthetic:
        asked.append((rows, seed))
        return Synthetic(pa.table({"a": [-1] * rows, "b": ["s"] * rows, "how": ["x"] * rows}), {})

    assert mix([CLEAN], make).rows == 120
    assert mix([CLEAN], make, share=0.5, seed=7).facts["synthetic_rows"] == 100
    mixed = mix([CLEAN], make, poisoned=2)
    assert mixed.facts["poison"]["share"] == 0.01
    assert mix([CLEAN], make, share=0.0).rows == 100
    assert asked == [(20, 0), (100, 7), (100, 0)]
    assert rows_to_make(100, 0.5, 30, None) == 15
    assert rows_to_make(100, None, None, 1) == 0


def test_the_expected_poison_follows_the_clean_rows_that_were_drawn() -> None:
    poison = mix([CLEAN], [MADE], share=0.5, rows=100, poisoned=10, poisoned_by="audit x").facts["poison"]
    assert poison == {"rows_before": 10, "share_before": 0.1, "by": "audit x", "rows": 5.0, "share": 0.05}
    assert mix([CLEAN], [MADE]).facts["poison"] is None


def test_columns_of_origin_go_and_types_meet() -> None:
    made = pa.table({"b": pa.array(["s"]).dictionary_encode(), "a": [0.5], "source": ["synthetic_x"]})
    mixed = mix([CLEAN], [made])
    assert mixed.data.column_names == ["a", "b"]
    assert mixed.data.schema.types == [pa.float64(), pa.string()]
    assert 0.5 in mixed.data["a"].to_pylist()
    kept = aligned([open_source(table) for table in (CLEAN, MADE)])
    assert kept.schema.equals(CLEAN.schema)


def test_texts_of_any_kind_are_mixed() -> None:
    tables = [
        pa.table({"t": pa.array(["a", None], kind), "n": [n, 0]})
        for n, kind in enumerate((pa.string_view(), pa.string(), pa.dictionary(pa.int8(), pa.string())))
    ]
    for first in tables:
        others = [table for table in tables if table is not first]
        assert Counter(mix([first], others).data["t"].to_pylist()) == {"a": 3, None: 3}
    assert mix([tables[0]], [tables[0].slice(0, 1)]).data.schema.equals(tables[0].schema)


def test_what_is_written_is_on_record(tmp_path: Path) -> None:
    pq.write_table(CLEAN, tmp_path / "clean.parquet")
    pq.write_table(MADE, tmp_path / "made.parquet")
    mixed = write_mix(
        [tmp_path / "clean.parquet"], [tmp_path / "made.parquet"], tmp_path / "mix.csv",
        tmp_path / "mix.json", share=0.2, poisoned=4,
    )  # fmt: skip
    record = read_log(tmp_path / "mix.json")[-1].record
    assert record == mixed.record()
    jsonschema.validate(json.loads(record.to_json()), SCHEMA)
    assert [(item.role, item.name, item.rows) for item in record.inputs] == [
        ("clean", "clean.parquet", 100),
        ("synthetic", "made.parquet", 60),
    ]
    (out,) = record.outputs
    assert (out.role, out.rows) == ("mix", 125)
    assert out.sha256 == hashlib.sha256((tmp_path / "mix.csv").read_bytes()).hexdigest()
    assert record.notes == (COUNTED, REMAINS, UNCHECKED)
    again = write_mix(
        [tmp_path / "clean.parquet"], [tmp_path / "made.parquet"], tmp_path / "again.csv",
        tmp_path / "again.json", share=0.2, poisoned=4,
    )  # fmt: skip
    assert again.outputs[0].sha256 == out.sha256


def judge(*faults: str) -> Validation:
    def found(batch: Source) -> Sequence[str]:
        return faults if batch.rows == 60 else ()

    return Validation(found, CLEAN.slice(0, 60), {"tolerance": 0.1})


def test_a_batch_that_fails_is_refused_or_forced_on_record() -> None:
    with pytest.raises(
        InputError,
        match=r"^Arrow table failed validation: CZ601: off and 1 more faults; make better rows, or force them in, "
        r"which is recorded$",
    ):
        mix([CLEAN], [MADE], validation=judge("CZ601: off", "CZ604: wrong"))
    forced = mix([CLEAN], [MADE], validation=judge("CZ601: off"), force=True)
    assert forced.facts["validation"] == {
        "passed": False,
        "forced": True,
        "faults": ["Arrow table: CZ601: off"],
    }
    assert FORCED in forced.notes
    passed = mix([CLEAN], [MADE], validation=judge())
    assert passed.facts["validation"] == {"passed": True, "forced": False, "faults": []}
    assert passed.settings["validation"] == {"tolerance": 0.1}
    assert [item.role for item in passed.inputs] == ["clean", "synthetic", "validation"]
    assert UNCHECKED not in passed.notes


OTHER = pa.table({"a": [1], "c": [2]})


@pytest.mark.parametrize(
    ("synthetic", "options", "message"),
    [
        ([MADE], {"share": 1.5}, "share is a number from 0 to 1; found 1.5"),
        ([MADE], {"share": float("nan")}, "share is a number from 0 to 1; found nan"),
        ([MADE], {"rows": 0}, "rows is a whole number, 1 or more; found 0"),
        (
            [MADE],
            {"share": 0.5},
            "the mix takes 100 synthetic rows and there are 60; make more, or give fewer rows or a smaller share",
        ),
        (
            [MADE],
            {"share": 0.1, "rows": 200},
            "the mix takes 180 clean rows and there are 100; give fewer rows, a larger share, or more clean data",
        ),
        ([], {"share": 1.0}, "the mix has no rows; ask for more, or give rows of the other kind"),
        ([MADE], {"poisoned": 101}, "101 poisoned rows were given, of 100 clean ones; give no more"),
        ([MADE], {"seed": 1.5}, "the seed is a non-negative integer; found 1.5"),
        ([MADE], {"origin": "a"}, "the data has a column 'a'; give the column of origins another name"),
        (
            lambda rows, seed: MADE,
            {"share": 1.0},
            "a share of 1 has no clean rows to go by; give the number of rows as well",
        ),
    ],
)  # fmt: skip
def test_wrong_calls_are_one_line(synthetic: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as found:
        mix([CLEAN], synthetic, **options)
    assert str(found.value) == message


@pytest.mark.parametrize(
    ("synthetic", "message"),
    [
        (
            OTHER,
            "Arrow table has no column 'b' and Arrow table has; give tables of the same columns",
        ),
        (
            CLEAN.append_column("c", CLEAN["a"]),
            "Arrow table has no column 'c' and Arrow table has; give tables of the same columns",
        ),
        (
            pa.table({"a": ["x"], "b": ["y"]}),
            "column 'a' is string in Arrow table and int64 in Arrow table; give the same kind of values",
        ),
        (
            CLEAN,
            "Arrow table (synthetic) has the content of Arrow table (clean); give each table once",
        ),
    ],
)
def test_tables_that_do_not_go_together_are_one_line(synthetic: pa.Table, message: str) -> None:
    with pytest.raises(InputError) as found:
        mix([CLEAN], [synthetic])
    assert str(found.value) == message


def test_no_clean_data_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^no clean data was given; give at least one table$"):
        mix([], [MADE])
