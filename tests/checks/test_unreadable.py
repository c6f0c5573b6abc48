"""CZ004 and what an audit does with contents that cannot be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from models.embedding.embedding_worlds import bomb, image_table, stripes
from models.embedding.test_foreign import Means
from models.embedding.test_model_files import script

from credenza.contracts import Outcome, Severity, Status
from credenza.report import Audit, audit

CODES = ("CZ003", "CZ004", "CZ402", "CZ403")
BAD = {"row3": b"no image", "row50": b"", "row90": bomb()}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(script(tmp_path_factory.mktemp("model") / "means.pt", Means()))


@pytest.fixture(scope="module")
def found(model: str) -> Audit:
    table = image_table(*stripes(120, 0), **BAD)
    reference = image_table(*stripes(50, 1), row7=b"cut")
    return audit(table, reference, labels="kind", embed=model, checks=CODES)


def outcome(result: Audit, code: str) -> Outcome:
    return next(o for o in result.outcomes if o.code == code)


def test_unreadable_images_are_named_and_counted_and_fail(found: Audit) -> None:
    said = outcome(found, "CZ004")
    assert said.status is Status.FAILED
    assert said.reason.startswith(
        "3 of 120 images could not be read and were not checked (image 'row 3' is not"
    )
    assert "image 'row 50' is missing" in said.reason
    assert "image 'row 90' has more than 67,108,864 pixels" in said.reason
    assert "; 1 of 50 images of the reference could not be read" in said.reason
    assert said.reason.endswith("; mend them, or leave them out with --skip-unreadable")
    assert said.details["names"] == ["row 3", "row 50", "row 90"]
    assert (said.details["rows"], said.details["reference_rows"]) == (3, 1)


def test_the_rest_is_checked_and_scores_keep_their_rows(found: Audit) -> None:
    rows = found.rows.to_pydict() if isinstance(found.rows, pa.Table) else found.rows
    for code in CODES[2:]:
        scores = np.array(rows[code], float)
        assert len(scores) == 120
        assert np.flatnonzero(np.isnan(scores)).tolist() == [3, 50, 90], code


def test_near_copies_are_named_by_their_rows(model: str) -> None:
    images, labels = stripes(120, 0)
    images[100] = images[10]
    result = audit(image_table(images, labels, **BAD), labels="kind", embed=model, checks=["CZ003"])
    said = outcome(result, "CZ003")
    assert [10, 100] in said.details["evidence"]["embeddings"]["examples"]
    assert outcome(result, "CZ004").status is Status.FAILED  # asked for or not


def test_leaving_them_out_is_a_notice(model: str) -> None:
    table = image_table(*stripes(120, 0), **BAD)
    result = audit(table, labels="kind", embed=model, checks=CODES, skip_unreadable=True)
    (finding,) = outcome(result, "CZ004").findings
    assert finding.severity is Severity.NOTICE
    assert finding.message.startswith("3 of 120 images could not be read and were not checked")
    assert finding.effect == pytest.approx(3 / 120)
    assert (result.exit_status(), result.exit_status("notice")) == (0, 1)


def test_all_read_is_clear(model: str) -> None:
    result = audit(image_table(*stripes(80, 0)), labels="kind", embed=model, checks=["CZ004"])
    said = outcome(result, "CZ004")
    assert (said.status, said.reason) == (Status.CLEAR, "the images of all 80 rows were read")


def test_missing_texts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="embeds the texts")
    rng = np.random.default_rng(0)
    words = np.array(["plot", "cast", "music", "scene", "light", "story", "camera"])
    texts: list[Any] = [" ".join(rng.choice(words, 6)) for _ in range(120)]
    texts[7] = None
    table = pa.table({"text": texts, "kind": ["a", "b"] * 60, "stars": rng.integers(1, 6, 120)})
    result = audit(table, labels="kind", embed="text", checks=["CZ403"])
    assert outcome(result, "CZ004").reason.startswith(
        "1 of 120 texts could not be read and were not checked (the text"
    )
    scores = np.array(result.rows["CZ403"], float)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [7]


def test_cross_fitted_losses_keep_their_rows(model: str) -> None:
    table = image_table(*stripes(200, 0), **BAD)
    result = audit(table, labels="kind", embed=model, checks=["CZ402"])
    assert outcome(result, "CZ402").details["losses"] == "cross-fitted losses"
    assert np.flatnonzero(np.isnan(np.array(result.rows["CZ402"], float))).tolist() == [3, 50, 90]
