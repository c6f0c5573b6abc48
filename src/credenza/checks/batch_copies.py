"""CZ602: does a synthetic batch repeat itself, or the rows that it was made from?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from scipy import special

from credenza.checks.base import answer
from credenza.checks.batches.batch import Batch
from credenza.checks.batches.nearest import distance_ratios
from credenza.checks.batches.shares import Excess, share_excess, tail_excess
from credenza.checks.evidence import Evidence
from credenza.contracts import Finding, FloatArray, IntArray, Outcome, Severity
from credenza.data.kernels import Keys

NEAR_SHARES = 0.01, 0.02, 0.05  # of the reference's own rows count as near copies
QUERIES = 2_000  # rows of a side whose neighbours are looked for
NEIGHBOURS = 50_000  # rows of the reference that they are looked for among
LEAST_KNOWN = 3


class BatchCopies:
    """Does a synthetic batch repeat its own rows, or copy rows of the reference?

    Detects: (1) rows that repeat an earlier one (5%); (2) rows that equal one of the reference (2%); (3) rows much
    nearer to one row of the reference than to any other: the ratio of the distances to the nearest and the second
    nearest is below that of 99%, 98% or 95% of the reference's own rows, each compared with the others, whichever shows
    the largest excess (2%). Rows are compared without their label, by categories and by numbers in proportion. Each
    share counts beyond that which the reference shows itself, by exact tests at half of the check's level (near copies:
    a third of that for each cut); repeats by the rate of coinciding pairs as well, as CZ002 does.

    Cannot see: copies that were changed in many columns, or mixed of two rows; copies in a table so coarse that rows
    coincide anyway; rows of data that the generator saw and that are not in the reference.
    """

    code: ClassVar[str] = "CZ602"
    title: ClassVar[str] = "Synthetic: duplicates and copies"
    needs: ClassVar[tuple[str, ...]] = ("synthetic batch",)

    def run(self, evidence: Evidence) -> Outcome:
        """Count repeats, copies and near copies; score the rows by how near they are to one row of the reference."""
        batch = evidence.batch
        assert batch is not None
        own, known = batch.keys.own, batch.keys.known
        options, level = batch.options, batch.options.level / 2
        repeats = repeated(own, known)
        copies = share_excess(np.isin(own, known), _shared(known))
        near, scores = near_copies(batch)
        scores[np.isin(own, known)] = 1.0
        findings = []
        if repeats.beyond(options.duplicates, level):
            findings.append(self._finding("repeat an earlier row of the batch", repeats))
        if copies.beyond(options.copies, level):
            findings.append(self._finding("are rows of the reference", copies))
        elif near.beyond(options.copies, level):
            findings.append(self._finding("are nearly a row of the reference", near))
        details = {
            name: {"found": e.found, "rows": e.rows, "expected": e.expected, "p": e.p}
            for name, e in (("repeats", repeats), ("copies", copies), ("near", near))
        }
        clear = (
            f"beyond what the reference shows, {max(repeats.share, 0):.1%} of the rows repeat another, "
            f"{max(copies.share, 0):.1%} equal one of the reference and {max(near.share, 0):.1%} nearly do"
        )
        return answer(self, findings, clear, details=details, scores=scores)

    def _finding(self, what: str, excess: Excess) -> Finding:
        message = (
            f"{excess.found:,} of {excess.rows:,} rows {what} ({excess.found / excess.rows:.1%}), "
            f"where {excess.expected:.1%} would be ordinary"
        )
        return Finding(self.code, (), message, Severity.ALARM, p=excess.p, effect=excess.share)


def repeated(own: Keys, known: Keys) -> Excess:
    """Rows of a batch that repeat an earlier one, against what the reference gives for as many rows.

    Parameters
    ----------
    own, known : keys of the rows.

    Notes
    -----
    With n <= N rows, the reference gives n - sum over its distinct rows of 1 - C(N - c, n) / C(N, n), c being how often
    each occurs. Of more rows than the reference has, the share grows no faster than in proportion to n; so much is
    granted. p is that of a Poisson number of repeats, with the reference's own error added.

    Examples
    --------
    >>> keys = np.arange(1_000, dtype=np.uint64)
    >>> found = repeated(np.concatenate([keys[:920], keys[:80]]), keys)
    >>> found.found, found.expected, found.p < 1e-9
    (80, 0.0, True)
    """
    n, total = len(own), len(known)
    found = n - len(np.unique(own))
    _, counts = np.unique(known, return_counts=True)
    drawn = min(n, total)
    absent = np.exp(_log_choose(total - counts, drawn) - _log_choose(np.array([total]), drawn))
    share = (drawn - float((1.0 - absent).sum())) / max(drawn, 1) * max(n / max(total, 1), 1.0)
    share = float(np.clip(share, 0.0, 1.0))
    seen = share * total
    mean = n * (seen + 2.0 * np.sqrt(seen)) / max(total, 1)
    p = float(special.gammainc(found, mean)) if found and mean > 0 else float(found == 0)
    return Excess(found, n, share, p)


def near_copies(batch: Batch) -> tuple[Excess, FloatArray]:
    """(rows much nearer to one row of the reference than to any other, score of every row; NaN where none)."""
    rng = np.random.default_rng([batch.seed, 602])
    vectors = batch.spread
    kept = _drawn(rng, vectors.known.shape[0], NEIGHBOURS)
    known, rows = vectors.known[kept], _drawn(rng, batch.rows, QUERIES)
    scores = np.full(batch.rows, np.nan)
    if len(kept) < LEAST_KNOWN:
        return Excess(0, len(rows), 0.0, 1.0), scores
    asked = _drawn(rng, len(kept), QUERIES)
    ordinary = 1.0 - distance_ratios(known[asked], known, asked)
    scores[rows] = 1.0 - distance_ratios(vectors.own[rows], known)
    return largest_excess(scores[rows], ordinary), scores


def largest_excess(own: FloatArray, known: FloatArray) -> Excess:
    """The largest excess over the cuts of ``NEAR_SHARES``, its p multiplied by their number (Bonferroni).

    Copies that were changed a little lie above a far cut in part only, and above a near one among more ordinary rows.

    Examples
    --------
    >>> known = np.linspace(0, 1, 2_000)
    >>> found = largest_excess(np.concatenate([known[:960], np.full(40, 0.97)]), known)
    >>> found.found, round(found.expected, 2), found.beyond(0.02, 0.005)
    (40, 0.05, False)
    """
    cuts = [tail_excess(own, known, share) for share in NEAR_SHARES]
    largest = max(cuts, key=lambda excess: excess.share)
    return replace(largest, p=min(1.0, len(cuts) * largest.p))


def _shared(keys: Keys) -> np.ndarray:
    """Which rows have a twin."""
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[place] > 1)


def _drawn(rng: np.random.Generator, rows: int, most: int) -> IntArray:
    return np.arange(rows) if rows <= most else np.sort(rng.choice(rows, most, replace=False))


def _log_choose(n: IntArray, k: int) -> FloatArray:
    """ln C(n, k), minus infinity where k > n."""
    possible = np.maximum(n, k)
    value = special.gammaln(possible + 1.0) - special.gammaln(k + 1.0) - special.gammaln(possible - k + 1.0)
    return np.where(n >= k, value, -np.inf)
