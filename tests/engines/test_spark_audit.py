"""A whole audit on Spark: the findings of the local engine, of every check, from files and from frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checks.tables import poisoned, population

import credenza

pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


def folder(table: pa.Table, path: Path, parts: int = 3) -> str:
    """The table as a folder of Parquet files."""
    path.mkdir()
    for k, at in enumerate(np.array_split(np.arange(table.num_rows), parts)):
        pq.write_table(table.slice(at[0], len(at)), path / f"{k}.parquet")
    return str(path)


def told(audit: credenza.Audit) -> dict[str, Any]:
    """What an audit found, without what may differ: times, and the last digits of sums of floats."""
    found = audit.to_dict()
    for culprit in found["culprits"]:
        culprit["pearson"] = None
    return {key: found[key] for key in ("verdict", "culprits", "outcomes", "pairs", "features")}


@pytest.fixture(scope="module")
def tables() -> tuple[pa.Table, pa.Table]:
    return poisoned(population(3_000, 5), 0.09), population(3_000, 6)


def test_files_give_the_findings_of_the_local_engine(
    tables: tuple[pa.Table, pa.Table], tmp_path: Path, session: Any
) -> None:
    suspect, reference = folder(tables[0], tmp_path / "suspect"), folder(tables[1], tmp_path / "reference")
    given: dict[str, Any] = {"slices": "clinic", "strata": ["region"]}
    local, spark = (credenza.audit(suspect, reference, engine=e, **given) for e in ("local", "spark"))
    assert spark.result.settings["engine"] == "spark"
    assert spark.result.culprits[0].features == ("smoker", "urban")
    assert told(spark) == told(local)
    np.testing.assert_allclose(spark.weights, local.weights, rtol=1e-9)
    assert [i.sha256 for i in spark.result.inputs] == [i.sha256 for i in local.result.inputs]


def test_a_frame_chooses_spark_and_a_profile_made_there_is_the_same(
    tables: tuple[pa.Table, pa.Table], tmp_path: Path, session: Any
) -> None:
    suspect, reference = (
        t.drop_columns(["clinic", "age"]) for t in (poisoned(population(1_500, 7), 0.1), population(1_500, 8))
    )
    pq.write_table(suspect, tmp_path / "suspect.parquet")
    path = folder(reference, tmp_path / "reference")
    there, here = credenza.profile(path, engine="spark"), credenza.profile(path)
    np.testing.assert_array_equal(there.counts.joint, here.counts.joint)
    assert there.duplicates == here.duplicates
    audit = credenza.audit(session.read.parquet(str(tmp_path / "suspect.parquet")), there)
    assert audit.result.settings["engine"] == "spark"
    assert told(audit) == told(credenza.audit(tmp_path / "suspect.parquet", here))
