"""One result object, and its views: terminal text, JSON, HTML."""

from __future__ import annotations

from credenza.report.result import Audit

__all__ = ["Audit"]
