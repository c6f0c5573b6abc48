"""Gaussian copula: marginals and pair associations are kept, exclusive and mixed columns included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mixed_tables import associations, binary_table, mixed_table

from credenza.errors import UsageError
from credenza.models.tabular import GaussianCopula


def test_binary_associations_and_marginals_are_kept() -> None:
    table = binary_table(8_000)
    made = GaussianCopula().fit(table, seed=0).sample(30_000, seed=1)
    assert np.abs(associations(made, table) - associations(table, table)).max() < 0.03
    for name in table.column_names:
        assert abs(np.mean(made[name].to_numpy()) - np.mean(table[name].to_numpy())) < 0.015


def test_exclusive_columns_hardly_meet() -> None:
    colour = np.random.default_rng(0).choice(5, 6_000, p=[0.1, 0.1, 0.1, 0.1, 0.6])
    table = pa.table({f"is_{k}": colour == k for k in range(4)})
    made = GaussianCopula().fit(table, seed=0).sample(20_000, seed=1)
    assert np.abs(associations(made, table) - associations(table, table)).max() < 0.06


def test_mixed_columns_keep_their_associations() -> None:
    table = mixed_table(4_000)
    made = GaussianCopula().fit(table, seed=0).sample(8_000, seed=1)
    assert made.schema.equals(table.schema)
    wanted, found = associations(table, table), associations(made, table)
    assert np.abs(found - wanted).mean() < 0.25 * np.abs(wanted).mean()
    assert abs(made["rent"].null_count / 8_000 - table["rent"].null_count / 4_000) < 0.02


def test_numbers_keep_their_distribution_and_correlation() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4_000)
    table = pa.table({"x": np.exp(x), "y": (3 * x + 3 * rng.normal(size=4_000)).round().astype(int)})
    made = GaussianCopula().fit(table, seed=0).sample(20_000, seed=1)
    ranks = [np.argsort(np.argsort(one["x"].to_numpy())) for one in (table, made)]
    wanted, found = (
        np.corrcoef(rank, one["y"].to_numpy())[0, 1] for rank, one in zip(ranks, (table, made), strict=True)
    )
    assert abs(wanted - found) < 0.03
    quantiles = np.linspace(0.05, 0.95, 10)
    before, after = (np.quantile(np.log(one["x"].to_numpy()), quantiles) for one in (table, made))
    assert np.abs(before - after).max() < 0.08


def test_the_seed_decides_and_a_saved_model_samples_the_same(tmp_path: Path) -> None:
    model = GaussianCopula(bins=5, min_share=0.02).fit(mixed_table(300), seed=0)
    model.save(tmp_path / "m")
    again = GaussianCopula.load(tmp_path / "m")
    assert (again.bins, again.min_share) == (5, 0.02)
    assert again.sample(70_000, seed=3).equals(model.sample(70_000, seed=3))
    assert not again.sample(50, seed=3).equals(model.sample(50, seed=4))


def test_small_and_flat_tables_work() -> None:
    made = GaussianCopula().fit(pa.table({"a": [1, 1], "b": [None, 0.5]}), seed=0).sample(40, seed=0)
    assert set(made["a"].to_pylist()) == {1}
    assert set(made["b"].to_pylist()) == {None, 0.5}
    flat = GaussianCopula().fit(pa.table({"a": [1, 1]}), seed=0).sample(3, seed=0)
    assert flat.to_pydict() == {"a": [1, 1, 1]}


def test_bad_calls_are_one_line() -> None:
    with pytest.raises(
        UsageError, match=r"^this copula model cannot sample before it is fitted; call fit first$"
    ):
        GaussianCopula().sample(1, seed=0)
    with pytest.raises(UsageError, match=r"^bins is 99; give 2 to 60$"):
        GaussianCopula(bins=99).fit(pa.table({"a": [1, 2]}), seed=0)
