"""Embeddings made on the command line: from images with a trigger to an alarm, and what is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from models.embedding.embedding_worlds import image_table, png, stamped, stripes
from models.embedding.test_foreign import Means
from models.embedding.test_model_files import script

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
PLANTED = 30


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Images of two classes; a patch turns some of one into the other."""
    images, labels = stripes(300, 7)
    planted = np.flatnonzero(labels == 1)[:PLANTED]
    images[planted], labels[planted] = stamped(images[planted]), 0
    path = tmp_path_factory.mktemp("images") / "poisoned.parquet"
    pq.write_table(image_table(images, labels), path)
    return path, planted


def test_a_trigger_in_images_is_an_alarm(poisoned: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, planted = poisoned
    rows, report, cache = tmp_path / "rows.parquet", tmp_path / "audit.json", tmp_path / "cache"
    command = ["audit", str(path), "--labels", "kind", "--embed", "images", "--cache", str(cache)]
    command += ["--checks", "CZ402,CZ403,CZ404,CZ405", "--quiet", "--rows", str(rows), "--json", str(report)]
    assert main(command) == 1
    scores, kinds = pq.read_table(rows), np.array(pq.read_table(path)["kind"])
    others = np.setdiff1d(np.flatnonzero(kinds == "upright"), planted)
    for code in ("CZ403", "CZ404", "CZ405"):
        found = scores[code].to_numpy()
        assert (found[planted][:, None] > found[others]).mean() > 0.9, code
    said = json.loads(report.read_text())
    given = {item["role"]: item for item in said["inputs"]}
    assert given["embeddings"]["columns"] == 64
    assert given["losses"]["columns"] == 10
    assert said["settings"]["embed"] == "images"
    before = rows.read_bytes()
    assert main(command) == 1  # from the cache
    assert rows.read_bytes() == before


def test_an_unreadable_image_in_a_folder_gives_status_3(tmp_path: Path, capsys: Captured) -> None:
    images, labels = stripes(80, 0)
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / "data" / ("upright", "level")[label] / f"{k:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image) if k != 8 else b"\x89PNG cut")
    size = [{"file_name": p.relative_to(tmp_path / "data").as_posix(), "size": p.stat().st_size % 7, "odd": k % 2}
            for k, p in enumerate(sorted((tmp_path / "data").rglob("*.png")))]  # fmt: skip
    (tmp_path / "data" / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in size))
    model = str(script(tmp_path / "means.pt", Means()))
    command = ["audit", str(tmp_path / "data"), "--labels", "label", "--embed", model, "--checks", "CZ404"]
    assert main(command) == 3
    err = capsys.readouterr().err
    assert (
        "not checked: CZ004 failed: 1 of 80 images could not be read and were not checked (image 'upright/08.png'"
        in err
    )
    assert main([*command, "--skip-unreadable", "--quiet"]) == 0
    assert main([*command, "--skip-unreadable", "--quiet", "--fail-on", "notice"]) == 1


def test_images_and_labels_alone_are_enough(tmp_path: Path, capsys: Captured) -> None:
    table = image_table(*stripes(80, 0)).select(["image", "kind"])
    pq.write_table(table, tmp_path / "data.parquet")
    model = str(script(tmp_path / "means.pt", Means()))
    report = tmp_path / "audit.json"
    command = ["audit", str(tmp_path / "data.parquet"), "--labels", "kind", "--embed", model]
    assert main([*command, "--checks", "CZ002,CZ004,CZ404", "--json", str(report)]) == 3
    assert "not checked: CZ002 skipped: " in capsys.readouterr().err
    statuses = {item["code"]: item["status"] for item in json.loads(report.read_text())["outcomes"]}
    assert statuses == {"CZ002": "skipped", "CZ004": "clear", "CZ404": "clear"}
    assert main([*command, "--quiet", "--checks", "CZ404"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--embed", "images"),
            "are learnt from their labels: give --labels COL, or the path of a model (--embed MODEL)",
        ),
        (
            ("--embed", "net.pt"),
            "holds pickled objects, which run code when they are read; export the model as",
        ),
        (
            ("--embed", "absent.pt"),
            "there is no such file or folder; give auto, images, text, table or a path",
        ),
        (("--embed", "text"), "no column of text was found to be the contents ("),
        (
            ("--embed-column", "image"),
            "--embed-column says how embeddings are made, and none are: give --embed auto too",
        ),
        (("--cache", "x"), "--cache says how embeddings are made, and none are"),
        (("--skip-unreadable",), "--skip-unreadable says how embeddings are made, and none are"),
        (
            ("--embed", "table", "--embeddings", "e.npy"),
            "--embed makes the embeddings, and --embeddings gives them",
        ),
        (
            ("--embed", "table", "--cache", "absent/x"),
            "--cache names 'absent/x', and there is no folder absent",
        ),
    ],
)
def test_bad_input_is_one_line(
    options: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    images, labels = stripes(4, 0)
    table = image_table(images, labels).drop_columns(["kind"])
    pq.write_table(table.append_column("b", pa.array([0, 1, 1, 0])), "data.parquet")
    Path("net.pt").write_bytes(pickle.dumps({"weight": 1}))
    assert main(["audit", "data.parquet", *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.splitlines()[-1].startswith("credenza: error: ")
