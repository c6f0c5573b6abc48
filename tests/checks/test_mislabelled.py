from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pytest
from checks.conftest import Run
from checks.samples.worlds import blobs, flipped, labelled

from credenza.checks.samples.beside import SampleInputs
from credenza.contracts import Outcome, Severity, Status

pytest.importorskip("cleanlab", reason="confident learning is cleanlab's")


def checked(run: Run, share: float, seed: int, *, gap: float = 3.5, n: int = 1_200) -> Outcome:
    content, codes = blobs(n, seed, gap=gap)
    table = labelled(flipped(codes, share, seed))
    return run("CZ401", table, beside=SampleInputs("kind", content))


@pytest.mark.parametrize("gap", [1.5, 3.5])
def test_right_labels_are_clear_however_much_the_classes_overlap(run: Run, gap: float) -> None:
    outcome = checked(run, 0.0, seed=1, gap=gap)
    assert outcome.status is Status.CLEAR
    assert outcome.reason.startswith(
        "no class of 4 has more than 2% labels beyond the doubt that its content leaves; content names "
    )
    assert outcome.scores is not None
    assert len(outcome.scores) == 1_200


def test_flipped_labels_are_flagged_and_score_high(run: Run) -> None:
    outcome = checked(run, 0.1, seed=2)
    assert outcome.status is Status.FLAGGED
    assert {finding.subject[0] for finding in outcome.findings} <= {"ant", "bee", "cat", "dog"}
    first = outcome.findings[0]
    assert first.severity is Severity.ALARM
    assert first.effect == pytest.approx(0.1, abs=0.05)
    assert "carry a label that no doubt explains, most often" in first.message
    _, codes = blobs(1_200, 2, gap=3.5)
    wrong = flipped(codes, 0.1, 2) != codes
    assert outcome.scores is not None
    assert (outcome.scores[wrong] > np.quantile(outcome.scores[~wrong], 0.95)).mean() > 0.9


def test_content_that_says_nothing_is_skipped(run: Run) -> None:
    outcome = checked(run, 0.0, seed=3, gap=0.0, n=400)
    assert outcome.status is Status.SKIPPED
    assert outcome.reason.startswith("content names the label of ")
    assert outcome.reason.endswith(
        " of the rows, no more than the most frequent class: give embeddings that tell the classes apart"
    )


def test_a_class_of_three_rows_is_named_and_left_out(run: Run) -> None:
    content, codes = blobs(400, 4, gap=6.0)
    names = [*labelled(codes)["kind"].to_pylist(), *["rare"] * 3]
    table = pa.table({"kind": names, "x": np.arange(403.0) % 7})
    outcome = run("CZ401", table, beside=SampleInputs("kind", np.r_[content, np.zeros((3, 8))]))
    assert outcome.reason.endswith("; left out: classes of fewer than 20 rows, 'rare' (3)")
    assert outcome.scores is not None
    assert np.isnan(outcome.scores[400:]).all()
    assert np.isfinite(outcome.scores[:400]).all()


def test_without_cleanlab_it_is_skipped_and_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    outcome = checked(run, 0.0, seed=5, n=200)
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == (
        "confident learning needs cleanlab, which is not installed: pip install 'credenza[ml]'"
    )
