"""Chow-Liu: pairs along the tree and all marginals are kept, by seed, through a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mixed_tables import associations, binary_table, mixed_table

from credenza.errors import InputError, UsageError
from credenza.models.tabular import ChowLiu, GaussianCopula


def test_associations_along_the_tree_and_marginals_are_kept() -> None:
    table = binary_table(8_000)
    made = ChowLiu().fit(table, seed=0).sample(30_000, seed=1)
    assert np.abs(associations(made, table) - associations(table, table)).max() < 0.03
    for name in table.column_names:
        assert abs(np.mean(made[name].to_numpy()) - np.mean(table[name].to_numpy())) < 0.015


def test_mixed_columns_are_better_kept_than_by_independent_draws() -> None:
    table = mixed_table(4_000)
    model = ChowLiu(bins=6).fit(table, seed=0)
    made = model.sample(8_000, seed=1)
    assert made.schema.equals(table.schema)
    wanted, found = associations(table, table), associations(made, table)
    assert np.abs(found - wanted).mean() < 0.5 * np.abs(wanted).mean()
    assert abs(made["rent"].null_count / 8_000 - table["rent"].null_count / 4_000) < 0.02
    assert set(made["rent"].to_pylist()) <= set(table["rent"].to_pylist())


def test_the_seed_decides() -> None:
    model = ChowLiu().fit(mixed_table(200), seed=0)
    assert model.sample(50, seed=1).equals(model.sample(50, seed=1))
    assert not model.sample(50, seed=1).equals(model.sample(50, seed=2))
    assert ChowLiu().fit(mixed_table(200), seed=5).sample(50, seed=1).equals(model.sample(50, seed=1))


def test_a_saved_model_samples_the_same(tmp_path: Path) -> None:
    model = ChowLiu(bins=4, smoothing=0.5).fit(mixed_table(200), seed=0)
    model.save(tmp_path / "m")
    again = ChowLiu.load(tmp_path / "m")
    assert (again.bins, again.smoothing, again.min_share) == (4, 0.5, 0.001)
    assert again.sample(80, seed=3).equals(model.sample(80, seed=3))


def test_columns_without_levels_are_kept() -> None:
    made = ChowLiu().fit(pa.table({"a": ["x", "x"], "b": pa.nulls(2)}), seed=0).sample(5, seed=0)
    assert made.to_pydict() == {"a": ["x"] * 5, "b": [None] * 5}


def test_a_model_of_another_kind_is_one_line(tmp_path: Path) -> None:
    ChowLiu().fit(pa.table({"a": [1, 2]}), seed=0).save(tmp_path / "m")
    with pytest.raises(InputError, match=r"holds a model of kind 'chow-liu'; a 'copula' is needed$"):
        GaussianCopula.load(tmp_path / "m")


def test_bad_calls_are_one_line() -> None:
    with pytest.raises(UsageError, match=r"^smoothing is a number of pseudo-rows, 0 or more; found -1$"):
        ChowLiu(smoothing=-1)
    with pytest.raises(
        UsageError, match=r"^this chow-liu model cannot sample before it is fitted; call fit first$"
    ):
        ChowLiu().sample(1, seed=0)
    with pytest.raises(UsageError, match=r"^the seed is a non-negative integer; found -1$"):
        ChowLiu().fit(pa.table({"a": [1, 2]}), seed=-1)
