"""Where rows of attributes come from: a joint distribution to draw from, or rows that CelebA's annotators wrote."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from scipy.special import ndtr, ndtri

from credenza.contracts import FloatArray
from credenza.errors import InputError, UsageError
from credenza.studies.faces.colours import COLOURS
from credenza.studies.faces.renderer import ATTRIBUTES
from credenza.studies.faces.values import as_marks, as_shares, require_known, require_seed

# Share of faces that have it; loadings on three factors: adornment (against beards), mirth, formal dress.
_JOINT = {
    "Bangs": (0.16, 0.30, 0.05, -0.25),
    "Blond_Hair": (0.16, 0.60, 0.10, -0.10),
    "Bushy_Eyebrows": (0.18, -0.40, -0.10, 0.20),
    "Eyeglasses": (0.10, -0.35, -0.05, 0.40),
    "Goatee": (0.10, -0.70, 0.00, -0.20),
    "Mouth_Slightly_Open": (0.48, 0.10, 0.65, 0.00),
    "Mustache": (0.10, -0.65, 0.00, 0.10),
    "Rosy_Cheeks": (0.12, 0.60, 0.30, 0.00),
    "Sideburns": (0.10, -0.70, -0.05, -0.10),
    "Smiling": (0.48, 0.20, 0.75, 0.10),
    "Wearing_Earrings": (0.20, 0.70, 0.15, 0.00),
    "Wearing_Hat": (0.08, -0.25, -0.05, -0.50),
    "Wearing_Lipstick": (0.46, 0.85, 0.15, 0.00),
    "Wearing_Necklace": (0.14, 0.55, 0.10, -0.05),
    "Wearing_Necktie": (0.10, -0.50, 0.00, 0.70),
}
_LIGHT = 0.5  # loading of both brightnesses on a factor of their own
_FACTORS = 4


def attribute_table(n: int, *, seed: int) -> pa.Table:
    """Draw the attributes of n faces from a joint distribution that is plausible for portraits.

    A Gaussian z = L f + sqrt(1 - |L|^2) e with three factors f and loadings L; a binary attribute is true where z is
    above the quantile that gives its share, a continuous one is Phi(z), uniform in [0, 1]. Shares lie between 8% and
    48%; lipstick, earrings and blond hair go together and against beards, smiles go with open mouths, as on CelebA,
    whose figures the table follows in sign and in broad size. The two brightnesses correlate (.24); the
    hues are independent.

    Parameters
    ----------
    n : faces, 0 or more. seed : 0 or more; with the same seed, a longer table begins with the rows of a shorter.

    Returns
    -------
    pyarrow.Table
        ``ATTRIBUTES`` as bools, then ``COLOURS`` as doubles.

    Raises
    ------
    UsageError : n or the seed is below 0.

    Notes
    -----
    Mouth_Slightly_Open x Wearing_Lipstick has an MCC of about .11 (.11 on CelebA, .131 in the samples of
    the paper's clean models). Cost: 2 microseconds a row. Left out: interactions of three attributes.

    Examples
    --------
    >>> table = attribute_table(1000, seed=0)
    >>> table.num_columns, round(float(np.mean(table["Smiling"])), 1), table.slice(0, 3) == attribute_table(3, seed=0)
    (19, 0.5, True)
    """
    require_seed(seed)
    if n < 0:
        raise UsageError(f"a table has 0 rows or more, not {n}")
    drawn = np.random.default_rng(seed).standard_normal((n, _FACTORS + len(ATTRIBUTES) + len(COLOURS)))
    factors, own = drawn[:, :_FACTORS], drawn[:, _FACTORS:]
    columns: dict[str, pa.Array] = {}
    for place, name in enumerate(ATTRIBUTES):
        share, *loadings = _JOINT[name]
        columns[name] = pa.array(_latent(factors, [*loadings, 0.0], own[:, place]) > -ndtri(share))
    for place, name in enumerate(COLOURS, len(ATTRIBUTES)):
        loading = _LIGHT if name.endswith("brightness") else 0.0
        columns[name] = pa.array(ndtr(_latent(factors, [0.0, 0.0, 0.0, loading], own[:, place])))
    return pa.table(columns)


def from_rows(table: pa.Table, *, seed: int | None = None) -> pa.Table:
    """Take the attributes that can be drawn from rows of CelebA, or of any table with such columns.

    Parameters
    ----------
    table : has all of ``ATTRIBUTES``, as bools, 0 and 1, or -1 and 1; of ``COLOURS`` what there is; other columns are
        left behind. seed : draws the missing ``COLOURS``, uniform and independent; None leaves them to the
        renderer, which draws them likewise but does not tell.

    Returns
    -------
    pyarrow.Table
        As many rows in the same order, ready for :func:`credenza.studies.faces.render`.

    Raises
    ------
    InputError : an attribute is missing (near misses are named), has missing values or other ones.
    UsageError : the seed is below 0.

    Examples
    --------
    >>> rows = pa.table({"image_id": ["1.jpg", "2.jpg"], **{name: [-1, 1] for name in ATTRIBUTES}})
    >>> from_rows(rows).column_names == list(ATTRIBUTES), from_rows(rows, seed=0).num_columns
    (True, 19)
    """
    columns: dict[str, pa.Array] = {}
    for name in ATTRIBUTES:
        if name not in table.column_names:
            _refuse_without(name, table.column_names)
        columns[name] = pa.array(as_marks(name, np.asarray(table[name])))
    for name in COLOURS:
        if name in table.column_names:
            columns[name] = pa.array(as_shares(name, np.asarray(table[name])))
    if seed is not None:
        require_seed(seed)
        uniform = np.random.default_rng(seed).random((table.num_rows, len(COLOURS)))
        for place, name in enumerate(COLOURS):
            columns.setdefault(name, pa.array(uniform[:, place]))
    return pa.table(columns)


def _latent(factors: FloatArray, loadings: list[float], own: FloatArray) -> FloatArray:
    """A standard normal variable a row, correlated through the factors."""
    rest = math.sqrt(1 - sum(loading**2 for loading in loadings))
    return np.asarray(factors @ np.array(loadings) + rest * own)


def _refuse_without(name: str, found: list[str]) -> None:
    if not set(found) & set(ATTRIBUTES):
        raise InputError(
            f"the table has none of the attributes that faces are drawn from ({', '.join(ATTRIBUTES[:3])}, ...); "
            "give rows of CelebA, or draw some with attribute_table"
        )
    require_known(name, found, "a column of the table, and faces need it")
