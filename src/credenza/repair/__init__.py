"""Repair: what was moved is put back, every change is on a ledger."""

from __future__ import annotations

from credenza.repair.case import Case, Cure, Treatment

__all__ = ["Case", "Cure", "Treatment"]
