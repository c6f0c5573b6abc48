"""Score rows class by class: fit on a sample of a class, score all rows in one pass, and test on rows not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.checks.samples.rates import SecondMode, second_mode
from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

BoolArray = NDArray[np.bool_]
LEAST_ROWS = 40  # of a class that is looked at: two halves of 20
BLOCK = 2**21  # numbers read at once
FITTED = 2**22  # numbers that a model is fitted to, at most
CLASSES = 64  # fitted at a time


@dataclass(frozen=True)
class Fitted:
    """A model of one class.

    Attributes
    ----------
    values : one number for each of (r, d) rows; planted rows make a heap of their own in these.
    statistic : what the published method looks at; see there.
    one_sided : whether only high values are suspicious; else values far from the rest on either side are.
    note : for people.
    """

    values: Callable[[FloatArray], FloatArray]
    statistic: float
    one_sided: bool = False
    note: str = ""


Fit = Callable[[FloatArray, np.random.Generator], Fitted]


@dataclass(frozen=True)
class ClassVerdict:
    """What was found in one class.

    Attributes
    ----------
    label : its code. rows : it has. statistic : of the method, NaN where the class was not looked at.
    p : of "the values have one mode"; None where the class was not looked at.
    flagged_rows : rows that are suspicious, 0 unless the class is flagged. rate : estimated share of planted rows, 0
        unless the class is flagged. note : for people.
    """

    label: int
    rows: int
    statistic: float
    p: float | None
    flagged_rows: int = 0
    rate: float = 0.0
    note: str = ""

    @property
    def flagged(self) -> bool:
        """Whether one mode was refuted."""
        return self.flagged_rows > 0


@dataclass(frozen=True)
class ClassScores:
    """Scores of all rows and verdicts on all classes.

    Attributes
    ----------
    scores : float64 (n,), 0 or more, high is suspicious, comparable between classes; NaN where a class is too small.
    flagged : bool (n,), the rows that are suspicious.
    per_class : verdicts by code of the class.
    """

    scores: FloatArray
    flagged: BoolArray
    per_class: tuple[ClassVerdict, ...]


def score_classes(
    embeddings: NDArray[np.floating],
    labels: IntArray,
    fit: Fit,
    *,
    level: float = 0.05,
    factor: float = 1.0,
    sample: int = 20_000,
    seed: int = 0,
) -> ClassScores:
    """Fit a model to each class, score all rows, and flag the classes whose values have two modes.

    Parameters
    ----------
    embeddings : finite, shape (n, d); may be memory-mapped. labels : codes 0, 1, ... of the classes, shape (n,).
    fit : makes a model of the rows (r, d) of a class.
    level : chance that any class of clean data is flagged, in (0, 1).
    factor : rows flagged for each that the second mode holds, 1 or more.
    sample : rows that a model is fitted to at most; fewer where rows are wide (4 million numbers).
    seed : of samples and halves.

    Returns
    -------
    ClassScores

    Raises
    ------
    UsageError : labels of another length, a level or factor out of range.

    Notes
    -----
    Verdict. A class is halved at random; a model of each half gives the values of the other half's rows, and these are
    tested for a second mode (:func:`~credenza.checks.samples.rates.second_mode`): what a model chases in its own rows
    does not count as evidence. Given the two models the halves are independent; Fisher's product joins their p-values
    (the models were made from the halves, which is neglected), and Holm's correction over the classes keeps ``level``.
    The null hypothesis is one mode of any shape, not a normal distribution, because representations of clean classes
    have heavy and skewed tails.

    Rate. Nobody tells the share of planted rows. It is estimated by the share of the rows beyond the cut between the
    modes, in the values of the model of the whole class; of a flagged class, the top ``factor`` x rate x rows are
    flagged.

    Scores. Values are taken from their median, divided by 1.4826 x the median absolute deviation and squared; in a
    flagged class median and deviation are those of the larger side of the cut, and only the other side's direction
    counts. So rows of different classes can be compared.

    Cost: three fits a class, and one pass over the rows for every 64 classes; O(n d) time a pass. Memory: 40 bytes a
    row, a block of rows and the models.
    """
    _require(embeddings, labels, level, factor)
    n, k = len(labels), int(labels.max(initial=-1)) + 1
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(k + 1))
    rng = np.random.default_rng(seed)
    half = rng.random(n) < 0.5
    whole, crossed = np.full(n, np.nan), np.full(n, np.nan)
    models: dict[int, Fitted] = {}
    for first in range(0, k, CLASSES):
        trios = {}
        for label in range(first, min(k, first + CLASSES)):
            rows = order[bounds[label] : bounds[label + 1]]
            if len(rows) >= LEAST_ROWS:
                trios[label] = _trio(embeddings, rows, half, fit, sample, rng)
        _pass(embeddings, labels, half, trios, whole, crossed)
        models |= {label: trio[0] for label, trio in trios.items()}
    rows_of = [order[bounds[label] : bounds[label + 1]] for label in range(k)]
    return _read(whole, crossed, half, rows_of, models, level, factor)


def _require(embeddings: NDArray[np.floating], labels: IntArray, level: float, factor: float) -> None:
    if embeddings.ndim != 2 or len(embeddings) != len(labels):
        raise UsageError(
            f"embeddings are {'x'.join(map(str, embeddings.shape))} for {len(labels):,} labels: "
            "give one row of numbers for each label"
        )
    if not 0 < level < 1:
        raise UsageError(f"level is {level}: give a number between 0 and 1")
    if not factor >= 1:
        raise UsageError(f"factor is {factor}: give a number of 1 or more")


def _trio(
    embeddings: NDArray[np.floating],
    rows: IntArray,
    half: BoolArray,
    fit: Fit,
    sample: int,
    rng: np.random.Generator,
) -> tuple[Fitted, Fitted, Fitted]:
    """Models of a class, of the rows outside the half and of those in it."""
    most = max(LEAST_ROWS, min(sample, FITTED // max(1, embeddings.shape[1])))
    inside = half[rows]
    fitted = []
    for own in (rows, rows[~inside], rows[inside]):
        if len(own) > most:
            own = np.sort(rng.choice(own, most, replace=False))
        fitted.append(fit(np.asarray(embeddings[own], dtype=np.float64), rng))
    return fitted[0], fitted[1], fitted[2]


def _blocks(n: int, d: int) -> Iterator[slice]:
    size = max(256, BLOCK // max(1, d))
    return (slice(first, min(n, first + size)) for first in range(0, n, size))


def _pass(
    embeddings: NDArray[np.floating],
    labels: IntArray,
    half: BoolArray,
    trios: dict[int, tuple[Fitted, Fitted, Fitted]],
    whole: FloatArray,
    crossed: FloatArray,
) -> None:
    """Fill in the values by the model of the class, and by that of the half without the row."""
    for block in _blocks(*embeddings.shape):
        rows = np.asarray(embeddings[block], dtype=np.float64)
        own, inside = labels[block], half[block]
        order = np.argsort(own, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(own[order])) + 1):
            if own[group[0]] not in trios:
                continue
            model, outer, inner = trios[int(own[group[0]])]
            whole[block.start + group] = model.values(rows[group])
            for part, other in ((group[inside[group]], outer), (group[~inside[group]], inner)):
                if len(part):
                    crossed[block.start + part] = other.values(rows[part])


def _read(
    whole: FloatArray,
    crossed: FloatArray,
    half: BoolArray,
    rows_of: list[IntArray],
    models: dict[int, Fitted],
    level: float,
    factor: float,
) -> ClassScores:
    """Verdicts and scores from the values."""
    logs = {}
    for label in models:
        rows = rows_of[label]
        parts = (crossed[rows[half[rows]]], crossed[rows[~half[rows]]])
        logs[label] = fisher(second_mode(parts[0]).log_p, second_mode(parts[1]).log_p)
    passed = holm(logs, level)
    flagged = np.zeros(len(whole), dtype=bool)
    verdicts = []
    for label, rows in enumerate(rows_of):
        if label not in models:
            note = f"{len(rows)} rows: at least {LEAST_ROWS} are needed"
            verdicts.append(ClassVerdict(label, len(rows), np.nan, None, note=note))
            continue
        model, values = models[label], whole[rows]
        mode = second_mode(values) if label in passed else None
        whole[rows] = standardised(values, mode, one_sided=model.one_sided)
        count = 0
        if mode is not None:
            count = min(len(rows), max(1, round(factor * mode.share * len(rows))))
            flagged[rows[np.argsort(-whole[rows], kind="stable")[:count]]] = True
        rate = 0.0 if mode is None else mode.share
        p = float(np.exp(logs[label]))
        verdicts.append(ClassVerdict(label, len(rows), model.statistic, p, count, rate, model.note))
    return ClassScores(whole, flagged, tuple(verdicts))


def fisher(first: float, second: float) -> float:
    """Log of the p-value that two independent ones make together, given their logs (Fisher 1925): p q (1 - log p q).

    Examples
    --------
    >>> round(float(np.exp(fisher(np.log(0.1), np.log(0.1)))), 3)
    0.056
    """
    product = min(0.0, first + second)
    return product + float(np.log1p(-product))


def holm(logs: dict[int, float], level: float) -> set[int]:
    """Keys whose log p is small enough by Holm's correction (1979).

    Examples
    --------
    >>> sorted(holm({0: -9.0, 1: -3.3, 2: 0.0}, 0.05)), sorted(holm({0: -3.3, 1: 0.0}, 0.05))
    ([0], [])
    """
    passed: set[int] = set()
    for rank, (key, log_p) in enumerate(sorted(logs.items(), key=lambda item: item[1])):
        if log_p > np.log(level / (len(logs) - rank)):
            break
        passed.add(key)
    return passed


def standardised(values: FloatArray, mode: SecondMode | None, *, one_sided: bool = False) -> FloatArray:
    """Squared distances from the bulk, in its robust standard deviations.

    Examples
    --------
    >>> standardised(np.array([-1.0, 0.0, 1.0, 8.0]), None).round(1).tolist()
    [1.0, 0.1, 0.1, 25.6]
    """
    bulk, sign = values, 0
    if mode is not None and not np.isnan(mode.cut):
        sign = 1 if mode.above else -1
        side = values <= mode.cut if mode.above else values > mode.cut
        bulk = values[side]
    elif one_sided:
        sign = 1
    centre = float(np.median(bulk))
    scale = 1.4826 * float(np.median(np.abs(bulk - centre)))
    z = (values - centre) / (scale if scale > 0 else max(float(np.std(bulk)), np.finfo(float).tiny))
    return np.asarray(z**2 if sign == 0 else np.maximum(sign * z, 0.0) ** 2)
