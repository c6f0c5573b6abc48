"""Labels and embeddings that cannot be right, on the command line: one line each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
ROWS = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Embeddings and tables whose columns of labels have one class, a class of 3 rows, or nothing but such."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    content = rng.normal(size=(ROWS, 4)).astype(np.float32)
    np.save(folder / "content.npy", content)
    np.save(folder / "longer.npy", np.concatenate([content, content[:1]]))
    content[[3, 7], 1] = np.nan
    np.save(folder / "gaps.npy", content)
    row = np.arange(ROWS)
    table = {
        "size": rng.random(ROWS),
        "kind": np.array(["cat", "dog"])[row % 2],
        "one": np.full(ROWS, "cat"),
        "three": np.where(row < 3, "emu", np.array(["cat", "dog"])[row % 2]),
        "lone": np.where(row < 3, "emu", "cat"),
    }
    pq.write_table(pa.table(table), folder / "rows.parquet")
    return folder


@pytest.mark.parametrize(
    ("labels", "embeddings", "said"),
    [
        (
            "kind",
            "longer.npy",
            "the embeddings have 201 rows and rows.parquet has 200; give one for each row, in the same order",
        ),
        (
            "kind",
            "gaps.npy",
            "the embeddings of 2 rows hold a value that is missing or infinite; fill them in or drop those rows",
        ),
        (
            "one",
            "content.npy",
            "the labels column 'one' of rows.parquet has one class, 'cat'; give two or more",
        ),
        (
            "lone",
            "content.npy",
            "the labels column 'lone' of rows.parquet has 2 classes, of which 1 with 20 rows or more; "
            "two of that size are needed",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line(
    folder: Path, labels: str, embeddings: str, said: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert main(["audit", "rows.parquet", "--labels", labels, "--embeddings", embeddings]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_class_of_three_rows_is_left_out_and_named(folder: Path, capsys: Captured) -> None:
    given = [
        "--labels",
        "three",
        "--embeddings",
        str(folder / "content.npy"),
        "--checks",
        "CZ403,CZ404,CZ405",
    ]
    assert main(["audit", str(folder / "rows.parquet"), *given]) in (0, 3)
    said = " ".join(capsys.readouterr().out.split())
    assert "left out: 'emu' (3 rows: at least 40 are needed)" in said
