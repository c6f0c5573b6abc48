"""What a drill attacks: pairs, levels, and how far each can be moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import inf, sqrt

import numpy as np

from credenza.association.estimate import covariance_and_spread
from credenza.association.followed import of_probes
from credenza.association.tails import normal_isf
from credenza.contracts import FloatArray
from credenza.data import Feature
from credenza.drill.kinds import Kind, Levels, has_levels, is_ordered
from credenza.drill.pool import Pool
from credenza.drill.settings import DrillSettings
from credenza.errors import InfeasibleError, InputError, UsageError

SPARE = (
    4.0  # standard deviations of a cell's count that are kept in reserve, so that (nearly) every deal will do
)
ROOM = 1.5  # whole rows are put in where that can be this many times as strong as what should be seen
MOST_PAIRS = 20_000  # that are looked at to choose some


@dataclass(frozen=True)
class Target:
    """A pair, what is done to it, and the range of that.

    Attributes
    ----------
    pair, levels : names, and the value of each that is moved (None for ordered features).
    kind : see :class:`Kind`.
    limit : the largest strength that can be planted in (nearly) every run; 0 when none can.
    guess : the strength seen with 80% by the audit's own statement (Bonferroni); infinite when there is none.
    """

    pair: tuple[str, str]
    levels: Levels | None
    kind: Kind
    limit: float
    guess: float

    @property
    def visible(self) -> bool:
        """Whether it can be made strong enough to be seen."""
        return self.guess < self.limit


@dataclass(frozen=True)
class Scout:
    """Looks at every pair of a pool.

    Parameters
    ----------
    pool : the rows. settings : of the drill.
    """

    pool: Pool
    settings: DrillSettings

    @cached_property
    def joint(self) -> FloatArray:
        """Pair counts (K, K) as shares of the rows."""
        return self.pool.joint()

    @cached_property
    def _probes(self) -> FloatArray:
        return of_probes(self.joint, self.pool.layout)

    @cached_property
    def codes_moved(self) -> list[int]:
        """Of each feature the code of the level that is moved: the higher of two, else the most frequent value."""
        margin, layout = np.diag(self.joint), self.pool.layout
        out = []
        for k, feature in enumerate(self.pool.schema.features):
            shares = margin[layout.starts[k] : layout.starts[k] + len(feature.values)]
            out.append(1 if len(feature.values) == 2 else int(np.argmax(shares)) if len(shares) else 0)
        return out

    def target(self, i: int, j: int, kind: Kind) -> Target:
        """One kind of attack on the features at two positions."""
        features = self.pool.schema.features
        names = features[i].name, features[j].name
        if kind.mode == "continuous":
            return Target(names, None, kind, 0.5, self._ordered_guess(i, j, kind.direction == "positive"))
        levels = tuple(features[k].values[self.codes_moved[k]] for k in (i, j))
        return Target(names, (levels[0], levels[1]), kind, self._limit(i, j, kind), self._guess(i, j))

    def suited(self, i: int, j: int) -> Target | None:
        """The attack that suits a pair: whole rows in the direction with more room, or values where rows are few."""
        first, second = (self.pool.schema.features[k] for k in (i, j))
        if is_ordered(first) and is_ordered(second) and not (has_levels(first) and has_levels(second)):
            both = [self.target(i, j, Kind.of(f"continuous-{way}")) for way in ("positive", "negative")]
            return min(both, key=lambda target: target.guess)
        if not Kind.of("positive").fits(first, second):
            return None
        cells = self._cells(i, j)
        way = "positive" if min(cells[1:3]) >= min(cells[0], cells[3]) else "negative"
        whole = self.target(i, j, Kind.of(way))
        if whole.limit > ROOM * whole.guess:
            return whole
        return self.target(i, j, Kind.of(f"relabel-{way}"))

    def every(self) -> list[Target]:
        """The suited attack on each pair that has one, easiest to see first; of very many pairs a seeded choice."""
        m = self.pool.layout.features
        i, j = np.triu_indices(m, 1)
        if len(i) > MOST_PAIRS:
            kept = np.random.default_rng([self.settings.seed, 2]).choice(len(i), MOST_PAIRS, replace=False)
            i, j = i[np.sort(kept)], j[np.sort(kept)]
        found = [self.suited(a, b) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
        return sorted((t for t in found if t is not None), key=lambda t: (t.guess, t.pair))

    def chosen(self, every: Sequence[Target]) -> list[Target]:
        """What to attack.

        Raises
        ------
        UsageError : a pair that is not there, or that none of the kinds fits. InputError : there is nothing to attack.
        """
        s = self.settings
        if s.pairs:
            return [target for pair in s.pairs for target in self._of_pair(pair)]
        kinds = [Kind.of(name) for name in s.kinds]
        visible = [t for t in every if t.visible and (not kinds or any(self._fitting(t.pair, kinds)))]
        if not kinds:  # values that are exchanged may tear at other pairs more than at their own
            visible = [t for t in visible if t.kind.mode != "relabel"] or visible
        if not visible:
            raise InputError(
                f"none of {len(every):,} pairs can be moved far enough to be seen with {self.pool.suspect_rows:,} "
                f"rows against {self.pool.reference_rows:,}; give more rows, or a pair"
            )
        spread = self._spread(visible)
        if not kinds:
            return spread
        return [target for t in spread for target in self._fitting(t.pair, kinds)]

    def _spread(self, visible: Sequence[Target]) -> list[Target]:
        """Pairs from the easiest to the hardest: both ends, and one drawn from each part between them."""
        number = min(self.settings.choose, len(visible))
        if number < 3:
            return [visible[-1], visible[0]][:number][::-1]
        rng = np.random.default_rng([self.settings.seed, 1])
        edges = np.linspace(1, len(visible) - 1, number - 1).round().astype(int)
        inner = [int(rng.integers(a, max(b, a + 1))) for a, b in pairwise(edges.tolist())]
        return [visible[k] for k in (0, *inner, len(visible) - 1)]

    def _of_pair(self, pair: tuple[str, str]) -> Iterator[Target]:
        i, j = (self.pool.schema.index(name) for name in pair)
        kinds = [Kind.of(name) for name in self.settings.kinds]
        found = self._fitting(pair, kinds) if kinds else [t for t in [self.suited(i, j)] if t is not None]
        if not found:
            held = ", ".join(
                f"{name!r} has {'bins' if not has_levels(self.pool.schema.features[k]) else 'levels'}"
                for name, k in zip(pair, (i, j), strict=True)
            )
            raise UsageError(
                f"no attack of these kinds fits the pair {pair[0]!r}, {pair[1]!r}: {held}; "
                "continuous kinds take two columns of numbers or dates, all others two of levels"
            )
        yield from found

    def _fitting(self, pair: tuple[str, str], kinds: Sequence[Kind]) -> list[Target]:
        i, j = (self.pool.schema.index(name) for name in pair)
        features = self.pool.schema.features
        return [self.target(i, j, kind) for kind in kinds if kind.fits(features[i], features[j])]

    def _cells(self, i: int, j: int) -> tuple[float, ...]:
        """Shares of the cells 11, 10, 01, 00 of the levels that are moved, among rows with both features."""
        features = self.pool.schema.features
        block = self.pool.layout.block(self.joint, i, j)[_present(features[i])][:, _present(features[j])]
        a, b, total = self.codes_moved[i], self.codes_moved[j], float(block.sum())
        both, first, second = block[a, b], block[a].sum(), block[:, b].sum()
        cells = (both, first - both, second - both, total - first - second + both)
        return tuple(float(cell) / max(total, 1e-300) for cell in cells)

    def _limit(self, i: int, j: int, kind: Kind) -> float:
        """The largest strength that nearly every deal allows; erasing has its own, or 0 where it cannot be done."""
        cells, n = self._cells(i, j), self.pool.suspect_rows
        on, off = min(cells[0], cells[3]), min(cells[1], cells[2])
        erased = cells[1] * cells[2] - cells[0] * cells[3]
        upwards = erased > 0 if kind.direction == "erase" else kind.direction == "positive"
        emptied, filled = (off, on) if upwards else (on, off)
        limit = emptied - SPARE * sqrt(emptied / n)
        if kind.mode == "replace":
            donors = self.pool.donors * filled
            limit = min(limit, (donors - SPARE * sqrt(donors)) / n)
        elif kind.mode == "duplicate" and filled * n < SPARE**2:
            limit = 0.0
        if kind.direction == "erase":
            return abs(erased) if 1 / n <= abs(erased) <= limit else 0.0
        return max(limit, 0.0)

    def _tests(self, i: int, j: int) -> float:
        """Score that a table of a pair needs to be seen with 80%: Bonferroni over all pairs, tables and questions."""
        m, counts = self.pool.layout.features, np.diff(self.pool.layout.probe_starts)
        tables = int(counts[i] * counts[j])
        share = self.settings.fdr / (m * (m - 1) * tables * (2 if tables > 1 else 1))
        error = sqrt(1 / self.pool.reference_rows + 1 / self.pool.suspect_rows)
        return float(normal_isf(share) + normal_isf(0.2)) * error

    def _guess(self, i: int, j: int) -> float:
        cells = self._cells(i, j)
        x, u, v = cells[0], cells[0] + cells[1], cells[0] + cells[2]
        _, spread = covariance_and_spread(np.array(x), np.array(u), np.array(v))
        return float(spread) * self._tests(i, j) + self.settings.min_strength

    def _ordered_guess(self, i: int, j: int, positive: bool) -> float:
        """The same for re-pairing: the most favourable pair of cuts."""
        layout = self.pool.layout
        rows, columns = (slice(*layout.probe_starts[k : k + 2]) for k in (i, j))
        margin = layout.gather(np.diag(self.joint))
        x, u, v = self._probes[rows, columns], margin[rows][:, None], margin[columns][None]
        end = np.minimum(u, v) if positive else np.maximum(0.0, u + v - 1)
        change = np.abs(2 * (end - x))
        _, spread = covariance_and_spread(x, *np.broadcast_arrays(u, v))
        need = spread * self._tests(i, j) + self.settings.min_strength
        return float(np.min(np.where(change > 0, need / np.maximum(change, 1e-12), inf)))


def _present(feature: Feature) -> slice:
    """The codes of a feature but for "(missing)"."""
    return slice(0, feature.size if feature.missing is None else feature.missing)


def require_feasible(target: Target, strengths: Sequence[float]) -> None:
    """Raise InfeasibleError where one of the strengths, or any, cannot be planted; the message says the range."""
    what = f"{target.kind.name!r}", f"{target.pair[0]!r} x {target.pair[1]!r}"
    if target.limit <= 0:
        found = (
            "nothing to erase, or too few rows in a cell"
            if target.kind.direction == "erase"
            else "too few rows in a cell"
        )
        raise InfeasibleError(
            f"{what[0]} cannot be planted in {what[1]}: {found}; choose another kind or pair"
        )
    beyond = [e for e in strengths if e > target.limit]
    if beyond and target.kind.direction != "erase":
        raise InfeasibleError(
            f"strength {beyond[0]:g} is beyond what {what[0]} can plant in {what[1]}: at most {target.limit:.4f}"
            + ("; a larger --holdout gives more rows to put in" if target.kind.mode == "replace" else "")
        )
