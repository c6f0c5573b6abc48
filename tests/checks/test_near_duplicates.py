from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from checks.conftest import Run

from credenza.checks.samples.beside import SampleInputs
from credenza.contracts import Outcome, Severity, Status
from credenza.errors import InputError


def content(n: int, seed: int, copies: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    x[:copies] = x[copies : 2 * copies] + 1e-3 * rng.normal(size=(copies, 5))
    return x


def table(n: int) -> pa.Table:
    return pa.table({"a": np.arange(n) % 3, "b": np.arange(n) % 5})


def checked(run: Run, suspect: np.ndarray, reference: np.ndarray | None = None) -> Outcome:
    given = SampleInputs(embeddings=suspect, reference_embeddings=reference)
    known = None if reference is None else table(len(reference))
    return run("CZ003", table(len(suspect)), known, beside=given)


def test_independent_rows_are_clear(run: Run) -> None:
    for seed in range(5):
        assert checked(run, content(1_500, seed)).status is Status.CLEAR
        outcome = checked(run, content(1_500, seed), content(1_000, 100 + seed))
        assert outcome.status is Status.CLEAR
        assert outcome.reason.endswith(", by embeddings; the reference's rate explains that")


def test_copies_without_a_reference_are_a_notice(run: Run) -> None:
    outcome = checked(run, content(1_500, 1, copies=80))
    (finding,) = outcome.findings
    assert finding.severity is Severity.NOTICE
    assert finding.message.startswith(
        "83 pairs of rows are nearly the same, by embeddings, where rows drawn independently would give at most about "
    )
    assert "(such as rows " in finding.message
    assert outcome.scores is not None
    assert (outcome.scores[:160] > 0.9).all()
    assert (outcome.scores[160:] == 0).mean() > 0.99


def test_copies_that_the_reference_lacks_are_an_alarm(run: Run) -> None:
    outcome = checked(run, content(1_500, 1, copies=40), content(1_500, 2))
    (finding,) = outcome.findings
    assert finding.severity is Severity.ALARM
    assert finding.statistic is not None
    assert finding.statistic > 4
    assert finding.effect == pytest.approx(40 / 1_500, rel=0.2)
    same = checked(run, content(1_500, 1, copies=40), content(1_500, 2, copies=40))
    assert same.status is Status.CLEAR


def test_one_embedding_for_all_is_skipped(run: Run) -> None:
    outcome = checked(run, np.ones((50, 2)))
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "all rows have the same embedding")


def test_embeddings_of_two_models_are_refused(run: Run) -> None:
    with pytest.raises(InputError) as caught:
        checked(run, content(50, 1), np.ones((40, 3)))
    assert str(caught.value) == (
        "the embeddings have 5 columns and the reference's have 3; make both with one model"
    )
