"""Repair of a folder of images: weights are never dropped without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data.media_folders import make_folder

import credenza
from credenza.data import open_source, write_table
from credenza.errors import UsageError
from credenza.report.repairing import plan_repair, repair_file

HAT_AND_SMILE = [(0, 0)] * 70 + [(0, 1)] * 10 + [(1, 0)] * 10 + [(1, 1)] * 70


def folder(root: Path) -> Path:
    """Images described by a metadata file, in which hats and smiles go together."""
    names = [f"{k:03d}.png" for k in range(len(HAT_AND_SMILE))]
    made = make_folder(root, *names)
    hat, smile = np.array(HAT_AND_SMILE).T
    write_table(pa.table({"file_name": names, "hat": hat, "smile": smile}), made / "metadata.csv")
    return made


def test_weights_of_images_go_into_a_table_and_nowhere_else(tmp_path: Path) -> None:
    bad = folder(tmp_path / "bad")
    policy = tmp_path / "policy.toml"
    policy.write_text('[[pair]]\nfeatures = ["hat", "smile"]\nexpect = "independent"\n', encoding="utf-8")
    found = credenza.audit(bad, policy=policy, columns=["hat", "smile"], checks=["CZ206"])
    course = plan_repair(bad, found, method="reweight", target="policy", policy=policy)
    ledger = tmp_path / "ledger.parquet"
    with pytest.raises(UsageError, match="a folder of images has no place for column 'weight'; give a table"):
        repair_file(course, tmp_path / "new", ledger)
    assert not (tmp_path / "new").exists()
    assert not ledger.exists()
    repair_file(course, tmp_path / "new.parquet", ledger)
    weights = pq.read_table(tmp_path / "new.parquet")["weight"].to_numpy()
    assert weights.mean() == pytest.approx(1.0)
    assert pq.read_metadata(ledger).num_rows == len(weights)


def test_drawn_and_edited_images_come_out_as_a_folder(tmp_path: Path) -> None:
    bad = folder(tmp_path / "bad")
    policy = tmp_path / "policy.toml"
    policy.write_text('[[pair]]\nfeatures = ["hat", "smile"]\nexpect = "independent"\n', encoding="utf-8")
    found = credenza.audit(bad, policy=policy, columns=["hat", "smile"], checks=["CZ206"])
    course = plan_repair(bad, found, method="relabel", target="policy", policy=policy, rows="random")
    done = repair_file(course, tmp_path / "new", tmp_path / "ledger.parquet")
    again = open_source(tmp_path / "new").table(["hat", "smile"])
    hat, smile = (again[name].to_numpy() for name in ("hat", "smile"))
    assert abs(np.corrcoef(hat, smile)[0, 1]) <= 0.05
    assert done.summary["edits"] == course.treatment.summary["edits"] > 40
