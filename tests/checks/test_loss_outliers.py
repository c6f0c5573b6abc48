from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from checks.conftest import Run
from checks.samples.worlds import blobs, flipped, labelled

from credenza.checks.samples.beside import SampleInputs
from credenza.contracts import Status
from credenza.errors import InputError


def losses(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=(n, 1)) + np.linspace(1, -2, 5) + 0.3 * rng.normal(size=(n, 5)))


def test_ordinary_losses_are_clear(run: Run) -> None:
    _, codes = blobs(1_000, 1)
    outcome = run("CZ402", labelled(codes), beside=SampleInputs("kind", losses=losses(1_000, 1)))
    assert outcome.status is Status.CLEAR
    assert outcome.reason == (
        "the training losses of 4 classes have no outliers beyond what the bulk of each class explains, "
        "or fewer than 0.5% of it"
    )
    assert dict(outcome.details) == {"losses": "training losses", "epochs": 5}


def test_rows_that_are_learnt_at_once_are_named_by_class_and_side(run: Run) -> None:
    _, codes = blobs(1_000, 2)
    values = losses(1_000, 2)
    planted = np.flatnonzero(codes == 1)[:15]
    values[planted] = 1e-5
    outcome = run("CZ402", labelled(codes), beside=SampleInputs("kind", losses=values))
    assert outcome.status is Status.FLAGGED
    (finding,) = outcome.findings
    assert finding.subject == ("bee", "low")
    assert "of class 'bee' have a loss below" in finding.message
    assert finding.message.endswith("learnt too easily, as a trigger is")
    assert outcome.scores is not None
    assert outcome.scores[planted].min() > np.quantile(outcome.scores, 0.97)


def test_without_losses_models_are_trained_on_the_embeddings(run: Run) -> None:
    content, codes = blobs(1_000, 3, gap=6.0)
    table = labelled(flipped(codes, 0.06, 3))
    outcome = run("CZ402", table, beside=SampleInputs("kind", content))
    assert outcome.details["losses"] == "cross-fitted losses"
    assert outcome.status is Status.FLAGGED
    assert {finding.subject[1] for finding in outcome.findings} == {"high"}
    assert outcome.findings[0].message.endswith("hardly learnt, as a wrong label is")
    clean = run("CZ402", labelled(codes), beside=SampleInputs("kind", content))
    assert clean.status is Status.CLEAR


def test_classes_that_are_too_small_are_not_judged(run: Run) -> None:
    table = pa.table({"kind": ["a", "b"] * 25, "x": np.arange(50.0) % 7})
    outcome = run("CZ402", table, beside=SampleInputs("kind", losses=np.ones(50)))
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == "no class has 50 rows, as are needed to tell outlying losses"


def test_negative_losses_end_the_audit(run: Run) -> None:
    _, codes = blobs(400, 5)
    with pytest.raises(InputError, match="losses are negative in 400 of 400 rows"):
        run("CZ402", labelled(codes), beside=SampleInputs("kind", losses=-np.ones(400)))
