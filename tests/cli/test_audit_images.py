"""Images with classes on the command line: CZ501, CZ502 and CZ503 say what they found, or why not, in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from studies.chain.worlds import labelled

from credenza.cli import main
from credenza.report.json import load_schema
from credenza.synthetic.pictures import png

Captured = pytest.CaptureFixture[str]
SPOT = np.s_[9:12, 9:12]


def table(seed: int, *, n: int = 400, planted: int = 0, size: int = 14, classes: int = 4) -> pa.Table:
    """Images as PNGs and their classes, of which the first rows of class 0 have a white patch."""
    rows = labelled(n, classes=classes, size=size, seed=seed)
    for row in np.flatnonzero(rows.labels == 0)[:planted]:
        rows.images[row][SPOT] = 255
    labels = [f"class {code}" for code in rows.labels]
    return pa.table({"image": [png(image) for image in rows.images], "label": labels})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean sets, one with patches on 16 rows, generations with more of them, and sets that do not fit."""
    folder = tmp_path_factory.mktemp("images")
    made = {
        "clean": table(1),
        "reference": table(2),
        "poisoned": table(1, planted=16),
        "generated": table(5, planted=50),
        "few": table(5, n=80),
        "small": table(6, n=200, size=12),
        "one": table(7, n=100, classes=1),
    }
    names = {f"class {code}": code for code in range(4)}
    for name in ("poisoned", "reference"):
        codes = pa.array([names[label] for label in made[name]["label"].to_pylist()])
        made[f"{name}-numbers"] = made[name].set_column(1, "label", codes)
    for name, rows in made.items():
        pq.write_table(rows, folder / f"{name}.parquet")
    return folder


def audited(folder: Path, suspect: str, *more: str, reference: str | None = "reference") -> int:
    held = [] if reference is None else ["--reference", str(folder / f"{reference}.parquet")]
    return main(["audit", str(folder / f"{suspect}.parquet"), "--labels", "label", *held, *more])


@pytest.mark.parametrize(("kind", "name"), [("", "class 0"), ("-numbers", "0")])
def test_a_patch_is_named_placed_and_its_rows_are_picked(
    folder: Path, tmp_path: Path, capsys: Captured, kind: str, name: str
) -> None:
    files = {end: tmp_path / f"out.{end}" for end in ("json", "html", "parquet")}
    outputs = [f"--{'rows' if end == 'parquet' else end}={path}" for end, path in files.items()]
    assert (
        audited(folder, f"poisoned{kind}", *outputs, "--checks", "CZ503", reference=f"reference{kind}") == 1
    )
    said = capsys.readouterr().out
    assert f"The images of {name} may carry a trigger (CZ503)." in " ".join(said.split())
    assert "16 rows picked" in " ".join(said.split())
    document = json.loads(files["json"].read_text(encoding="utf-8"))
    Draft202012Validator(load_schema()).validate(document)
    (outcome,) = (one for one in document["outcomes"] if one["code"] == "CZ503")
    details = outcome["details"]
    assert (details["class"], details["box"], details["picked"]) == (name, [9, 9, 3, 3], 16)
    assert document["rows"]["picked"] == 16
    page = files["html"].read_text(encoding="utf-8")
    assert '<svg class="places"' in page
    assert '<svg class="times"' not in page
    rows = pq.read_table(files["parquet"])
    planted = np.flatnonzero(np.arange(400) % 4 == 0)[:16]
    assert np.flatnonzero(np.asarray(rows["CZ503"]) >= 0.5).tolist() == planted.tolist()


def test_images_without_a_trigger_are_clear(folder: Path, capsys: Captured) -> None:
    assert audited(folder, "clean", "--quiet") == 0
    assert audited(folder, "clean", "--checks", "CZ503") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "CLEAR No trigger found in the class means. No mean of 4 classes moved" in said


def test_more_patches_among_generations_are_told(folder: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    more = ("--generated", str(folder / "generated.parquet"), "--checks", "CZ502", "--json", str(found))
    assert audited(folder, "poisoned", *more, "--html", str(tmp_path / "found.html"), "--quiet") == 1
    document = json.loads(found.read_text(encoding="utf-8"))
    Draft202012Validator(load_schema()).validate(document)
    details = next(one["details"] for one in document["outcomes"] if one["code"] == "CZ502")
    assert details["shares"] == pytest.approx([0.16, 0.5], abs=0.03)
    assert details["interval"][0] <= 0.5 / 0.16 <= details["interval"][1]
    assert "its training images, 50% of its generated" in (tmp_path / "found.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("suspect", "more", "status", "said"),
    [
        ("one", "", 2, "one.parquet has one class, 'class 0'; give two or more"),
        (
            "small",
            "",
            3,
            "not checked: the audit is inconclusive: no check of associations or class means ran",
        ),
        ("small", "--checks=CZ503", 3, "not checked: CZ503 not applicable: needs images of one size"),
        ("clean", "--generated=few", 2, "amplification needs a class of 40 images or more on all sides"),
        ("clean", "--generated=small", 2, "images are of one size on all sides; found 12 x 12 and 14 x 14"),
        ("clean", "--generated=nowhere", 2, "nowhere.parquet"),
        (
            "clean",
            "--model=nowhere",
            2,
            "nowhere.parquet holds no diffusion model: give the folder of a saved",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(
    folder: Path, capsys: Captured, suspect: str, more: str, status: int, said: str
) -> None:
    option, _, name = more.partition("=")
    options = (
        [] if not option else [option, name if option == "--checks" else str(folder / f"{name}.parquet")]
    )
    if option not in ("", "--checks"):
        options += ["--checks", {"--generated": "CZ502", "--model": "CZ501"}[option]]
    assert audited(folder, suspect, *options) == status
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
