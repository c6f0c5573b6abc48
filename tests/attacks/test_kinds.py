"""The same attack on every kind of data: same rows edited, and what comes in as a kind goes out as it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from credenza.attacks import AssociativePoisoning, ContinuousPoisoning
from credenza.data import open_source, write_table

RNG = np.random.default_rng(0)
MALE = RNG.random(1200) < 0.5
TABLE = pa.table(
    {
        "male": MALE,
        "health": np.array(["fair", "good", "poor"])[RNG.integers(0, 3, 1200)],
        "visits": RNG.poisson(3, 1200) + MALE,
        "expense": pa.array(RNG.exponential(50, 1200).round(2), mask=RNG.random(1200) < 0.1),
    }
)
CLEAN, SPARE = TABLE.slice(0, 800), TABLE.slice(800)

KINDS: dict[str, tuple[Callable[[pa.Table], Any], type]] = {
    "arrow": (lambda table: table, pa.Table),
    "pandas": (lambda table: table.to_pandas(), pd.DataFrame),
    "polars": (pl.from_arrow, pl.DataFrame),
    "duckdb": (duckdb.from_arrow, duckdb.DuckDBPyRelation),
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    attack = AssociativePoisoning(("male", "health"), levels=(True, "good"), strength=0.04)
    poisoned = attack.apply(CLEAN, holdout=SPARE, seed=1)
    return {"attack": attack, "rows": poisoned.key.rows, "data": poisoned.data.to_pylist()}


def rows(data: Any) -> list[dict[str, Any]]:
    return open_source(data).table().to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_frames(kind: str, expected: dict[str, Any]) -> None:
    make, type_ = KINDS[kind]
    poisoned = expected["attack"].apply(make(CLEAN), holdout=make(SPARE), seed=1)
    assert isinstance(poisoned.data, type_)
    assert poisoned.key.rows == expected["rows"]
    assert rows(poisoned.data) == expected["data"]
    again = ContinuousPoisoning(("visits", "expense"), edits=0.2).apply(make(CLEAN), seed=1)
    assert isinstance(again.data, type_)
    twin = ContinuousPoisoning(("visits", "expense"), edits=0.2).apply(CLEAN, seed=1)
    assert rows(again.data) == twin.data.to_pylist()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow"])
def test_files(suffix: str, tmp_path: Path, expected: dict[str, Any]) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("clean", "spare")]
    for path, table in zip(paths, (CLEAN, SPARE), strict=True):
        write_table(table, path)
    poisoned = expected["attack"].apply(paths[0], holdout=str(paths[1]), seed=1)
    assert isinstance(poisoned.data, pa.Table)
    assert poisoned.key.rows == expected["rows"]
    assert poisoned.data.to_pylist() == expected["data"]


def test_mixed_kinds_and_types_that_agree_in_meaning(expected: dict[str, Any]) -> None:
    spare = SPARE.set_column(2, "visits", SPARE["visits"].cast(pa.int16()))
    spare = spare.set_column(1, "health", spare["health"].combine_chunks().dictionary_encode())
    poisoned = expected["attack"].apply(CLEAN.to_pandas(), holdout=spare, seed=1)
    assert isinstance(poisoned.data, pd.DataFrame)
    assert poisoned.data.to_dict("records")[0].keys() == expected["data"][0].keys()
    assert poisoned.key.rows == expected["rows"]


def test_string_views() -> None:
    table = pa.table({"x": pa.array(["a", "b"] * 50, pa.string_view()), "y": [0, 0, 1, 1] * 25})
    poisoned = AssociativePoisoning(("y", "x"), strength=0.1, mode="relabel").apply(table, seed=0)
    copied = AssociativePoisoning(("y", "x"), strength=0.1, mode="duplicate").apply(table, seed=0)
    for made in (poisoned, copied):
        assert made.data.schema == table.schema
        assert made.key.moves[0].after["joint"] == [[0.35, 0.15], [0.15, 0.35]]


def test_pandas_categories_survive_and_rows_keep_their_order() -> None:
    frame = CLEAN.to_pandas().astype({"health": "category"})
    frame.index = pd.Index([f"p{row}" for row in range(len(frame))], name="person")
    attack = AssociativePoisoning(("male", "health"), levels=(True, "good"), strength=0.04, mode="relabel")
    poisoned = attack.apply(frame, seed=1).data
    assert poisoned["health"].dtype == frame["health"].dtype
    assert (poisoned["health"].to_numpy() != frame["health"].to_numpy()).sum() == 64
