from __future__ import annotations

import numpy as np
import pytest
from checks.conftest import Run
from checks.samples.heap_worlds import checked

from credenza.contracts import Severity, Status


@pytest.mark.parametrize("seed", range(3))
def test_clean_classes_are_clear(run: Run, seed: int) -> None:
    outcome, _ = checked(run, "CZ403", 0.0, seed)
    assert outcome.status is Status.CLEAR
    assert outcome.reason.startswith("none of 4 classes falls into two heaps (smallest p ")
    assert outcome.scores is not None
    assert len(outcome.scores) == 1_200


def test_planted_rows_are_flagged_and_score_high(run: Run) -> None:
    outcome, mine = checked(run, "CZ403", 0.2)
    assert outcome.status is Status.FLAGGED
    (finding,) = outcome.findings
    assert finding.severity is Severity.ALARM
    assert finding.subject == ("cat",)
    assert (
        " of 'cat' are apart along the direction of the largest spread (share of the variance along it "
        in finding.message
    )
    assert finding.p is not None
    assert finding.p < 0.01
    assert finding.effect == pytest.approx(0.2, abs=0.05)
    assert outcome.scores is not None
    assert (outcome.scores[mine] > np.quantile(outcome.scores[~mine], 0.95)).mean() > 0.95
