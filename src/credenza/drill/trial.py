"""One run: deal the rows out, plant an attack, climb the ladder, see whether the pair is named."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from credenza.checks import Evidence, Settings
from credenza.data import open_source
from credenza.data.progress import watch
from credenza.drill.pool import Pool
from credenza.drill.target import Target
from credenza.errors import InfeasibleError, InputError

PROBES = 3  # deals in which a limit is tried
NARROWER = 0.8  # by what it shrinks where it fails
ATTEMPTS = 20  # deals in which an attack may find too few rows of a cell


@dataclass(frozen=True)
class Record:
    """What one run came to: was the attacked pair named, anything at all, and how many other pairs."""

    named: bool
    alarm: bool
    extra: int


class Silence:
    """A sink of progress that says nothing: the runs are what is counted."""

    def start(self, label: str, total: int | None) -> None:
        """A pass begins."""

    def advance(self, rows: int) -> None:
        """Rows were read."""

    def done(self) -> None:
        """The pass ended."""

    def announce(self, text: str) -> None:
        """Not a word."""


def trial(
    pool: Pool, target: Target | None, strength: float, settings: Settings, seed: tuple[int, ...]
) -> Record:
    """Carry out one run.

    Parameters
    ----------
    pool : rows to deal out.
    target : what to attack, or None to attack nothing.
    strength : of the attack.
    settings : of the audit.
    seed : of the deal and the attack; runs with different seeds are independent.

    Returns
    -------
    Record

    Raises
    ------
    InfeasibleError : no deal of ``ATTEMPTS`` allows the attack.

    Notes
    -----
    Dealing pooled rows out at their sizes is exact under "one population". Whole rows that an attack puts in are drawn
    from the hold-out, else from the reference's rows: copies of rows on the other side are no repeated rows of the
    suspect, and no cell of the pool runs dry. What is climbed is the ladder of CZ201, with levels fitted and copies
    looked for as in any audit. Cost: one audit of one check.
    """
    rng = np.random.default_rng(seed)
    reason = ""
    for _ in range(ATTEMPTS):
        suspect, reference = pool.deal(rng)
        with watch(Silence()):
            if target is None:
                return _looked(suspect, reference, None, settings)
            try:
                suspect = _attacked(pool, target, strength, suspect, reference, int(rng.integers(2**32)))
            except (InfeasibleError, InputError) as error:
                reason = str(error)
                continue
            return _looked(suspect, reference, frozenset(target.pair), settings)
    raise InfeasibleError(
        f"strength {strength:g} of {target.kind.name!r} on {target.pair[0]!r} x {target.pair[1]!r} could not be "
        f"planted: {reason}"
        if target is not None
        else reason
    )


def probed(pool: Pool, target: Target, seed: int) -> Target:
    """The target with a limit that was tried: with several levels the rows to put in may run out before a cell does."""
    features = (pool.schema.features[pool.schema.index(name)] for name in target.pair)
    if target.kind.mode in ("relabel", "continuous") or max(f.size for f in features) == 2:
        return target
    rng, limit = np.random.default_rng([seed, 5]), target.limit
    while limit * pool.suspect_rows >= 1:
        try:
            for _ in range(PROBES):
                _attacked(pool, target, limit, *pool.deal(rng), int(rng.integers(2**32)))
        except (InfeasibleError, InputError):
            limit *= 0.0 if target.kind.direction == "erase" else NARROWER
        else:
            return replace(target, limit=limit)
    return replace(target, limit=0.0)


def _attacked(
    pool: Pool, target: Target, strength: float, suspect: pa.Table, reference: pa.Table, seed: int
) -> pa.Table:
    attack = target.kind.attack(target.pair, target.levels, strength)
    spare = None
    if target.kind.mode == "replace":
        spare = open_source(reference if pool.holdout is None else pool.holdout, role="hold-out")
    return attack.plan(open_source(suspect), spare, seed).output.table().unify_dictionaries()


def _looked(
    suspect: pa.Table, reference: pa.Table, pair: frozenset[str] | None, settings: Settings
) -> Record:
    inquiry = Evidence(open_source(suspect), open_source(reference), settings).inquiry
    climb, names = inquiry.climb, inquiry.part.names
    i, j = inquiry.ladder.layout.pairs
    named = [frozenset((names[i[step.pair]], names[j[step.pair]])) for step in climb.steps]
    hit = pair is not None and pair in named
    return Record(hit, bool(named) or climb.exhausted, len(named) - hit)
