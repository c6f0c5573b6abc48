"""Labels, embeddings and losses on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from checks.samples.worlds import blobs, flipped, labelled

from credenza.cli import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    content, codes = blobs(800, 1)
    np.save(folder / "x.npy", content.astype(np.float32))
    np.save(folder / "short.npy", content[:700])
    np.save(folder / "gaps.npy", np.where(content > 7, np.nan, content))
    np.save(folder / "losses.npy", np.exp(np.random.default_rng(0).normal(size=(800, 3))))
    pq.write_table(labelled(flipped(codes, 0.12, 1)), folder / "wrong.parquet")
    pq.write_table(labelled(np.where(codes < 4, 1, 0)), folder / "one.parquet")
    return folder


def test_wrong_labels_are_an_alarm_and_rows_have_scores(files: Path, tmp_path: Path) -> None:
    pytest.importorskip("cleanlab", reason="confident learning is cleanlab's")
    rows = tmp_path / "rows.parquet"
    given = ["--labels", "kind", "--embeddings", str(files / "x.npy"), "--losses", str(files / "losses.npy")]
    command = ["audit", str(files / "wrong.parquet"), *given, "--checks", "CZ003,CZ401,CZ402", "--quiet"]
    assert main([*command, "--rows", str(rows)]) == 1
    table = pq.read_table(rows)
    assert table.column_names == ["row", "CZ003", "CZ401", "CZ402", "combined", "agreement"]
    assert table.num_rows == 800


def test_labels_without_embeddings_are_said_not_to_be_checked(files: Path, capsys: Captured) -> None:
    given = ["--labels", "kind", "--losses", str(files / "losses.npy"), "--checks", "CZ401"]
    assert main(["audit", str(files / "wrong.parquet"), *given]) == 3
    assert "CZ401 not applicable: needs embeddings of the rows (--embeddings)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("wrong", ("--labels", "kind", "--embeddings", "short.npy"), "the embeddings have 700 rows and "),
        (
            "wrong",
            ("--embeddings", "gaps.npy"),
            " rows hold a value that is missing or infinite; fill them in",
        ),
        ("wrong", ("--embeddings", "absent.npy"), "cannot be read; give the path of a .npy file of numbers"),
        ("one", ("--labels", "kind"), "has one class, 'bee'; give two or more"),
        ("wrong", ("--labels", "kin"), "--labels names 'kin', which "),
        (
            "wrong",
            ("--reference-embeddings", "x.npy"),
            "--reference-embeddings belong to a reference's rows, and there is none: give --reference",
        ),
    ],
)
def test_bad_input_is_one_line(
    files: Path, table: str, options: tuple[str, ...], message: str, capsys: Captured
) -> None:
    given = [str(files / option) if option.endswith(".npy") else option for option in options]
    assert main(["audit", str(files / f"{table}.parquet"), *given]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
