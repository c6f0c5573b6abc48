"""CZ003 on images and texts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checks.conftest import Run
from checks.content_worlds import documents, pictures, png, with_images, with_texts

from credenza.checks.samples import contents
from credenza.checks.samples.beside import SampleInputs
from credenza.cli import main
from credenza.contracts import Severity, Status

IMAGES = "images in 'picture' (perceptual hash)"
TEXTS = "texts in 'review' (MinHash of shingles)"


def test_different_images_are_clear(run: Run) -> None:
    outcome = run("CZ003", with_images(pictures(250, 1)))
    assert (outcome.status, outcome.reason) == (
        Status.CLEAR,
        f"0 of 250 rows have a near-duplicate, by {IMAGES}; chance explains that",
    )
    against = run("CZ003", with_images(pictures(250, 1, 9)), with_images(pictures(200, 2, 8)))
    assert against.reason == (
        f"18 of 250 rows have a near-duplicate, by {IMAGES}; the reference's rate explains that"
    )


def test_brighter_copies_of_images_are_found(run: Run) -> None:
    suspect = with_images(pictures(250, 1, copies=30))
    (finding,) = run("CZ003", suspect).findings
    assert finding.severity is Severity.NOTICE
    assert finding.message.startswith(f"30 pairs of rows are nearly the same, by {IMAGES}, where rows drawn ")
    outcome = run("CZ003", suspect, with_images(pictures(200, 2)))
    (finding,) = outcome.findings
    assert finding.severity is Severity.ALARM
    assert finding.statistic is not None
    assert finding.statistic > 4
    assert outcome.scores is not None
    assert (outcome.scores[:30] > 0).all()
    assert (outcome.scores[-30:] > 0).all()
    assert (outcome.scores[30:-30] == 0).all()


def test_reworded_copies_of_texts_are_found(run: Run) -> None:
    assert run("CZ003", with_texts(documents(400, 1))).reason.endswith(f"by {TEXTS}; chance explains that")
    suspect = with_texts([*documents(400, 1, copies=30), None, "..."])
    outcome = run("CZ003", suspect, with_texts(documents(300, 2)))
    (finding,) = outcome.findings
    assert finding.severity is Severity.ALARM
    assert finding.message.endswith("; not compared: 2 texts without words")
    assert outcome.scores is not None
    assert np.isnan(outcome.scores[-2:]).all()
    assert outcome.scores[:30].min() > 0.1


def test_several_columns_of_texts_go_together(run: Run) -> None:
    texts, others = documents(200, 1, copies=20), documents(200, 2)
    both = run("CZ003", with_texts(texts, title=others))
    assert "by texts in 'review' and 'title' (MinHash of shingles)" in both.reason
    assert both.status is Status.CLEAR
    one = run("CZ003", with_texts(texts, title=others), columns=("a", "b", "review"))
    assert one.status is Status.FLAGGED


def test_categories_in_many_words_are_no_texts(run: Run) -> None:
    kinds = ["worked for pay all year", "worked without pay all year"] * 100
    found = run("CZ003", with_texts(documents(200, 1), kind=kinds))
    assert "by texts in 'review' (" in found.reason


def test_embeddings_are_looked_at_beside_the_content(run: Run) -> None:
    content = np.random.default_rng(0).normal(size=(300, 5))
    content[:20] = content[20:40] + 1e-4
    outcome = run(
        "CZ003", with_images(pictures(300, 3)), beside=SampleInputs(embeddings=content.astype(np.float32))
    )
    assert set(outcome.details["evidence"]) == {"images", "embeddings"}
    (finding,) = outcome.findings
    assert ", by embeddings, where " in finding.message
    assert (
        outcome.reason == f"1 notice; 0 of 300 rows have a near-duplicate, by {IMAGES}; chance explains that"
    )
    assert outcome.scores is not None
    assert outcome.scores[:40].min() > 0.9


def test_what_cannot_be_read_or_compared_is_counted(run: Run) -> None:
    files: list[bytes | None] = [*pictures(200, 4, copies=10), b"\x89PNG broken", None]
    blank = png(np.full((9, 9), 7, np.uint8))
    outcome = run("CZ003", with_images([blank, *files, blank]))
    left = (
        "; not compared: 2 images of one colour; not read: 2 images, the first in row 201: image 'row 201' is not an "
        "image that we know; give PNG, JPEG, WebP, BMP or GIF, undamaged"
    )
    assert outcome.findings[0].message.endswith(left)
    assert "\n" not in outcome.findings[0].message
    few = run("CZ003", with_images([*pictures(1, 1), b"BM", None]))
    assert few.status is Status.SKIPPED
    assert few.reason.startswith(
        f"{IMAGES} of 1 row can be compared: 2 are needed; not read: 2 images, the first "
    )


def test_images_without_pillow_are_skipped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    table = with_images(pictures(20, 1))
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    outcome = run("CZ003", table)
    assert (outcome.status, outcome.reason) == (
        Status.SKIPPED,
        "reading images needs Pillow, which is not installed: pip install 'credenza[images]'",
    )


def test_a_reference_without_the_content_is_said(run: Run) -> None:
    suspect = with_texts(documents(100, 1))
    outcome = run("CZ003", suspect, suspect.drop_columns(["review"]))
    assert outcome.reason.endswith("; chance explains that; the reference has no such content")


def test_bytes_that_are_no_images_are_no_content(run: Run) -> None:
    table = with_images([bytes([k, 1]) for k in range(60)])
    assert contents.find_content(*_opened(table)) is None
    path = pa.array([{"bytes": data, "path": None} for data in pictures(60, 1)])
    assert str(contents.find_content(*_opened(table.set_column(2, "picture", path)))) == IMAGES


def _opened(table: pa.Table) -> tuple[contents.Source, tuple[str, ...]]:
    from credenza.data import open_source

    return open_source(table), tuple(table.column_names)


def test_a_folder_of_images_is_audited_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, files = tmp_path / "shop", pictures(80, 5, copies=10)
    for k, data in enumerate(files):
        place = folder / ("cat" if k % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{k:03}.png").write_bytes(data if k != 40 else data[:60])
    table = pa.table({"file_name": [f"{'cat' if k % 2 else 'dog'}/{k:03}.png" for k in range(80)]})
    table = table.append_column("hat", pa.array(np.arange(80) % 3 == 0))
    pq.write_table(table.append_column("kind", pa.array(np.arange(80) % 2)), folder / "metadata.parquet")
    rows = tmp_path / "rows.parquet"
    assert main(["audit", str(folder), "--checks", "CZ003", "--rows", str(rows)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "10 pairs of rows are nearly the same, by images in 'image' (perceptual hash)" in said
    assert "not read: 1 image, the first in row " in said
    scores = pq.read_table(rows)["CZ003"].to_numpy()
    assert (scores > 0).sum() == 20
    assert np.isnan(scores).sum() == 1
