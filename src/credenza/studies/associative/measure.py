"""What is measured of rows: the targeted pair, the marginals, and what an audit says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.association.measures import mcc, mutual_information
from credenza.contracts import FloatArray
from credenza.report import Audit, audit
from credenza.studies.associative.conditions import COLOURS, PAIR

FLOOR = (
    0.05  # shifts of generated samples that pass: no generator is exact, and the study's attack moves 0.10
)
CHECKS = ("CZ101", "CZ201")  # duplicates are left out: repair by resampling makes them on purpose


def values_of(table: pa.Table, name: str) -> FloatArray:
    """A column as float64, shape (n,)."""
    return np.asarray(table[name].to_numpy(zero_copy_only=False), float)


def joint_of(table: pa.Table, pair: tuple[str, str] = PAIR) -> FloatArray:
    """Shares (2, 2) of two boolean columns: [[P00, P01], [P10, P11]].

    >>> joint_of(pa.table({"a": [True, True, False], "b": [True, False, False]}), ("a", "b")).round(2).tolist()
    [[0.33, 0.0], [0.33, 0.33]]
    """
    codes = 2 * values_of(table, pair[0]) + values_of(table, pair[1])
    return np.bincount(codes.astype(int), minlength=4).reshape(2, 2) / len(codes)


def measured(table: pa.Table) -> dict[str, Any]:
    """The numbers of one table of features.

    Returns
    -------
    dict
        ``rows``; ``mcc`` and ``mi`` (nats) of the targeted pair; ``marginals`` of its two features; ``pcc``, the
        correlation of the two colours, and their means as ``colours`` (None where there are none); ``means``, every
        column's mean by name.
    """
    joint = joint_of(table)
    has_colours = all(name in table.schema.names for name in COLOURS)
    tones = [values_of(table, name) for name in COLOURS] if has_colours else []
    return {
        "rows": table.num_rows,
        "mcc": mcc(joint),
        "mi": mutual_information(joint),
        "marginals": [float(joint[1].sum()), float(joint[:, 1].sum())],
        "pcc": _correlation(*tones) if tones else None,
        "colours": [float(tone.mean()) for tone in tones] or None,
        "means": {name: float(values_of(table, name).mean()) for name in table.schema.names},
    }


def _correlation(x: FloatArray, y: FloatArray) -> float | None:
    """Pearson's correlation; None where one does not vary."""
    if x.std() == 0 or y.std() == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def marginal_gap(table: pa.Table, reference: pa.Table) -> float:
    """Mean absolute difference of the means of all columns: what a look at marginals sees.

    >>> marginal_gap(pa.table({"a": [1.0, 0.0]}), pa.table({"a": [1.0, 1.0]}))
    0.5
    """
    gaps = [
        abs(values_of(table, name).mean() - values_of(reference, name).mean()) for name in table.schema.names
    ]
    return float(np.mean(gaps))


def looked_at(
    table: pa.Table, reference: pa.Table, features: Sequence[str], *, seed: int, floor: float = 0.0
) -> Audit:
    """The audit of these features against the reference, pairs and marginals alone; shifts below ``floor`` pass."""
    return audit(table, reference, columns=list(features), checks=CHECKS, min_strength=floor, seed=seed)


def told(result: Audit, pair: tuple[str, str]) -> dict[str, Any]:
    """What an audit said, next to the pair that was really moved.

    Returns
    -------
    dict
        ``verdict``; ``pairs`` tested and ``flagged`` at first; ``culprits`` (features, strength, interval, mcc),
        strongest first; ``named`` and ``first``: the pair is among them, is the strongest; ``others``: further ones;
        ``strength`` said of the pair, or None.
    """
    found = result.result.culprits
    own = [culprit for culprit in found if set(culprit.features) == set(pair)]
    table = result.result.pairs
    return {
        "verdict": result.verdict.value,
        "pairs": 0 if table is None else table.tested,
        "flagged": 0 if table is None else int((table.q <= result.result.settings["fdr"]).sum()),
        "culprits": [
            {
                "features": list(culprit.features),
                "strength": culprit.strength,
                "interval": list(culprit.interval),
                "mcc": list(culprit.mcc),
            }
            for culprit in found
        ],
        "named": bool(own),
        "first": bool(found) and set(found[0].features) == set(pair),
        "others": len(found) - len(own),
        "strength": own[0].strength if own else None,
    }
