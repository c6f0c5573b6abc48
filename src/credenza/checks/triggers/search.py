"""One search for a trigger in class means: over classes, places, waves and times, with one p-value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from credenza.checks.triggers.blocks import Blocks
from credenza.checks.triggers.energies import WINDOWS, Energies, box_mean, energies
from credenza.checks.triggers.locate import Box, best_box, wave_picture
from credenza.contracts import FloatArray
from credenza.errors import UsageError

NEVER = 1e-12  # energies below are taken as this
PLAIN = 1e-4  # p-value from where both sorts may be shown
QUANTILES = (0.9, 0.99)  # of the other classes' energies, which set the scale of one class's


@dataclass(frozen=True)
class TriggerSearch:
    """What a search for a trigger found.

    Attributes
    ----------
    p : of "no class deviates from the others anywhere", over all classes, places, waves and times. level : of the test.
    flagged : p <= level. target : code of the class that deviates most. kind : "place" or "frequency".
    statistic : its strongest deviation in normal units. box : (top, left, height, width) in pixels, the whole image
        for kind "frequency". heat : (H, W), for a place the energy of each pixel, for waves the size of the pattern.
    times : noise levels, (0,) for data. curve : (T, k), the strongest deviation by time and class, normal units.
    by_class : (k,), p-values by class, not corrected for their number. frequency : periods down and across, of a wave.
    amplitude : grey levels by which the strongest pixel of the mean deviates, or the amplitude of the wave.
    rows : images of the suspect side.
    """

    p: float
    level: float
    target: int
    kind: str
    statistic: float
    box: Box
    heat: FloatArray = field(repr=False)
    times: tuple[int, ...]
    curve: FloatArray
    by_class: FloatArray
    amplitude: float
    frequency: tuple[int, int] | None
    rows: int

    @property
    def flagged(self) -> bool:
        """Whether a class deviates at this level."""
        return self.p <= self.level


@dataclass(frozen=True)
class _Field:
    """Normal units of one sort of deviation at one time: (k, ...), and how many independent ones a class has.

    ``freedom`` : of how many independent ones their scale was taken.
    """

    kind: str
    window: int
    units: FloatArray
    number: float
    freedom: float


def search(
    suspect: Blocks,
    known: Blocks,
    *,
    times: tuple[int, ...] = (0,),
    early: int = 0,
    level: float = 0.05,
) -> TriggerSearch:
    """Look for a class whose mean image deviates from the reference as the other classes' means do not.

    The energy of a window is the mean of the squared deviations in it (:func:`energies`), of a wave its own. The
    logarithm of an energy, less the median over the other classes' windows (and, of places, over the class's own) and
    divided by their scale (the larger of their 90% and 99% points over those of a normal variable), is taken as
    Student's t, with as many degrees of freedom as windows lie side by side in the other classes: the scale is known no
    better, and in few classes of small images that counts.
    p-values: Bonferroni over the positions of a window and over the classes; over windows, waves and times the Cauchy
    combination, which holds under dependence.

    Parameters
    ----------
    suspect, known : class means of both sides. times : names of the suspect's times. level : of the test, in (0, 0.5].
    early : times below are in the curve and take no part in the test, unless all are.

    Raises
    ------
    UsageError : the level is out of range.

    Notes
    -----
    Cost: O(T k g H W C). Sources: Cauchy combination, Liu & Xie 2020 (JASA 115); an empirical null, Efron 2004 (JASA
    99). Left out: shapes other than squares; patterns that all classes share.
    """
    require_level(level)
    found = [energies(suspect, known, time) for time in range(len(times))]
    fields = [_fields(at) for at in found]
    curve = np.array([np.max([_peak(one) for one in at], axis=0) for at in fields])
    tested = [place for place, time in enumerate(times) if time >= min(early, max(times))]
    found, fields = [found[place] for place in tested], [fields[place] for place in tested]
    by_field = np.array([[_class_p(one) for one in at] for at in fields])  # (T, fields, k)
    weights = np.array([1.0] * (len(fields[0]) - 1) + [len(fields[0]) - 1.0])  # windows together, and waves
    by_class = np.array([cauchy(by_field[:, :, c], weights) for c in range(by_field.shape[2])])
    target = int(by_class.argmin())
    time, place = _shown(by_field[:, :, target], found, target, level)
    best, at = fields[time][place], found[time]
    box, heat, frequency, amplitude = _where(best, at, target)
    scale = suspect.scale
    return TriggerSearch(
        p=float(min(1.0, by_class[target] * len(by_class))),
        level=level,
        target=target,
        kind=best.kind,
        statistic=float(_peak(best)[target]),
        box=(box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale),
        heat=heat,
        times=times,
        curve=curve,
        by_class=by_class,
        amplitude=amplitude,
        frequency=frequency,
        rows=int(suspect.rows.sum()),
    )


def cauchy(p: FloatArray, weights: FloatArray) -> float:
    """One p-value of several (T, f) with weights (f,), whatever their dependence (approximately, in the tail).

    One that is far from significant counts as 0.5, so that it takes nothing back.

    >>> round(cauchy(np.full((3, 2), 0.01), np.ones(2)), 4), cauchy(np.array([[1e-8, 1.0]]), np.ones(2)) < 1e-7
    (0.01, True)
    """
    clipped = np.clip(p, 1e-300, 0.5)
    mean = float((1 / np.tan(np.pi * clipped) * weights).sum() / (weights.sum() * len(p)))
    return float(np.arctan2(1.0, mean) / np.pi)


def require_level(level: float) -> None:
    """Refuse a level that is no such."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level <= 0.5:
        raise UsageError(f"level is above 0 and at most 0.5; found {level!r}")


def _fields(at: Energies) -> list[_Field]:
    height, width = at.place.shape[1:]
    others = max(1, len(at.place) - 1)
    found = []
    for window in WINDOWS:
        if 2 * window > min(height, width):
            break
        mean = box_mean(at.place[..., None], window)[..., 0]
        number = height * width / max(1.0, window**2 / 2)
        freedom = others * height * width / window**2
        found.append(_Field("place", window, _units(mean, own=True), number, freedom))
    waves = at.wave[0].size
    return [*found, _Field("frequency", 1, _units(at.wave, own=False), waves, others * waves)]


def _units(energy: FloatArray, *, own: bool) -> FloatArray:
    """Energies (k, ...) in normal units; ``own``: a class that deviates everywhere deviates nowhere in particular."""
    logs = np.log(np.maximum(energy, NEVER)).reshape(len(energy), -1)
    found = np.empty_like(logs)
    for label in range(len(logs)):
        others = np.delete(logs, label, axis=0) if len(logs) > 1 else logs
        middle = float(np.median(others))
        scale = max((float(np.quantile(others, q)) - middle) / float(special.ndtri(q)) for q in QUANTILES)
        middle = max(middle, float(np.median(logs[label]))) if own else middle
        found[label] = (logs[label] - middle) / max(scale, NEVER)
    return found.reshape(energy.shape)


def _peak(one: _Field) -> FloatArray:
    return np.asarray(one.units.reshape(len(one.units), -1).max(axis=1))


def _class_p(one: _Field) -> FloatArray:
    return np.asarray(np.minimum(1.0, one.number * special.stdtr(one.freedom, -_peak(one))))


def _shown(p: FloatArray, found: list[Energies], target: int, level: float) -> tuple[int, int]:
    """(time, field) to show: the smaller p, or where both sorts are plain, the one that is more concentrated."""
    last = p.shape[1] - 1
    time, place = divmod(int(p[:, :last].argmin()), last)
    wave = int(p[:, last].argmin())
    low, high = sorted((float(p[time, place]), float(p[wave, last])))
    if high <= min(level, PLAIN, low ** (1 / 3)):
        local = _share(found[time].place[target]) <= _share(found[wave].wave[target])
    else:
        local = p[time, place] <= p[wave, last]
    return (time, place) if local else (wave, last)


def _share(energy: FloatArray) -> float:
    """Share of the positions that hold what is beyond the ordinary, from 0 to 1."""
    beyond = np.maximum(energy - 2 * np.median(energy), 0)
    return float(beyond.sum() ** 2 / max(energy.size * (beyond**2).sum(), NEVER))


def _where(best: _Field, at: Energies, target: int) -> tuple[Box, FloatArray, tuple[int, int] | None, float]:
    """(box, heat, periods, grey levels) of the strongest deviation of a class."""
    height, width = at.place.shape[1:]
    peak = np.unravel_index(best.units[target].argmax(), best.units[target].shape)
    centre = (int(peak[0]), int(peak[1]))
    if best.kind == "place":
        box, most = best_box(at.moved[target], at.error[target], centre, best.window)
        return box, at.place[target], None, most
    picture = wave_picture(at.waves[target], best.units[target], (height, width))
    down = centre[0] if centre[0] <= height // 2 else centre[0] - height
    return (
        (0, 0, height, width),
        np.abs(picture).mean(axis=-1),
        (down, centre[1]),
        float(np.abs(picture).max()),
    )
