from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credenza.cli import main

Captured = pytest.CaptureFixture[str]
KINDS = np.array(["cat", "dog", "fox"])
ROWS = 600


def predictions(fall: int = 0) -> pa.Table:
    rng = np.random.default_rng(7)
    truth = np.repeat(KINDS, ROWS // 3)
    predicted = np.where(rng.random(ROWS) < 0.9, truth, rng.choice(KINDS, ROWS))
    predicted[np.flatnonzero((truth == "cat") & (predicted == "cat"))[:fall]] = "fox"
    chances = {f"probability_{kind}": np.where(predicted == kind, 0.8, 0.1) for kind in KINDS}
    return pa.table({"kind": truth, "predicted": predicted, "site": rng.choice(["A", "B"], ROWS), **chances})


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    pq.write_table(predictions(), "old.parquet")
    pq.write_table(predictions(30), "new.parquet")
    pq.write_table(predictions()[:50], "short.parquet")
    pq.write_table(predictions().drop_columns(["kind"]), "bare.parquet")
    odd = predictions().set_column(1, "predicted", [["cow"] * ROWS])
    pq.write_table(odd, "other.parquet")
    wild = predictions().set_column(3, "probability_cat", [np.full(ROWS, 1.2)])
    pq.write_table(wild, "wild.parquet")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_a_jump_is_status_1_and_json_says_where(files: Path, capsys: Captured) -> None:
    command = ["compare", "old.parquet", "new.parquet", "--labels", "kind", "--slices", "site"]
    assert main([*command, "--json", "-", "--html", "page.html"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["verdict"]) == ("credenza.audit/1", "flagged")
    assert found["outcomes"][0]["findings"][0]["subject"] == ["cat", "old -> new"]
    assert [given["role"] for given in found["inputs"]] == ["checkpoint 1", "checkpoint 2"]
    assert 'class="courses"' in Path("page.html").read_text(encoding="utf-8")


def test_no_jump_is_status_0(files: Path, capsys: Captured) -> None:
    assert main(["compare", "old.parquet", "old.parquet", "--labels", "kind"]) == 0
    assert "CLEAR  No jump found." in capsys.readouterr().out


def test_a_notice_is_status_1_where_that_is_asked_for(files: Path) -> None:
    command = ["compare", "new.parquet", "old.parquet", "--labels", "kind"]
    assert main([*command, "--quiet"]) == 0  # a class that gains is no alarm; the whole rose by five points
    assert main([*command, "--quiet", "--fail-on", "notice"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["old.parquet"], "found 1 checkpoint: give two or more, in order of time"),
        (
            ["old.parquet", "short.parquet"],
            "short.parquet has 50 rows and old.parquet has 600: give predictions",
        ),
        (
            ["old.parquet", "other.parquet"],
            "other predicts the class 'cow', which no test row has: the true classes",
        ),
        (["bare.parquet", "old.parquet"], "the true classes are missing: bare.parquet has no column 'kind'"),
        (
            ["old.parquet", "empty", "--data", "old.parquet"],
            "empty holds no model.json; give a folder that a model",
        ),
        (
            ["old.parquet", "empty"],
            "a model is run on test images: give them with --data, and their classes with",
        ),
        (["old.parquet", "nowhere.parquet"], "nowhere.parquet"),
        (
            ["old.parquet", "wild.parquet"],
            "wild.parquet has probabilities out of range in 600 rows (such as 1.2)",
        ),
        (["old.parquet", "new.parquet", "--pairs", "kind"], "--pairs takes two names with a comma between"),
        (["old.parquet", "new.parquet", "--json", "old.parquet"], "--json would overwrite an input"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    files: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    assert main(["compare", *arguments, "--labels", "kind"]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_too_few_rows_to_test_is_no_crash(files: Path, capsys: Captured) -> None:
    pq.write_table(predictions().take([0, 250, 450]), "three.parquet")
    assert main(["compare", "three.parquet", "three.parquet", "--labels", "kind"]) == 3
    assert "not checked: CZ801 skipped: no class has 20 test rows" in capsys.readouterr().err


def test_saved_networks_are_run_on_images(files: Path, capsys: Captured) -> None:
    pytest.importorskip("torch")
    images = pytest.importorskip("PIL.Image")
    import io

    from credenza.models.embedding.network import LabelNetwork

    bright = np.arange(80) % 2
    pixels = np.full((80, 8, 8, 3), 50, np.uint8) + (150 * bright).astype(np.uint8)[:, None, None, None]
    rows = []
    for picture in pixels:
        file = io.BytesIO()
        images.fromarray(picture).save(file, "PNG")
        rows.append(file.getvalue())
    pq.write_table(pa.table({"image": rows, "kind": np.array(["dark", "light"])[bright]}), "test.parquet")
    small = {"width": 4, "depth": 8, "batch": 16, "epochs": 6, "rate": 0.01, "device": "cpu"}
    LabelNetwork(**small).fit(pixels, bright, seed=0).save("good")
    LabelNetwork(**small).fit(pixels, 1 - bright, seed=0).save("swapped")
    command = ["compare", "good", "good", "--data", "test.parquet", "--labels", "kind"]
    assert main([*command, "--quiet"]) == 0
    assert main(["compare", "good", "swapped", "--data", "test.parquet", "--labels", "kind"]) == 0
    assert "accuracy of all 80 rows fell from 100.0% to 0.0%" in " ".join(capsys.readouterr().out.split())
    assert main(["compare", "good", "good", "--data", "old.parquet", "--labels", "kind"]) == 2
    assert "which column holds the images?" in capsys.readouterr().err
