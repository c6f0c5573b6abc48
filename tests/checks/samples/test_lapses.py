from __future__ import annotations

import numpy as np
import pytest
from checks.samples.worlds import blobs, flipped

from credenza.checks.samples.confident import confident_issues
from credenza.checks.samples.crossfit import CrossFit, cross_fit
from credenza.checks.samples.evidence import Labels
from credenza.checks.samples.lapses import lapse_rates
from credenza.errors import MissingExtraError

NAMES = ("ant", "bee", "cat", "dog")


def fitted(gap: float, share: float, seed: int, n: int = 1_500) -> tuple[CrossFit, np.ndarray]:
    x, codes = blobs(n, seed, gap=gap)
    given = flipped(codes, share, seed)
    return cross_fit(x, Labels(given, NAMES), seed=seed), given != codes


@pytest.mark.parametrize("gap", [1.5, 3.0, 8.0])
def test_overlap_is_no_lapse(gap: float) -> None:
    """12 tests at 5%: more than 3 rejections have a chance of 0.2% where each is at its level."""
    log_p = [lapse.log_p for seed in range(3) for lapse in lapse_rates(fitted(gap, 0.0, seed)[0])]
    assert len(log_p) == 12
    assert sum(value < np.log(0.05) for value in log_p) <= 3


@pytest.mark.parametrize("gap", [3.0, 8.0])
def test_the_share_of_wrong_labels_is_estimated(gap: float) -> None:
    """375 rows a class: the standard error of a share of 10% is 1.5 points, of the mean of four 0.8."""
    lapses = lapse_rates(fitted(gap, 0.1, seed=5)[0])
    assert np.mean([lapse.rate for lapse in lapses]) == pytest.approx(0.1, abs=0.04)
    assert min(lapse.log_p for lapse in lapses) < np.log(1e-4)


def test_targeted_flips_are_named_with_their_target() -> None:
    x, codes = blobs(2_000, seed=6)
    given = codes.copy()
    rows = np.flatnonzero(codes == 2)
    given[rows[: len(rows) // 7]] = 0
    lapses = {lapse.content: lapse for lapse in lapse_rates(cross_fit(x, Labels(given, NAMES)))}
    assert lapses[2].towards == 0
    assert lapses[2].log_p < np.log(1e-3)
    assert max(lapses[k].rate for k in (0, 1, 3)) < 0.03


def test_few_disagreements_are_not_tested() -> None:
    p = np.tile([[0.99, 0.01]], (100, 1))
    labels = np.zeros(100, np.int64)
    labels[:3] = 1
    (lapse,) = lapse_rates(CrossFit(np.arange(100), labels, (0, 1), p))
    assert (lapse.rate, lapse.log_p, lapse.disagreeing, lapse.towards) == (0.0, 0.0, 3, 1)


def test_confident_learning_picks_the_flips() -> None:
    pytest.importorskip("cleanlab", reason="confident learning is cleanlab's")
    fit, wrong = fitted(4.5, 0.08, seed=7, n=1_000)
    scores, picked = confident_issues(fit)
    assert picked[wrong].mean() > 0.9
    assert picked[~wrong].mean() < 0.02
    assert scores[wrong].min() > np.median(scores)
    np.testing.assert_allclose(scores, 1.0 - fit.own)


def test_cleanlab_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cleanlab.filter", None)
    with pytest.raises(MissingExtraError) as caught:
        confident_issues(fitted(3.0, 0.0, seed=1, n=200)[0])
    assert str(caught.value) == (
        "confident learning needs cleanlab, which is not installed: pip install 'credenza[ml]'"
    )
