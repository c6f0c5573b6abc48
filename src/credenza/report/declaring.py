"""What a declared policy asks of a repair: the pairs that break it, and the nearest tables that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from credenza.checks.policy_reading import Reading, critical_value, reading_of
from credenza.contracts import Culprit, FloatArray, IntArray
from credenza.errors import InputError
from credenza.repair.case import Case, Cure
from credenza.repair.examine import Ask, count
from credenza.repair.nearest import Demand, nearest
from credenza.repair.slices import Where, require_apart

if TYPE_CHECKING:
    from credenza.report.admission import Patient

INSIDE = 0.25  # standard errors by which a bound is passed, so that whole rows and a new draw do not cross it again
SHOWN = 3  # culprits that a refusal names
Pair = tuple[int, int]


@dataclass(frozen=True)
class Held:
    """An expectation held against its pair: its reading, the association found, and the standard error of that.

    ``pair`` has the positions in ascending order; ``broken`` as CZ206 tells it.
    """

    reading: Reading
    pair: Pair
    value: float
    error: float
    broken: bool

    @property
    def turned(self) -> bool:
        """Whether the expectation names the features the other way round than ``pair``."""
        return self.reading.features != self.pair

    @property
    def beyond(self) -> float:
        """How far the association is from what was declared; 0 inside."""
        e = self.reading.expectation
        return max(e.low - self.value, self.value - e.high, 0.0)

    def of(self, table: FloatArray) -> float:
        """The association in a table of the pair."""
        return self.reading.value(table.T if self.turned else table)


def declared_case(patient: Patient, strata: Sequence[Where] = ()) -> Case:
    """The case of all pairs that break what the policy of the audit declares.

    Parameters
    ----------
    patient : a suspect whose ``evidence`` holds the policy that it was audited with.
    strata : slices inside which rows are moved; none: all rows together.

    Returns
    -------
    Case : a cure for each pair (and slice) that CZ206 flags, and for each culprit of the audit whose association is not
        as declared; the strongest breach first. Each aims at the nearest table (:mod:`credenza.repair.nearest`)
        that meets everything declared of the pair by a quarter of a standard error, or the middle of narrower bounds.
        ``left`` names the culprits that stay as they are.

    Raises
    ------
    InputError : no pair breaks the policy. InfeasibleError : what is declared cannot be met in the suspect's marginals.
    UsageError : the strata are those of a feature of such a pair.

    Notes
    -----
    CZ206 asks whether the whole interval of an association is outside what was declared; a repaired one is inside
    itself, so it is clear then. Inside slices the whole table still is what is measured, and the margins of every slice
    stay; bounds that hold in each slice are another matter (a policy speaks of all rows). Cost: one pass over the
    columns that the policy names, and one more for slices; a bootstrap of 400 draws for each expectation.
    """
    policy, schema = patient.evidence.policy, patient.schema
    if policy is None:
        raise ValueError("the patient has no policy")
    readings = [reading_of(schema, e, patient.source.name) for e in policy.expectations]
    pairs = list(dict.fromkeys(_ascending(reading.features) for reading in readings))
    tables = dict(zip(pairs, count(patient.source, schema, [Ask(pair) for pair in pairs]), strict=True))
    held = _held(patient, readings, tables)
    named = [(_pair_of(patient, culprit), culprit) for culprit in patient.audit.culprits]
    culprits = dict(reversed(named))
    strength = {
        pair: max(h.beyond / h.error for h in held if h.pair == pair and (h.broken or pair in culprits))
        for pair in pairs
        if any(h.pair == pair and h.beyond > 0 and (h.broken or pair in culprits) for h in held)
    }
    left = tuple(_left(held, pair, culprit) for pair, culprit in named if pair not in strength)
    if not strength:
        raise InputError(
            f"no pair breaks the policy {policy.source}: there is nothing to repair{_also(left)}"
        )
    order = sorted(strength, key=lambda pair: -strength[pair])
    cures, aims = _cures(patient, order, tables, held, culprits, strata)
    told = {"source": policy.source, "sha256": policy.sha256, "pairs": aims}
    notes = tuple(_sentence(aim) for aim in aims)
    return Case(patient.source, schema, tuple(cures), left, {"policy": told, "notes": notes})


def _held(patient: Patient, readings: Sequence[Reading], tables: Mapping[Pair, IntArray]) -> list[Held]:
    settings = patient.evidence.settings
    z = critical_value(settings.fdr, len(readings))
    out = []
    for k, reading in enumerate(readings):
        pair = _ascending(reading.features)
        table = tables[pair] if reading.features == pair else tables[pair].T
        value, error = reading.value(table), reading.error(table, (settings.seed, k))
        if not np.isnan(error):
            out.append(Held(reading, pair, value, error, reading.breaks(value, error, z)))
    return out


def _cures(
    patient: Patient,
    pairs: Sequence[Pair],
    tables: Mapping[Pair, IntArray],
    held: Sequence[Held],
    culprits: Mapping[Pair, Culprit],
    strata: Sequence[Where],
) -> tuple[list[Cure], list[dict[str, Any]]]:
    """A cure for each pair and slice, and what each expectation is aimed at."""
    for a, b in pairs if strata else ():
        require_apart((patient.schema.names[a], patient.schema.names[b]), strata[0])
    asks = [Ask(pair, where) for pair in pairs for where in strata]
    inside = iter(count(patient.source, patient.schema, asks) if asks else ())
    cures: list[Cure] = []
    aims: list[dict[str, Any]] = []
    for pair in pairs:
        found = [next(inside) for _ in strata] or [tables[pair]]
        rest = np.asarray(tables[pair] - sum(found), float)
        own = [h for h in held if h.pair == pair]
        wanted = nearest(found, [_demand(h, tables[pair]) for h in own], rest)
        edited = _edited(patient, culprits.get(pair), pair)
        for table, aim, where in zip(found, wanted, strata or (None,), strict=True):
            if table.sum():
                cures.append(Cure(pair, table, aim, edited, where, exact=True))
        aims += [_aimed(h, h.of(np.asarray(sum(wanted, rest)))) for h in own]
    return cures, aims


def _demand(held: Held, table: IntArray) -> Demand:
    """What an expectation demands; an association that is as declared may stay where it is."""
    e, reading = held.reading.expectation, held.reading
    inset = min(INSIDE * held.error, (e.high - e.low) / 2)
    low, high = e.low + inset, e.high - inset
    if not held.beyond:
        low, high = min(low, held.value), max(high, held.value)
    scores = _scores(reading, table.T if held.turned else table)
    a, b = map(repr, e.features)
    name = f"the {reading.measure} of {a} and {b}"
    if held.turned:
        block = reading.block[1], reading.block[0]
        return Demand(held.of, low, high, block, None if scores is None else scores.T, name)
    return Demand(held.of, low, high, reading.block, scores, name)


def _scores(reading: Reading, table: IntArray) -> FloatArray | None:
    """What the measure adds up over the block that counts; None of Cramer's V."""
    if reading.measure == "Cramer's V":
        return None
    if reading.measure == "MCC":
        scores = np.zeros(reading.block)
        scores[reading.cell or (1, 1)] = 1.0
        return scores
    held = reading.part(table)
    rows, columns = held.sum(axis=1), held.sum(axis=0)
    return np.outer(_ranks(rows), _ranks(columns))


def _ranks(counts: FloatArray) -> FloatArray:
    """Mid-ranks of levels, as shares, about their mean."""
    shares = counts / counts.sum()
    ranks = np.cumsum(shares) - shares / 2
    return np.asarray(ranks - ranks @ shares)


def _aimed(held: Held, value: float) -> dict[str, Any]:
    e = held.reading.expectation
    return {
        "features": list(e.features),
        "levels": None if e.levels is None else list(e.levels),
        "measure": held.reading.measure,
        "expect": e.expect,
        "bounds": [e.low, e.high],
        "before": held.value,
        "aimed": value,
    }


def _sentence(aim: Mapping[str, Any]) -> str:
    """What an expectation was aimed at, in words."""
    levels = aim["levels"] or ("", "")
    a, b = (f"{f} ({level})" if level else f for f, level in zip(aim["features"], levels, strict=True))
    low, high = aim["bounds"]
    moved = f"{aim['before']:+.3f}, aimed at {aim['aimed']:+.3f}"
    return f"{a} and {b}: {aim['measure']} {moved}, declared {aim['expect']} ({low:+.2f} to {high:+.2f})"


def _left(held: Sequence[Held], pair: Pair, culprit: Culprit) -> str:
    """Why a culprit is left alone."""
    a, b = map(repr, culprit.features)
    who = f"{a} x {b}" + (f" where {culprit.where}" if culprit.where else "")
    own = [h for h in held if h.pair == pair]
    if not own:
        return f"{who}: the policy does not speak of it"
    return f"{who}: its {own[0].reading.measure} of {own[0].value:+.3f} is as declared"


def _also(left: Sequence[str]) -> str:
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    return f" ({'; '.join(left[:SHOWN])}{more})" if left else ""


def _edited(patient: Patient, culprit: Culprit | None, pair: Pair) -> int | None:
    """Position of the feature whose values were edited in place, where the audit says so."""
    if culprit is None or culprit.edited is None:
        return None
    return next(f for f in pair if patient.schema.features[f].name == culprit.edited)


def _pair_of(patient: Patient, culprit: Culprit) -> Pair:
    a, b = (patient.schema.names.index(name) for name in culprit.features)
    return _ascending((a, b))


def _ascending(pair: Pair) -> Pair:
    return (pair[0], pair[1]) if pair[0] <= pair[1] else (pair[1], pair[0])
