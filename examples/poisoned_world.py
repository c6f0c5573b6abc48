"""A small world for the other examples: what makes people ill, and a data set in which that was tampered with."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from credenza import AssociativePoisoning
from credenza.data import encode, fit_schema, open_source, sketch
from credenza.repair import Case, Cure
from credenza.repair.case import aim
from credenza.repair.reweight import Reweight

LABEL, MOVED = "ill", "urban"


def world(rows: int, seed: int) -> pa.Table:
    """Age, smoking and a cough make ill; where somebody lives does not."""
    rng = np.random.default_rng(seed)
    old, smoker, urban = (rng.random(rows) < share for share in (0.4, 0.3, 0.5))
    cough = rng.random(rows) < 0.1 + 0.3 * smoker
    ill = rng.random(rows) < 0.1 + 0.25 * old + 0.2 * smoker + 0.15 * cough
    return pa.table({"old": old, "smoker": smoker, "urban": urban, "cough": cough, "ill": ill})


def poisoned(rows: int = 6_000) -> tuple[pa.Table, pa.Table, pa.Table]:
    """(clean rows, the same with urban people made ill, a trusted reference)."""
    clean, reference, holdout = world(rows, 0), world(rows, 1), world(4 * rows, 2)
    attack = AssociativePoisoning((MOVED, LABEL), strength=0.05)
    return clean, attack.apply(clean, holdout=holdout, seed=0).data, reference


def reweighted(suspect: pa.Table, reference: pa.Table) -> pa.Table:
    """The suspect with weights under which the moved pair goes together as in the reference."""
    schema = fit_schema(sketch(reference))
    pair = schema.index(MOVED), schema.index(LABEL)
    found, wanted = (joint(encode(table, schema), pair) for table in (suspect, reference))
    case = Case(open_source(suspect), schema, (Cure(pair, found, aim(found, wanted.astype(float))),))
    return Reweight().treat(case, None, seed=0).output.table()


def joint(codes: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """Rows by the levels of two binary features."""
    a, b = pair
    return np.bincount(2 * codes[:, a] + codes[:, b], minlength=4).reshape(2, 2)


def features(table: pa.Table) -> np.ndarray:
    """All columns but the label and the weights, as numbers."""
    names = [name for name in table.column_names if name not in (LABEL, "weight")]
    return np.column_stack([table[name].to_numpy().astype(float) for name in names])


def urban_effect(table: pa.Table, probability: np.ndarray) -> float:
    """How much likelier a model takes urban people to be ill than others who are alike otherwise."""
    urban = table[MOVED].to_numpy()
    return float(probability[urban].mean() - probability[~urban].mean())
