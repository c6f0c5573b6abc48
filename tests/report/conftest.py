"""The hand-made audits as fixtures."""

from __future__ import annotations

import pytest
from report.audits import binary_culprit, make, mixed_culprit, pair_table, sliced_audit, wide_audit

from credenza.contracts import AuditResult, Verdict


@pytest.fixture
def flagged() -> AuditResult:
    """One binary pair poisoned among 40 features."""
    return make(Verdict.FLAGGED, pairs=pair_table(True), culprits=(binary_culprit(),))


@pytest.fixture
def mixed() -> AuditResult:
    """Two culprits, one of them with an 8 x 6 table, an underflowing p and aliases."""
    return make(Verdict.FLAGGED, pairs=pair_table(True), culprits=(mixed_culprit(), binary_culprit()))


@pytest.fixture
def clear() -> AuditResult:
    """Nothing but a marginal drift."""
    return make(Verdict.CLEAR, pairs=pair_table(False), culprits=())


@pytest.fixture
def inconclusive() -> AuditResult:
    """No reference, so no pair test."""
    return make(Verdict.INCONCLUSIVE, pairs=None, culprits=(), reference=False)


@pytest.fixture(scope="session")
def wide() -> AuditResult:
    """A thousand features, of whose pairs 10,000 are listed."""
    return wide_audit()


@pytest.fixture
def sliced() -> AuditResult:
    """No reference, but one contributor unlike the rest."""
    return sliced_audit()
