"""Bounded-memory, mergeable tallies of one column: the parts of :class:`credenza.data.sketch.TableSketch`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray

CAPACITY = 50_000
TEXT_BYTES = 32 << 20
MIN_TEXTS = 1_000
SAMPLE = 20_000
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def row_keys(start: int, count: int, seed: int) -> NDArray[np.uint64]:
    """Return a pseudo-random 64-bit key for each of the rows ``start .. start + count - 1``.

    The SplitMix64 finaliser is a bijection, so that keys never tie. Cost: O(count).

    References
    ----------
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.

    Examples
    --------
    >>> bool((row_keys(0, 4, 7)[2:] == row_keys(2, 2, 7)).all())
    True
    """
    with np.errstate(over="ignore"):
        x = np.arange(start, start + count, dtype=np.uint64) + np.uint64(seed % 2**32) * np.uint64(2**32)
        x = x * _ODD + _ODD
        x = (x ^ (x >> np.uint64(30))) * _MIX_1
        x = (x ^ (x >> np.uint64(27))) * _MIX_2
        mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


@dataclass
class RowSample:
    """The values of the ``SAMPLE`` rows with the smallest keys: a uniform sample, whatever the batches."""

    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    values: FloatArray = field(default_factory=lambda: np.empty(0))

    def add(self, keys: NDArray[np.uint64], values: FloatArray) -> None:
        if len(self.keys) >= SAMPLE:
            near = keys < self.keys[-1]
            keys, values = keys[near], values[near]
        if not len(keys):
            return
        keys, values = np.concatenate([self.keys, keys]), np.concatenate([self.values, values])
        if len(keys) > SAMPLE:
            near = keys <= np.partition(keys, SAMPLE - 1)[SAMPLE - 1]
            keys, values = keys[near], values[near]
        order = np.argsort(keys, kind="stable")[:SAMPLE]
        self.keys, self.values = keys[order], values[order]


def _counted(values: FloatArray, low: float, high: float, whole: bool) -> tuple[FloatArray, IntArray]:
    """Return distinct values and their counts; integers within a narrow range are counted without sorting."""
    if not whole or high - low > len(values):
        distinct, times = np.unique(values, return_counts=True)
        return distinct, times.astype(np.int64, copy=False)
    counts = np.bincount((values - low).astype(np.int64))
    there = np.flatnonzero(counts)
    return low + there.astype(np.float64), counts[there]


@dataclass
class NumberTally:
    """Distinct numbers with counts until there are more than ``CAPACITY``; then only the sample remains."""

    values: FloatArray = field(default_factory=lambda: np.empty(0))
    counts: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    exact: bool = True
    integral: bool = True
    low: float = np.inf
    high: float = -np.inf
    infinities: int = 0
    sample: RowSample = field(default_factory=RowSample)

    def add(self, values: FloatArray, keys: NDArray[np.uint64]) -> None:
        """Add numbers and infinities; NaN must have been taken out."""
        if not len(values):
            return
        self.sample.add(keys, values)
        inside = np.isfinite(values)
        endless = len(values) - int(np.count_nonzero(inside))
        self.infinities += endless
        finite = values[inside] if endless else values
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (np.inf, -np.inf)
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.integral = self.integral and bool((finite == np.floor(finite)).all())
        if self.exact:
            self._count(*_counted(values, low, high, self.integral and not endless))

    def add_truths(self, column: pa.BooleanArray) -> int:
        """Add a bool column: :meth:`add` without sorting or sampling; return how many values are missing."""
        missing, true = int(column.null_count), int(column.true_count)
        false = len(column) - missing - true
        if len(self.values) == 2:
            self.counts = self.counts + np.array([false, true])
        else:
            counts = np.array([false, true])
            self._count(np.array([0.0, 1.0])[counts > 0], counts[counts > 0])
        return missing

    def _count(self, values: FloatArray, counts: IntArray) -> None:
        if np.array_equal(values, self.values):
            self.counts = self.counts + counts
            return
        merged, place = np.unique(np.concatenate([self.values, values]), return_inverse=True)
        total = np.zeros(len(merged), np.int64)
        np.add.at(total, place, np.concatenate([self.counts, counts]))
        if len(merged) > CAPACITY:
            self.exact, merged, total = False, np.empty(0), np.empty(0, np.int64)
        self.values, self.counts = merged, total

    def merged(self, other: NumberTally) -> NumberTally:
        both = NumberTally(
            self.values, self.counts, self.exact and other.exact, self.integral and other.integral
        )
        both.low, both.high = min(self.low, other.low), max(self.high, other.high)
        both.infinities = self.infinities + other.infinities
        both.sample = RowSample(self.sample.keys, self.sample.values)
        both.sample.add(other.sample.keys, other.sample.values)
        if both.exact:
            both._count(other.values, other.counts)
        else:
            both.values, both.counts = np.empty(0), np.empty(0, np.int64)
        return both

    @property
    def distinct(self) -> int:
        """Distinct values; more than ``CAPACITY`` reads ``CAPACITY + 1``."""
        return len(self.values) if self.exact else CAPACITY + 1


@dataclass
class TextTally:
    """Distinct strings with counts; beyond a bound, the most frequent ones with counts that are lower bounds.

    ``lost`` bounds how much any count falls short: at most n / k for k kept strings (Misra and Gries), so
    that levels of 1% or more are always there. ``seen`` is a lower bound on the distinct strings.

    References
    ----------
    Agarwal et al. (2012), Mergeable summaries, PODS.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    seen: int = 0
    longest: int = 0

    def add(self, strings: pa.Array) -> None:
        if not len(strings):
            return
        counted = pc.value_counts(strings)
        values, counts = counted.field(0), counted.field(1)
        self.longest = max(self.longest, int(pc.max(pc.utf8_length(values)).as_py()))
        for value, count in zip(values.to_pylist(), counts.to_pylist(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        self.seen = max(self.seen, len(self.counts))

    def prune(self) -> None:
        """Drop the rarest strings if there are too many; call it where batches have no say in when."""
        keep = self._room()
        if len(self.counts) <= keep:
            return
        counts = np.fromiter(self.counts.values(), np.int64, len(self.counts))
        cut = int(np.partition(counts, -(keep + 1))[-(keep + 1)])
        self.counts = {value: count - cut for value, count in self.counts.items() if count > cut}
        self.lost += cut

    def _room(self) -> int:
        if len(self.counts) <= MIN_TEXTS:
            return CAPACITY
        mean = sum(map(len, self.counts)) / len(self.counts)
        return max(MIN_TEXTS, min(CAPACITY, int(TEXT_BYTES / max(mean, 1.0))))

    def merged(self, other: TextTally) -> TextTally:
        both = TextTally(dict(self.counts), self.lost + other.lost, 0, max(self.longest, other.longest))
        for value, count in other.counts.items():
            both.counts[value] = both.counts.get(value, 0) + count
        both.seen = max(self.seen, other.seen, len(both.counts))
        both.prune()
        return both

    @property
    def exact(self) -> bool:
        return self.lost == 0
