"""Repaired data in training: weights as an array, for a torch sampler, or as rows for any loader."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from credenza.contracts import FloatArray, IntArray
from credenza.data import open_source
from credenza.data.columns import Family, as_floats, family
from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.repair.ledger import WEIGHT_COLUMN


def row_weights(repaired: Any, *, column: str = WEIGHT_COLUMN) -> FloatArray:
    """The weights of repaired rows as one array.

    Parameters
    ----------
    repaired : what was repaired by reweighting: a path, or a frame in memory, with the column of weights; or the
        treatment itself, or anything else whose ``weights`` are an array or give batches of them when called.
    column : name of the column.

    Returns
    -------
    float64, shape (n,), in row order; mean 1 over all rows.

    Raises
    ------
    InputError : there is no such column, it holds something else than numbers, or one that is missing, negative or
        not finite.

    Notes
    -----
    Cost: one pass over one column. Memory: 8 bytes a row.

    Examples
    --------
    >>> import pyarrow as pa
    >>> row_weights(pa.table({"smile": [0, 1], "weight": [0.5, 1.5]}))
    array([0.5, 1.5])
    """
    held = None if isinstance(repaired, str | os.PathLike) else getattr(repaired, "weights", None)
    if isinstance(held, np.ndarray):
        return _checked(held, "weights")
    if callable(held):
        return _checked(np.concatenate(list(held())), "weights")
    source = open_source(repaired)
    if column not in source.columns:
        raise InputError(
            f"{source.name} has no column {column!r}; give data that was repaired by reweighting"
        )
    kind = source.schema.field(column).type
    if family(kind) is not Family.NUMBER:
        raise InputError(f"column {column!r} is {kind}; weights are numbers")
    parts = [as_floats(batch.column(0)) for batch in source.batches([column])]
    return _checked(np.concatenate(parts), f"column {column!r}")


def sampler_weights(repaired: Any, *, column: str = WEIGHT_COLUMN) -> Any:
    """The weights of repaired rows for ``torch.utils.data.WeightedRandomSampler``: a double tensor, shape (n,).

    Takes and raises what :func:`row_weights` does.

    Raises
    ------
    MissingExtraError : torch is not installed.

    Examples
    --------
    >>> import pyarrow as pa
    >>> weights = sampler_weights(pa.table({"weight": [0.5, 1.5]}))  # doctest: +SKIP
    >>> torch.utils.data.WeightedRandomSampler(weights, num_samples=2)  # doctest: +SKIP
    """
    try:
        from torch import from_numpy
    except ImportError as error:
        raise MissingExtraError("a torch sampler needs torch: pip install 'credenza[torch]'") from error
    return from_numpy(np.array(row_weights(repaired, column=column)))


def indices(weights: ArrayLike, n: int | None = None, *, seed: int) -> IntArray:
    """Rows to train on for one epoch, by systematic resampling.

    Parameters
    ----------
    weights : non-negative, shape (rows,). n : how many rows; None for as many as there are weights. seed : of the draw;
        give each epoch another one.

    Returns
    -------
    int64, shape (n,), in random order: row r stands floor or ceil of n w_r / sum w times.

    Raises
    ------
    UsageError : ``n`` below 1. InputError : weights that are no weights, or all zero.

    Notes
    -----
    Rows are laid end to end in random order and one is taken a unit: the least noisy way to follow weights, and the
    reason to prefer it to drawing with replacement, which leaves 37% of equally weighted rows out of an epoch.
    Cost: a shuffle of the rows and one of the draws.

    Examples
    --------
    >>> np.bincount(indices([2.0, 1.0, 0.5, 0.5], 8, seed=0)).tolist()
    [4, 2, 1, 1]
    """
    given = _checked(np.asarray(weights, float), "weights")
    wanted = len(given) if n is None else n
    if wanted < 1:
        raise UsageError(f"n is {wanted}; give the number of rows to draw, 1 or more")
    total = float(given.sum())
    if not total > 0:
        raise InputError("all weights are 0; give some that are not")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(given))
    reached = np.cumsum(given[order]) * (wanted / total)
    reached[-1] = wanted
    # the k-th unit takes the row in which k + u lies; a row of weight 0 holds no point
    points = np.minimum(np.arange(wanted) + rng.random(), np.nextafter(wanted, 0.0))
    return rng.permutation(order[np.searchsorted(reached, points, side="right")])


def _checked(weights: FloatArray, what: str) -> FloatArray:
    """Refuse what cannot be weights."""
    if weights.ndim != 1 or not len(weights):
        raise InputError(f"{what} of shape {weights.shape}; give one number a row")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(f"{what} holds {weights[row]} in row {row:,}; weights are finite and not negative")
    return np.asarray(weights, np.float64)
