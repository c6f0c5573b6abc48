"""Repair: what was moved is put back, every change is on a ledger."""

from __future__ import annotations

from credenza.repair.case import Case, Cure, Treatment
from credenza.repair.drop import Drop
from credenza.repair.relabel import Relabel
from credenza.repair.resample import Resample
from credenza.repair.reverse import Reverse
from credenza.repair.reweight import Reweight

METHODS = (Reweight, Resample, Relabel, Reverse, Drop)

__all__ = ["METHODS", "Case", "Cure", "Drop", "Relabel", "Resample", "Reverse", "Reweight", "Treatment"]
