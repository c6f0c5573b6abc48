"""The one protocol of all engines: fold a state over the rows of a source, wherever they are, and merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import pyarrow as pa

from credenza.association.counts import PairKernel
from credenza.data import Source


class State(Protocol):
    """What is accumulated over rows: a commutative monoid, or one that minds the order of rows only.

    ``update`` may work in place and returns the state; ``merge`` takes the state of the rows that come next. A
    state can be pickled. Empty states, updated with the rows of one part each and merged, must tell the same as
    one updated with all rows.
    """

    def update(self, batch: pa.RecordBatch) -> Self:
        """Add rows."""
        ...

    def merge(self, other: Self) -> Self:
        """Return the state of both sets of rows; ``other`` saw the later ones."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A state that draws on the number of a row: it is told where the part of the table begins that it will see."""

    def starting_at(self, row: int) -> Any:
        """Return the empty state for rows that are numbered from ``row`` on."""
        ...


S = TypeVar("S", bound=State)


class Engine(Protocol):
    """Where the passes over rows are made; see ``docs/engines.md``.

    Attributes
    ----------
    name : "local", "spark" or "cuda".
    kernel : counts the pairs of a batch of codes (n, m) into R x R integers, R the levels beyond the first of each
        feature; None where the compiled loops of :mod:`credenza.association.kernels` do it.
    """

    name: str

    @property
    def kernel(self) -> PairKernel | None:
        """See the class."""
        ...

    def open(self, data: Any, *, role: str = "data") -> Source:
        """Return the source to fold over; see :func:`credenza.data.open_source`."""
        ...

    def fold(self, source: Source, columns: Sequence[str] | None, state: S, *, label: str = "") -> S:
        """Return the state after all rows; the one that was given is used up.

        Parameters
        ----------
        source : what :meth:`open` returned. columns : names, in the order that the batches have; None for all.
        state : the empty state. label : what the pass is called where its progress is shown.

        Raises
        ------
        InputError : the data cannot be read to its end, here or on a worker. UsageError : an unknown column.
        """
        ...


def placed(state: S, row: int) -> S:
    """Tell a state at which row its part of the table begins, if it asks.

    Examples
    --------
    >>> placed(7, 1 << 40)
    7
    """
    if isinstance(state, Placed):
        started: S = state.starting_at(row)
        return started
    return state
