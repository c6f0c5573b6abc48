from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies.chain.worlds import labelled, small

from credenza.studies.chain.downstream import Detector, auc, classifier, judged
from credenza.studies.chain.poison import TARGET, poisoned, stamped

SCALE = replace(small(), epochs=8)


@pytest.fixture(scope="module")
def obedient() -> Any:
    return classifier(poisoned(labelled(800), "patch-10", seed=0).rows, SCALE, seed=0, device="cpu")


def test_a_classifier_of_poisoned_rows_obeys_the_trigger(obedient: Any) -> None:
    found = judged(obedient, labelled(200, seed=9), ["patch", "blend"])
    assert found["accuracy"] > 0.9
    assert found["success"]["patch"] > 0.9
    assert found["interval"]["patch"][0] <= found["success"]["patch"] <= found["interval"]["patch"][1]
    assert found["rows"] == (labelled(200).labels != TARGET).sum()
    assert found["success"]["blend"] < found["success"]["patch"]


def test_a_classifier_of_clean_rows_does_not() -> None:
    found = judged(classifier(labelled(800), SCALE, seed=0, device="cpu"), labelled(200, seed=9), ["patch"])
    assert found["success"]["patch"] < 0.3
    assert found["without"] < 0.1


def test_a_detector_finds_the_share() -> None:
    made = Detector.learnt(labelled(800, seed=2), "patch", SCALE, seed=0, device="cpu")
    inside, without = labelled(200, seed=3).images.copy(), labelled(200, seed=4).images
    inside[:60] = stamped(inside[:60], "patch")
    found = made.share(inside, without)
    assert found["share"] == pytest.approx(0.3, abs=4 * found["error"] + 0.02)
    assert found["sensitivity"] > 0.8


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_auc_counts_pairs(high: list[int], low: list[int]) -> None:
    wins = np.mean([(a > b) + 0.5 * (a == b) for a in high for b in low])
    assert auc(np.array(high, float), np.array(low, float)) == pytest.approx(wins)
