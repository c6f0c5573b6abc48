"""What calculation says of a target before anything is planted: its curve, its strengths, the rows it would take."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from credenza.association.power import AttackPower
from credenza.attacks import ContinuousPoisoning
from credenza.contracts import FloatArray, IntArray
from credenza.data import Feature, open_source
from credenza.data.encode import encode_column
from credenza.drill.effects import exchanged_change, relabelled_change, repaired_change
from credenza.drill.pool import Pool
from credenza.drill.settings import CHANCES, DrillSettings
from credenza.drill.target import Target

DRAWS = 1_000
CURVE = 12  # points of the analytic curve
DIGITS = 4  # of a strength that is planted
BLIND = (0.25, 0.5, 0.75, 1.0)  # of the limit, where nothing within it is seen with 80%


@dataclass(frozen=True)
class Forecast:
    """The analytic curve of a target.

    Attributes
    ----------
    strengths : to plant, ascending. named, alarm : chances at these.
    curve : (strength, chance of being named) along the range that is drawn.
    caught : strength for each of ``CHANCES``; infinite where none up to the limit is.
    reference_rows : rows the reference needs for the drill's target strength at 80%; infinite where none are enough;
        None where the target is out of range.
    """

    strengths: tuple[float, ...]
    named: tuple[float, ...]
    alarm: tuple[float, ...]
    curve: tuple[tuple[float, float], ...]
    caught: tuple[float, ...]
    reference_rows: float | None


def forecast(pool: Pool, target: Target, settings: DrillSettings) -> Forecast:
    """Work out what to expect of a target.

    Cost: about a second.
    """
    power = power_of(pool, target, settings)
    caught = tuple(power.strength_for(chance) for chance in CHANCES)
    strengths = _strengths(target, settings, caught[0])
    chances = [power.at(strength) for strength in strengths]
    most = strengths[-1]
    xs = np.linspace(0, 1.1 * most, CURVE + 1)[1:]
    curve = tuple((float(x), power.at(float(x)).named) for x in xs if x <= target.limit * 1.0001)
    reachable = settings.target <= target.limit
    return Forecast(
        strengths,
        tuple(c.named for c in chances),
        tuple(c.alarm for c in chances),
        curve,
        caught,
        power.reference_rows_for(settings.target, CHANCES[0]) if reachable else None,
    )


def _strengths(target: Target, settings: DrillSettings, seen: float) -> tuple[float, ...]:
    """The strengths to plant, to ``DIGITS`` digits."""
    if target.kind.direction == "erase":
        return (target.limit,)
    if settings.strengths:
        return tuple(sorted(set(settings.strengths)))
    wanted = [f * seen for f in settings.factors] if isfinite(seen) else [f * target.limit for f in BLIND]
    within = [min(x, target.limit) for x in wanted if x < 1.2 * target.limit]
    floor = 10.0 ** -(DIGITS - 1)
    return tuple(sorted({float(f"{x * (1 - floor):.{DIGITS}g}") for x in within}))


def power_of(pool: Pool, target: Target, settings: DrillSettings) -> AttackPower:
    """The analytic model of a target."""
    codes, layout = pool.codes(), pool.layout
    i, j = (pool.schema.index(name) for name in target.pair)
    order = np.random.default_rng([settings.seed, 4]).permutation(len(codes))
    return AttackPower(
        codes[order],
        pool.joint(),
        change_of(pool, target, codes),
        layout,
        (i, j),
        pool.reference_rows,
        pool.suspect_rows,
        keeps_rest=target.kind.mode in ("replace", "duplicate"),
        copies=_copies(target, codes),
        limit=target.limit,
        fdr=settings.fdr,
        min_strength=settings.min_strength,
        draws=DRAWS,
        seed=settings.seed,
    )


def change_of(pool: Pool, target: Target, codes: NDArray[np.uint8]) -> FloatArray:
    """Change (K, K) of the pair shares for a strength of 1."""
    layout, kind = pool.layout, target.kind
    i, j = (pool.schema.index(name) for name in target.pair)
    if kind.mode == "continuous":
        plan = ContinuousPoisoning(target.pair, edits=1.0, direction=kind.direction).plan(
            open_source(pool.table.select(list(target.pair))), None, 0
        )
        values = plan.output.table([target.pair[1]])[target.pair[1]]
        return repaired_change(codes, layout, j, encode_column(values, pool.schema.features[j]))
    assert target.levels is not None
    features = pool.schema.features[i], pool.schema.features[j]
    a, b = (_attacked(codes[:, k], f) for k, f in zip((i, j), features, strict=True))
    levels = tuple(f.values.index(v) for f, v in zip(features, target.levels, strict=True))
    positive = kind.direction == "positive"
    if kind.direction == "erase":
        x, u, v = (
            float(np.mean(k)) for k in ((a == levels[0]) & (b == levels[1]), a == levels[0], b == levels[1])
        )
        positive = x < u * v
    if kind.mode == "relabel":
        return relabelled_change(codes, layout, j, a, b, (levels[0], levels[1]), positive=positive)
    return exchanged_change(codes, layout, a, b, (levels[0], levels[1]), positive=positive)


def _attacked(codes: NDArray[np.uint8], feature: Feature) -> IntArray:
    """Codes of a feature as attacks see them: -1 for missing."""
    out = codes.astype(np.int64)
    if feature.missing is not None:
        out[codes == feature.missing] = -1
    return out


def _copies(target: Target, codes: NDArray[np.uint8]) -> float:
    """Share of the suspect's rows that an attack of strength 1 makes copies, where rows do not coincide anyway."""
    if target.kind.mode != "duplicate":
        return 0.0
    distinct = len(np.unique(codes, axis=0))
    return 2.0 if distinct > len(codes) / 2 else 0.0


def shortfall(needed: float | None, rows: int) -> float | None:
    """How many reference rows are missing: 0 or more; infinite where no number is enough; None where out of range."""
    if needed is None:
        return None
    return inf if not isfinite(needed) else max(0.0, needed - rows)
