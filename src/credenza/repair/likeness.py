"""How well the rest of a row goes with each level of one of its features: cross-fitted logistic regressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, sparse

from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, encode
from credenza.data.encode import Codes
from credenza.data.sources import Source
from credenza.repair.case import Case
from credenza.repair.choice import posterior
from credenza.repair.slices import BoolArray

SAMPLE = 20_000  # rows that the model is fitted on
FOLDS = 2
ROUNDS = 20  # of fits, where values were edited, at most
SETTLED = 0.005  # of the rows moved: a smaller change of mind is the last
ITERATIONS = 200  # of one fit
STEPS = 20  # of one that goes on from another
RIDGE = 1.0  # on the coefficients, against the sum of the log-likelihood

Matrix = Any  # FloatArray (rows, d), or a scipy CSR array of that shape


@dataclass(frozen=True)
class Model:
    """Multinomial logistic regressions of a feature's level on the rest of the row, one for each fold.

    ``fold`` is that of the rows fitted on, -1 for all others; shape (n,), int8. ``coefficients`` have shape
    (FOLDS, d + 1, L), the last row the intercepts.
    """

    coefficients: FloatArray
    fold: np.ndarray

    def scores(self, matrix: Matrix, rows: IntArray) -> FloatArray:
        """Log odds of each level, up to a constant a row, by models that have not seen the row; float32 (rows, L)."""
        parts = np.stack([matrix @ c[:-1] + c[-1] for c in self.coefficients])
        fold = self.fold[rows]
        own = parts[np.maximum(fold, 0), np.arange(len(rows))]
        return np.asarray(np.where((fold >= 0)[:, None], own, parts.mean(axis=0)), dtype=np.float32)


@dataclass(frozen=True)
class Leaving:
    """What is known of an edit of a feature along its partner: shares that left their level for another.

    ``shares[j, i, t]``: of the rows with partner level j that now have level i, the share that should have t.
    """

    partner: Codes
    shares: FloatArray

    def truth(self, levels: Codes, rows: IntArray, scores: FloatArray) -> FloatArray:
        """Chances that each row's level should be each other one, given what the rest of the row says; (rows, L)."""
        partner, out = self.partner[rows], np.zeros(scores.shape)
        out[np.arange(len(rows)), levels] = 1.0
        for j, i in np.argwhere(self.shares.sum(axis=2) > 0):
            here = np.flatnonzero((partner == j) & (levels == i))
            targets = np.flatnonzero(self.shares[j, i])
            chances = self.chances(scores[here], int(i), targets, self.shares[j, i, targets] * len(here))
            out[np.ix_(here, targets)] = chances
            out[here, i] -= chances.sum(axis=1)
        return np.maximum(out, 0.0)

    @staticmethod
    def chances(scores: FloatArray, level: int, targets: IntArray, counts: FloatArray) -> FloatArray:
        """Chances that rows of one level should have each of some others, so many in all; shape (rows, T)."""
        wide = scores.astype(np.float64)
        return posterior(wide[:, level], wide[:, targets], counts)


def level_scores(
    case: Case,
    feature: int,
    levels: Codes,
    rows: IntArray,
    inside: BoolArray,
    leaving: Leaving | None,
    content: FloatArray | None,
    seed: int,
) -> FloatArray:
    """How well the rest of each row goes with each level of a feature.

    Parameters
    ----------
    case : the data. feature : position in its schema. levels : codes of the feature as found, shape (n,).
    rows : rows to score, ascending. inside : rows to learn from, shape (n,).
    leaving : where values were edited, how many. The model then learns from the reference's rows, whose values nobody
        edited; without them (or with ``content``) from what the values probably were: it is fitted again to the chances
        that it gives itself (expectation maximisation with the numbers moved known).
    content : array (n, d) to judge by; None: the other features of the schema. seed : of the sample and the folds.

    Returns
    -------
    float32 (rows, L): log odds of each level up to a constant a row, cross-fitted where the suspect's own rows are
    learned from, so that no row vouches for itself.

    Notes
    -----
    Cost: fits on 20,000 rows, and two passes over the data. Memory: 4 bytes for each row scored and level. Left out:
    interactions of the other features.
    """
    rng = np.random.default_rng((seed, feature, 1))
    if leaving is not None and content is None and case.reference is not None:
        return _Columns.of(case, feature).scored(_taught(case, case.reference, feature, rng), rows)
    candidates = np.flatnonzero(inside)
    drawn = np.sort(rng.choice(candidates, min(SAMPLE, len(candidates)), replace=False))
    fold = np.full(case.source.rows, -1, dtype=np.int8)
    fold[drawn] = rng.permutation(len(drawn)) % FOLDS
    reader = _Columns.of(case, feature) if content is None else _Array(content)
    known, size = reader.at(drawn), case.feature(feature).size
    truth = np.zeros((len(drawn), size))
    truth[np.arange(len(drawn)), levels[drawn]] = 1.0
    model = _learnt(known, truth, fold[drawn], fold, None)
    for _ in range(ROUNDS - 1):
        if leaving is None:
            break
        before, truth = truth, leaving.truth(levels[drawn], drawn, model.scores(known, drawn))
        moved = len(truth) - truth[np.arange(len(drawn)), levels[drawn]].sum()
        if np.abs(truth - before).sum() / 2 < SETTLED * moved:
            break
        model = _learnt(known, truth, fold[drawn], fold, model)
    return reader.scored(model, rows)


def _taught(case: Case, reference: Source, feature: int, rng: np.random.Generator) -> Model:
    """One fit, to rows of the reference.

    Its score equations make the level go with each other feature in the rows fitted on as it does there, so values that
    are drawn by it restore those pairs too, which a model learned from edited values does not quite.
    """
    drawn = np.sort(rng.choice(reference.rows, min(SAMPLE, reference.rows), replace=False))
    column = Schema((case.feature(feature),))
    levels = np.concatenate([encode(batch, column)[:, 0] for batch in reference.batches(column.names)])
    truth = np.eye(case.feature(feature).size)[levels[drawn]]
    fit = fitted(_Columns.of(case, feature, reference).at(drawn), truth, None)
    return Model(np.stack([fit] * FOLDS), np.full(case.source.rows, -1, dtype=np.int8))


def _learnt(
    known: Matrix, truth: FloatArray, part: np.ndarray, fold: np.ndarray, start: Model | None
) -> Model:
    """One fit for each fold, to the rows of the other ones."""
    fits = []
    for f in range(FOLDS):
        seen = np.flatnonzero(part != f)
        fits.append(fitted(known[seen], truth[seen], None if start is None else start.coefficients[f]))
    return Model(np.stack(fits), fold)


@dataclass(frozen=True)
class _Columns:
    """The other features of the schema, one column of zeros and ones for each level."""

    source: Source
    part: Schema

    @classmethod
    def of(cls, case: Case, feature: int, source: Source | None = None) -> _Columns:
        others = tuple(f for place, f in enumerate(case.schema.features) if place != feature)
        return cls(source or case.source, Schema(others))

    def at(self, rows: IntArray) -> Matrix:
        return sparse.vstack([block for _, block in self._blocks(rows)], format="csr")

    def scored(self, model: Model, rows: IntArray) -> FloatArray:
        parts = [model.scores(block, here) for here, block in self._blocks(rows)]
        return np.concatenate(parts)

    def _blocks(self, rows: IntArray) -> Iterator[tuple[IntArray, Matrix]]:
        start = done = 0
        for batch in self.source.batches(self.part.names):
            upto = int(np.searchsorted(rows, start + batch.num_rows))
            if upto > done:
                here = rows[done:upto]
                yield here, self._one_hot(encode(batch, self.part)[here - start])
            start, done = start + batch.num_rows, upto

    def _one_hot(self, codes: np.ndarray) -> Matrix:
        n, m = codes.shape
        places = (codes + self.part.offsets[:-1]).ravel()
        starts = np.arange(0, n * m + 1, m)
        return sparse.csr_array((np.ones(n * m), places, starts), shape=(n, self.part.planes))


@dataclass(frozen=True)
class _Array:
    """Content that is given, one row for each row of the data."""

    content: FloatArray

    def at(self, rows: IntArray) -> Matrix:
        return self.content[rows]

    def scored(self, model: Model, rows: IntArray) -> FloatArray:
        parts = [
            model.scores(self.content[part], part) for part in np.array_split(rows, len(rows) // 50_000 + 1)
        ]
        return np.concatenate(parts)


def fitted(matrix: Matrix, truth: FloatArray, start: FloatArray | None) -> FloatArray:
    """Coefficients of a multinomial logistic regression with a ridge, shape (d + 1, L), the intercepts last.

    ``truth`` are the shares of each level in each row; ``start`` is where to begin.
    """
    (n, d), size = matrix.shape, truth.shape[1]
    turned = matrix.T.tocsr() if sparse.issparse(matrix) else matrix.T

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        c = flat.reshape(d + 1, size)
        logits = matrix @ c[:-1] + c[-1]
        top = logits.max(axis=1, keepdims=True)
        norm = np.log(np.exp(logits - top).sum(axis=1, keepdims=True)) + top
        value = float((norm[:, 0] - (truth * logits).sum(axis=1)).sum() + RIDGE / 2 * (c[:-1] ** 2).sum())
        error = np.exp(logits - norm) - truth
        slope = np.vstack([turned @ error + RIDGE * c[:-1], error.sum(axis=0)])
        return value / n, slope.ravel() / n

    steps = ITERATIONS if start is None else STEPS
    if start is None:
        start = np.zeros((d + 1, size))
        start[-1] = np.log(truth.mean(axis=0) + 1 / n)
    solved = optimize.minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return np.asarray(solved.x).reshape(d + 1, size)
