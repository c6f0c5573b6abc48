"""What a repair is compared with: copies that were there before it count for what they are worth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.report.compared import compared
from credenza.report.repairing import plan_repair

NAMES = tuple("abcdefghijklmnopqrstuvwx")


def rows(n: int, seed: int) -> pa.Table:
    """Two dozen features, loosely tied to each other, so that few rows coincide by chance."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 1))
    return pa.table(dict(zip(NAMES, (rng.normal(size=(n, 24)) + 0.5 * hidden > 0).T, strict=True)))


@pytest.mark.parametrize("mode", ["duplicate", "replace"])
def test_copies_in_the_suspect_are_discounted_as_in_the_audit(mode: str) -> None:
    reference, clean, spare = (rows(3_000, seed) for seed in range(3))
    attack = AssociativePoisoning(("a", "b"), strength=0.12, mode=mode)
    suspect = attack.apply(clean, holdout=spare if mode == "replace" else None, seed=0).data
    course = plan_repair(suspect, credenza.audit(suspect, reference), method="reweight", reference=reference)
    comparison = compared(course.patient, course.case, course.treatment)
    assert comparison is not None
    effect = course.patient.evidence.design_effect
    assert (effect > 1.1) == (mode == "duplicate")
    assert comparison.before.size == pytest.approx(3_000 / effect)
    assert comparison.after.size == pytest.approx(course.treatment.summary["effective_rows"] / effect)
    np.testing.assert_allclose(np.diag(comparison.after.joint)[:2].sum(), comparison.after.size)
