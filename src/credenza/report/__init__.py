"""One result object, and its views: terminal text, JSON, HTML."""

from __future__ import annotations

from credenza.report.comparing import compare
from credenza.report.profiling import profile
from credenza.report.result import Audit
from credenza.report.run import audit
from credenza.report.validating import validate

__all__ = ["Audit", "audit", "compare", "profile", "validate"]
