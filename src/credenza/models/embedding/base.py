"""What comes out when contents become embeddings, and what makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.data.features.base import Unreadable
from credenza.data.sources import Source
from credenza.errors import InputError

Floats = NDArray[np.float32]
SHOWN = 3  # unreadable rows that a message names


@dataclass(frozen=True)
class Embedded:
    """Contents as numbers.

    Attributes
    ----------
    values : float32 (r, d), finite, one row for each row of the data that could be read, in its order.
    rows : int64 (r,), which rows of the data these are; None where it is all of them.
    unreadable : the others, in order.
    losses : float32 (r, epochs), the training loss of each row after each epoch; None where nothing was trained.
    kind : "images", "text" or "table". name : of the model, to show.
    """

    values: Floats
    rows: IntArray | None = None
    unreadable: tuple[Unreadable, ...] = ()
    losses: Floats | None = None
    kind: str = "images"
    name: str = ""

    def spread(self, values: NDArray[Any], rows: int) -> NDArray[Any]:
        """Numbers of the rows that were read, (r, ...), as an array for all ``rows`` rows of the data; NaN elsewhere.

        Examples
        --------
        >>> made = Embedded(np.zeros((2, 1), np.float32), np.array([0, 2]))
        >>> made.spread(np.array([1.0, 2.0]), 3).tolist()
        [1.0, nan, 2.0]
        """
        if self.rows is None:
            return values
        out = np.full((rows, *values.shape[1:]), np.nan, values.dtype)
        out[self.rows] = values
        return out


class Maker(Protocol):
    """Turns the contents of one table into embeddings, and those of others alike.

    Attributes
    ----------
    kind, name : see :class:`Embedded`. key : all that decides the outcome besides the data, JSON-able.
    general : whether the numbers say what a row holds, whatever its labels; not of a network that learnt to tell labels
        apart and nothing else, nor of the annotations themselves.
    """

    kind: str
    name: str
    general: bool

    @property
    def key(self) -> Mapping[str, Any]:
        """See the class."""
        ...

    def first(self) -> Embedded:
        """Embeddings of the table that it was made for; what has to be learnt is learnt from it."""
        ...

    def another(self, source: Source) -> Embedded:
        """Embeddings of another table, by the same model."""
        ...


def require_some(read: int, unreadable: tuple[Unreadable, ...], noun: str, name: str) -> None:
    """Raise InputError where none of the contents could be read.

    >>> require_some(1, (), "image", "photos")
    """
    if not read:
        first = unreadable[0].reason if unreadable else "there are none"
        raise InputError(
            f"none of the {len(unreadable):,} {noun}s of {name} could be read; the first: {first}"
        )


def told(unreadable: tuple[Unreadable, ...]) -> str:
    """The first few unreadable rows in words.

    >>> told((Unreadable(4, "a.png", "image 'a.png' is cut short"),))
    "image 'a.png' is cut short"
    """
    words = "; ".join(item.reason for item in unreadable[:SHOWN])
    more = len(unreadable) - SHOWN
    return words + (f"; and {more:,} more" if more > 0 else "")


def finite_rows(values: Any, rows: int, name: str) -> Floats:
    """What a model returned for so many rows, as float32 (rows, d), once it is known to be that.

    Raises
    ------
    InputError : another shape, other than numbers, or values that are not finite.

    Examples
    --------
    >>> finite_rows(np.ones((2, 3)), 2, "net.onnx").dtype
    dtype('float32')
    """
    found = np.asarray(values)
    if found.dtype.kind not in "fiu" or found.ndim != 2 or len(found) != rows or not found.shape[1]:
        raise InputError(
            f"the model {name} returns {found.dtype} of shape {found.shape} for {rows:,} rows; "
            f"it must return numbers of shape ({rows}, d): flatten or pool inside the model"
        )
    found = found.astype(np.float32, copy=False)
    bad = int((~np.isfinite(found)).any(axis=1).sum())
    if bad:
        raise InputError(
            f"the model {name} returns values that are missing or infinite for {bad:,} of {rows:,} rows; "
            "check it, and how it scales its input"
        )
    return found
