"""Rows of fitted generators: like the reference, in its types, on record, and honest about privacy."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mixed_tables import associations, binary_table, mixed_table

from credenza.data import write_table
from credenza.errors import InputError, UsageError
from credenza.provenance.log import read_log
from credenza.synthetic.tabular import READ_LEVELS, REPEATABLE, TRUSTED, tabular_rows, write_tabular

SCHEMA = json.loads(files("credenza.provenance").joinpath("lineage.schema.json").read_text("utf-8"))
REFERENCE = binary_table(2_000)


@pytest.mark.parametrize("generator", ["chow-liu", "copula"])
def test_rows_are_like_the_reference(generator: str) -> None:
    made = tabular_rows(REFERENCE, 5_000, generator=generator, seed=1)
    assert np.abs(associations(made.data, REFERENCE) - associations(REFERENCE, REFERENCE)).mean() < 0.04
    assert made.settings["generator"] == generator
    assert made.privacy is None


def test_rows_by_class_say_which_values_share_a_part() -> None:
    kinds = pa.array(["a"] * 1_000 + ["b"] * 980 + ["c"] * 20)
    made = tabular_rows(REFERENCE.append_column("kind", kinds), 100, by="kind", seed=1)
    assert made.settings["by"] == "kind"
    assert made.notes[-1].startswith("2 values of 'kind' share one generator, ")
    assert tabular_rows(REFERENCE, 10, by="c0").notes == (TRUSTED,)


def test_the_diffusion_model_is_one_of_them() -> None:
    pytest.importorskip("torch")
    small = {"steps": 20, "width": 8, "batch": 32, "device": "cpu"}
    made = tabular_rows(REFERENCE, 40, generator="diffusion", settings=small)
    assert made.data.schema.equals(REFERENCE.schema)
    assert made.settings["steps"] == 20


def test_the_seed_decides_and_columns_are_chosen() -> None:
    table = mixed_table(200)
    options: dict[str, Any] = {"columns": ["city", "rent"], "seed": 5}
    first, second = (tabular_rows(table, 30, **options) for _ in range(2))
    assert first.data.equals(second.data)
    assert first.data.column_names == ["city", "rent"]
    assert not first.data.equals(tabular_rows(table, 30, columns=["city", "rent"], seed=6).data)


def test_what_is_written_is_on_record(tmp_path: Path) -> None:
    pq.write_table(mixed_table(300), tmp_path / "ref.parquet")
    made = write_tabular(
        tmp_path / "ref.parquet", 50, tmp_path / "made.csv", lineage=tmp_path / "log.jsonl", epsilon=2.0
    )
    record = read_log(tmp_path / "log.jsonl")[-1].record
    assert record == made.record()
    jsonschema.validate(json.loads(record.to_json()), SCHEMA)
    (reference,), (out,) = record.inputs, record.outputs
    assert (reference.role, reference.name, reference.rows) == ("reference", "ref.parquet", 300)
    assert (out.name, out.rows, out.columns) == ("made.csv", 50, 8)
    assert out.sha256 == hashlib.sha256((tmp_path / "made.csv").read_bytes()).hexdigest()
    assert record.facts["privacy"]["epsilon"] == 2.0
    assert record.settings["epsilon"] == 2.0
    assert READ_LEVELS in record.notes
    assert "noise_seed" not in record.settings


def test_privacy_with_a_public_table_says_less(tmp_path: Path) -> None:
    made = tabular_rows(REFERENCE, 20, epsilon=1.0, public=REFERENCE.slice(0, 60))
    assert READ_LEVELS not in made.notes
    assert [item.role for item in made.inputs] == ["reference", "public"]
    assert made.privacy is not None
    assert made.privacy["taken_as_public"].endswith("from a public table")
    assert REPEATABLE in tabular_rows(REFERENCE, 5, epsilon=1.0, settings={"noise_seed": 3}).notes


def test_private_rows_differ_from_fit_to_fit() -> None:
    first, second = (tabular_rows(REFERENCE, 200, epsilon=0.05, seed=0) for _ in range(2))
    assert not first.data.equals(second.data)


def test_the_diffusion_model_is_fitted_privately_too() -> None:
    pytest.importorskip("opacus")
    own = {"steps": 3, "batch": 40, "width": 4, "accountant": "rdp"}
    made = tabular_rows(REFERENCE, 20, generator="diffusion", epsilon=1.0, delta=1e-5, settings=own)
    assert made.data.schema.equals(REFERENCE.schema)
    assert made.privacy is not None
    assert made.privacy["questions"][0]["mechanism"] == "Poisson-sampled Gaussian"
    jsonschema.validate(json.loads(made.record().to_json()), SCHEMA)
    with pytest.raises(UsageError, match=r"^the noise of a network's training has a delta above 0"):
        tabular_rows(REFERENCE, 20, generator="diffusion", epsilon=1.0, settings=own)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0}, "rows is a whole number, 1 or more; found 0"),
        ({"seed": -1}, "the seed is a non-negative integer; found -1"),
        ({"generator": "gan"}, "no generator 'gan'; choose from chow-liu, copula, diffusion"),
        (
            {"generator": "copula", "epsilon": 1.0},
            "epsilon is for the generators chow-liu and diffusion; copula has no privacy",
        ),
        ({"delta": 0.1}, "public and delta are for privacy: give epsilon as well"),
        ({"public": REFERENCE}, "public and delta are for privacy: give epsilon as well"),
        ({"epsilon": -1.0}, "epsilon is a number above 0; found -1.0"),
        (
            {"settings": {"depth": 2}},
            "chow-liu has no setting 'depth'; choose from bins, min_share, smoothing",
        ),
        ({"settings": {"bins": "x"}}, "bins is a whole number, 16 by default; found 'x'"),
        ({"settings": {"bins": 2.5}}, "bins is a whole number, 16 by default; found 2.5"),
        ({"settings": {"smoothing": True}}, "smoothing is a number, 1 by default; found True"),
        ({"epsilon": 1.0, "settings": {"noise_seed": "x"}}, "noise_seed is a whole number; found 'x'"),
        (
            {"suspect": REFERENCE},
            "the reference is the suspect itself: rows made of it carry its poison and dilute nothing; "
            "fit to trusted rows",
        ),
    ],
)
def test_wrong_calls_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as found:
        tabular_rows(REFERENCE, options.pop("rows", 10), **options)
    assert str(found.value) == message


def test_a_short_reference_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the reference has 49 rows; a generator is fitted to 50 or more$"):
        tabular_rows(REFERENCE.slice(0, 49), 10)
    assert tabular_rows(REFERENCE.slice(0, 50), 10).rows == 10
    write_table(pa.table({"text": [f"row {i}" for i in range(60)], "a": [1, 2] * 30}), tmp_path / "t.csv")
    with pytest.raises(
        InputError, match=r"^column 'text' cannot be generated \(identifier .*; leave it out$"
    ):
        tabular_rows(tmp_path / "t.csv", 10)


def test_what_could_not_be_written_is_refused_before_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown format '\.doc'"):
        write_tabular(REFERENCE, 10, tmp_path / "x.doc")
    with pytest.raises(
        UsageError, match=r"^cannot write the log .*log.jsonl: no folder .*; create it first$"
    ):
        write_tabular(REFERENCE, 10, tmp_path / "x.csv", lineage=tmp_path / "none" / "log.jsonl")
    (tmp_path / "log.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"^line 1 of the log .* is cut off"):
        write_tabular(REFERENCE, 10, tmp_path / "x.csv", lineage=tmp_path / "log.jsonl")
    assert not (tmp_path / "x.csv").exists()
