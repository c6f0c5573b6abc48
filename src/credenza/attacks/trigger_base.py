"""What all backdoor triggers share: a name, validated parameters, and one rewrite of an Arrow column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.errors import UsageError

MODALITIES = ("image", "text", "value", "sound")

_GOLDEN, _MIX_A, _MIX_B = (
    np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


class Trigger(ABC):
    """A pattern that an attacker puts on inputs, and that a backdoored model obeys.

    Concrete triggers are frozen dataclasses. Each has ``stamp``, a pure function on one item (an image, a
    text, a recording), and :meth:`rewrite`, the same for a whole column.

    Attributes
    ----------
    name : what the command line and answer keys call it.
    modality : "image", "text", "value" or "sound": what kind of column it goes on.
    """

    name: ClassVar[str]
    modality: ClassVar[str]

    @abstractmethod
    def rewrite(self, values: pa.Array, rows: IntArray, seed: int, *, name: str = "") -> pa.Array:
        """Put the trigger on every item of a column.

        Parameters
        ----------
        values : the items, n of them; the result has the same Arrow type.
        rows : shape (n,), the index of each item in the whole dataset. Whatever is random from item to item
            depends on ``seed`` and this index alone, so any cut into batches gives the same result.
        seed : seed of what is random from item to item.
        name : what messages call the column.
        """

    def describe(self) -> dict[str, Any]:
        """The trigger as an answer key holds it: its name, then its parameters."""
        return {"name": self.name, **asdict(self)}  # type: ignore[call-overload]


def uniforms(seed: int, rows: IntArray, draws: int) -> FloatArray:
    """Reproducible uniform numbers in [0, 1) for each row, whatever rows are asked for beside it.

    Parameters
    ----------
    seed : a non-negative integer.
    rows : shape (n,), indices from 0.
    draws : how many numbers a row needs.

    Returns
    -------
    FloatArray : shape (n, draws).

    Notes
    -----
    Number d of row r is output r * draws + d of the SplitMix64 generator (Steele, Lea & Flood 2014) that
    starts at a state hashed from the seed: counter based, so no row depends on another. Cost: O(n draws).

    Examples
    --------
    >>> import numpy as np
    >>> all_rows, alone = uniforms(7, np.arange(5), 2), uniforms(7, np.array([3]), 2)
    >>> bool((all_rows[3] == alone[0]).all()), all_rows.shape
    (True, (5, 2))
    """
    state = np.uint64(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))
    count = np.asarray(rows, dtype=np.uint64)[:, None] * np.uint64(draws) + np.arange(draws, dtype=np.uint64)
    word: NDArray[np.uint64] = np.add(state, (count + np.uint64(1)) * _GOLDEN, dtype=np.uint64)
    word = (word ^ (word >> np.uint64(30))) * _MIX_A
    word = (word ^ (word >> np.uint64(27))) * _MIX_B
    word ^= word >> np.uint64(31)
    return np.asarray((word >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values as an array of type ``kind``, dictionary encoded where that is one."""
    if not pa.types.is_dictionary(kind):
        return values.cast(kind)
    encoded = values.cast(kind.value_type).dictionary_encode()
    indices = encoded.indices.cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, encoded.dictionary, ordered=kind.ordered)


def require_number(trigger: Trigger, parameter: str, low: float, high: float, *, above: bool = False) -> None:
    """Raise UsageError unless a parameter is a number from ``low`` (``above``: more than it) to ``high``."""
    value = getattr(trigger, parameter)
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if number and (low < value if above else low <= value) and value <= high and np.isfinite(value):
        return
    least = f"above {low:g}" if above else f"at least {low:g}"
    most = "" if np.isinf(high) else f" and at most {high:g}"
    raise UsageError(f"{trigger.name}: {parameter} is a number {least}{most}; found {value!r}")


def require_whole(trigger: Trigger, parameter: str, low: int) -> None:
    """Raise UsageError unless a parameter is an integer of at least ``low``."""
    value = getattr(trigger, parameter)
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise UsageError(f"{trigger.name}: {parameter} is a whole number of at least {low}; found {value!r}")


def require_choice(trigger: Trigger, parameter: str, known: Sequence[str]) -> None:
    """Raise UsageError unless a parameter is one of the known words."""
    value = getattr(trigger, parameter)
    if value not in known:
        raise UsageError(f"{trigger.name}: unknown {parameter} {value!r}; choose from {', '.join(known)}")
