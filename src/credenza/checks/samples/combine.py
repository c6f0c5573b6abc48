"""One verdict over rows from all checks that score them: who picks which rows, one score, and where checks agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from credenza.checks.samples.evidence import Labels
from credenza.contracts import BoolArray, FloatArray, IntArray, Outcome, RowGroup, RowSummary

QUIET = 0.1  # weight of a check in a class in which it picks nothing
TOP = 0.05  # share of the rows that are a check's top rows


@dataclass(frozen=True)
class RowScores:
    """What one check says of n rows.

    Attributes
    ----------
    scores : float64 (n,), high is suspicious, NaN where the row was not looked at.
    picked : bool (n,), the rows that its alarms are about.
    """

    scores: FloatArray
    picked: BoolArray


def surprise(scores: FloatArray) -> FloatArray:
    """-ln of the share of the rows that score as high or higher, (n,), in nats; 0 where the score is NaN.

    Examples
    --------
    >>> np.exp(-surprise(np.array([3.0, 1.0, np.nan, 1.0, 0.0]))).tolist()
    [0.25, 0.75, 1.0, 0.75, 1.0]
    """
    out = np.zeros(len(scores))
    known = np.isfinite(scores)
    values = np.sort(scores[known])
    if len(values):
        below = np.searchsorted(values, scores[known], side="left")
        out[known] = -np.log1p(-below / len(values))
    return out


def combine(checks: Sequence[RowScores], labels: IntArray, *, quiet: float = QUIET) -> FloatArray:
    """One score for each row.

    Parameters
    ----------
    checks : what each check says of the same n rows. labels : (n,), codes of the classes, 0 or more.
    quiet : weight of a check in a class in which it picks no row, in [0, 1]; 1 in the others.

    Returns
    -------
    (n,), in [0, 1], high is suspicious: the share of the rows that the checks together find less surprising; NaN where
    no check looked.

    Notes
    -----
    Every check turns its scores into surprises, -ln of the share of all rows that score as high; their weighted sum,
    which with equal weights is Fisher's (1925) way to join p-values, orders the rows. A check counts fully in the
    classes in which it raised an alarm, so that those that see nothing in an attack hardly disturb those that see it;
    where nobody raised one, all count alike. Neither the truth nor a rate is asked for. Ranks, since scores of
    different checks have no unit in common; over all classes, since checks that work within a class scale their
    scores by its bulk. Left out: the largest surprise alone, which forgets where checks agree, and weights learnt
    from attacks of the past, which would make the next one. Cost: O(n log n) a check.

    Examples
    --------
    >>> sees = RowScores(np.array([0.0, 1.0, 2.0, 9.0]), np.array([False, False, False, True]))
    >>> blind = RowScores(np.array([9.0, 1.0, 2.0, 0.0]), np.zeros(4, bool))
    >>> combine([sees, blind], np.zeros(4, int)).tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    total = np.zeros(len(labels))
    seen = np.zeros(len(labels), dtype=bool)
    classes = int(labels.max(initial=-1)) + 1
    for check in checks:
        loud = np.bincount(labels[check.picked], minlength=classes) > 0
        total += np.where(loud[labels], 1.0, quiet) * surprise(check.scores)
        seen |= np.isfinite(check.scores)
    out = np.full(len(labels), np.nan)
    total = np.round(total, 9)  # sums that are equal but for rounding are ties
    values = np.sort(total[seen])
    out[seen] = np.searchsorted(values, total[seen], side="left") / max(1, len(values))
    return out


def agreement(checks: Sequence[RowScores], *, top: float = TOP) -> IntArray:
    """How many checks have each row among the ``top`` share of the rows that they looked at, (n,).

    Examples
    --------
    >>> one = RowScores(np.arange(20.0), np.zeros(20, bool))
    >>> agreement([one, one])[-2:].tolist()
    [0, 2]
    """
    least = -np.log(top) - 1e-9
    return _count([surprise(check.scores) >= least for check in checks])


def summarise_rows(
    outcomes: Sequence[Outcome], labels: Labels | None, rows: IntArray | None = None
) -> RowSummary | None:
    """Put together what the checks that pick rows say.

    Parameters
    ----------
    outcomes : of all checks; those without ``scores`` and ``picked`` do not count.
    labels : of the suspect's n rows, or None. rows : which of these the scores are of, where they are of fewer.

    Returns
    -------
    RowSummary, or None where no check picks rows.

    Examples
    --------
    >>> from credenza.contracts import Status
    >>> scores, picked = np.array([0.1, 0.9, 0.2]), np.array([False, True, False])
    >>> outcome = Outcome("CZ403", "", Status.FLAGGED, scores=scores, picked=picked)
    >>> found = summarise_rows([outcome], Labels(np.array([0, 1, 0]), ("cat", "dog")))
    >>> found.picked, found.groups[0].label, found.combined.round(2).tolist()
    (1, 'dog', [0.0, 0.67, 0.33])
    """
    if labels is None:
        return None
    checks = {
        outcome.code: _spread(outcome.scores, outcome.picked, rows, len(labels.codes))
        for outcome in outcomes
        if outcome.scores is not None and outcome.picked is not None
    }
    if not checks:
        return None
    every = list(checks.values())
    votes = _count([check.picked for check in every])
    combined = combine(every, labels.codes)
    return RowSummary(
        rows=int(np.isfinite(combined).sum()),
        picked=int((votes > 0).sum()),
        agreed=int((votes > 1).sum()),
        checks=tuple((code, int(check.picked.sum())) for code, check in checks.items()),
        groups=_groups(checks, votes, labels),
        combined=combined,
        agreement=agreement(every),
    )


def _count(masks: Sequence[BoolArray]) -> IntArray:
    """How many of the masks, at least one, hold at each place."""
    return np.asarray(np.stack(masks).sum(axis=0), dtype=np.int64)


def _spread(scores: FloatArray, picked: BoolArray, rows: IntArray | None, n: int) -> RowScores:
    """Scores and picks of all n rows, from those of the rows listed."""
    if rows is None or len(scores) == n:
        return RowScores(scores, picked)
    wide, mask = np.full(n, np.nan), np.zeros(n, dtype=bool)
    wide[rows], mask[rows] = scores, picked
    return RowScores(wide, mask)


def _groups(checks: Mapping[str, RowScores], votes: IntArray, labels: Labels) -> tuple[RowGroup, ...]:
    """The classes with picked rows, most of them first."""
    k = len(labels.classes)
    counts = np.bincount(labels.codes[votes > 0], minlength=k)
    by_check = {code: np.bincount(labels.codes[c.picked], minlength=k) for code, c in checks.items()}
    order = np.argsort(-counts, kind="stable")
    return tuple(
        RowGroup(
            labels.classes[label],
            int(labels.sizes[label]),
            int(counts[label]),
            tuple(code for code, own in by_check.items() if own[label]),
        )
        for label in order[: int((counts > 0).sum())].tolist()
    )


def detection_ceiling(strength: float, share: float, fpr: float = TOP) -> float:
    """The most of the rows swapped in that any score of single rows finds at a false-positive rate.

    Parameters
    ----------
    strength : epsilon of associative replacement, in (-0.5, 0.5). share : d, the share of all rows that were in the
        emptier of the two over-filled cells before and still are, in [0, 1]. fpr : in [0, 1].

    Returns
    -------
    Upper bound on the true-positive rate, in [0, 1]: fpr (1 - 2 |epsilon|) / (2 d).

    Notes
    -----
    Rows swapped in are genuine, so that given the cell they look like its other rows, and a score can do no better
    than to take a share t of the cell with the most of them. There lie half of the 2 epsilon n rows: it finds t / 2
    of them, and takes t d n of the (1 - 2 epsilon) n others. Beyond t = 1 it goes on in the fuller cell at a lower
    rate, where the bound still holds (Neyman & Pearson 1933). Values edited within rows, copies and generated rows
    leave traces of their own and are not bound.

    Examples
    --------
    >>> round(detection_ceiling(0.094, 0.252), 3)
    0.081
    """
    if share <= 0:
        return 1.0
    return min(1.0, fpr * (1.0 - 2.0 * abs(strength)) / (2.0 * share))
