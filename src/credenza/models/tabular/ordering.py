"""In which order the levels of a feature follow each other along the normal variable behind it."""

from __future__ import annotations

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.data import Feature, Schema

SWEEPS = 5


def level_orders(joint: FloatArray, schema: Schema) -> tuple[IntArray, ...]:
    """Levels of every feature in ascending order, so that one latent number carries most of the association.

    Levels without an order of their own (names, "(other)") get the scores u that maximise the sum over the other
    features k of Corr(u, s_k)^2, feature after feature, a few times over: single quantification in the sense of Gifi
    (1990, Nonlinear Multivariate Analysis, 4.5). s_k are mid-ranks where k is binary or binned, its own scores
    otherwise; the first are those of the correspondence analysis against all levels. Bins keep their order,
    "(missing)" goes to the end of them that its score is on. Binary features stay as they are.

    Parameters
    ----------
    joint : (K, K) pair counts, marginals on the diagonal. schema : m features.

    Returns
    -------
    m arrays (L,) of codes.

    Notes
    -----
    Cost O(sum L^2 K). On the adult census (48,842 rows, 8 names of 3 to 28 levels) the mean error of Cramer's V
    over all pairs is .043 with this order, .044 with the first scores and .084 with the lexical order. A latent for
    every level, the largest taken, brings it to .035, but moves the marginals (by up to .008), which here must not
    move.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.association.counts import PairCounts
    >>> from credenza.data import encode, fit_schema, sketch
    >>> table = pa.table({"size": ["big", "mid", "small"] * 40, "kg": [9, 5, 1] * 40})
    >>> schema = fit_schema(sketch(table))
    >>> counts = PairCounts.empty(schema.sizes).update(encode(table, schema))
    >>> [order.tolist() for order in level_orders(counts.joint.astype(float), schema)]
    [[2, 1, 0], [0, 1, 2]]
    """
    features = schema.features
    spans = [slice(int(a), int(b)) for a, b in zip(schema.offsets[:-1], schema.offsets[1:], strict=True)]
    margins = np.diag(joint)
    scores = [_standardised(np.cumsum(margins[own]) - margins[own] / 2, margins[own]) for own in spans]
    free = [j for j, feature in enumerate(features) if feature.size > 2 and feature.ordered < feature.size]
    for j in free:
        if not features[j].ordered:
            scores[j] = _leading(joint, spans[j], np.eye(len(joint)))
    for _ in range(SWEEPS):
        for j in free:
            found = _leading(joint, spans[j], _columns(scores, spans, len(joint)))
            scores[j] = _kept(found, scores[j], features[j], margins[spans[j]])
    return tuple(_order(feature, scores[j]) for j, feature in enumerate(features))


def _leading(joint: FloatArray, own: slice, columns: FloatArray) -> FloatArray:
    """Scores (L,) of a feature's levels whose correlations with ``columns`` (K, c) of other features are strongest."""
    margins = np.diag(joint)
    others = np.ones(len(joint), bool)
    others[own] = False
    total = max(float(margins[own].sum()), 1.0)
    shares, share = joint[own][:, others] / total, margins[own] / total
    weights = columns[others] / np.sqrt(np.maximum((margins[others] / total) @ columns[others] ** 2, 1e-12))
    excess = (shares - np.outer(share, margins[others] / total)) @ weights
    left, _, right = np.linalg.svd(excess / np.sqrt(np.maximum(share, 1e-12))[:, None], full_matrices=False)
    sign = 1.0 if right[0].sum() >= 0 else -1.0
    return _standardised(sign * left[:, 0] / np.sqrt(np.maximum(share, 1e-12)), margins[own])


def _columns(scores: list[FloatArray], spans: list[slice], size: int) -> FloatArray:
    """The features' scores as columns (K, m), each zero outside its own levels."""
    columns = np.zeros((size, len(scores)))
    for j, own in enumerate(spans):
        columns[own, j] = scores[j]
    return columns


def _kept(found: FloatArray, before: FloatArray, feature: Feature, margin: FloatArray) -> FloatArray:
    """New scores: all of them for names; beside bins, those of the other levels, put on the bins' side and scale."""
    if not feature.ordered:
        return found
    bins = slice(0, feature.ordered)
    rising = margin[bins] @ (found[bins] * before[bins]) >= 0
    level = np.where(rising == (found > np.average(found[bins], weights=margin[bins])), np.inf, -np.inf)
    reach = before[bins].max() + 1.0, before[bins].min() - 1.0
    moved = np.where(level > 0, *reach)
    return np.concatenate([before[bins], moved[feature.ordered :]])


def _standardised(scores: FloatArray, margin: FloatArray) -> FloatArray:
    total = max(float(margin.sum()), 1e-300)
    centred = scores - margin @ scores / total
    spread = float(np.sqrt(margin @ centred**2 / total))
    return np.asarray(centred / spread if spread > 0 else np.zeros(len(scores)))


def _order(feature: Feature, scores: FloatArray) -> IntArray:
    if feature.size <= 2 or feature.ordered == feature.size:
        return np.arange(feature.size)
    return np.argsort(scores, kind="stable")
