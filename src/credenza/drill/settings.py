"""What the user asked of a drill, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from credenza.attacks.base import require_seed
from credenza.attacks.columns import require_pair
from credenza.checks import Settings
from credenza.drill.kinds import Kind
from credenza.errors import UsageError

CHANCES = (0.8, 0.95)
LEAST_ROWS = 100  # of each side
MOST_RUNS = 100_000


@dataclass(frozen=True)
class DrillSettings:
    """Parameters of a drill; all that can change its result.

    Attributes
    ----------
    pairs : pairs to attack; () to have ``choose`` chosen.
    choose : how many pairs to choose, spread from the easiest to the hardest.
    kinds : names of :data:`credenza.drill.KINDS`; () for the one that suits each pair.
    strengths : strengths to plant; () for ``factors`` times the one that is caught with 80% by calculation.
    runs, null_runs : runs of each attack and strength, and runs without an attack.
    split : share of the rows that play the suspect where there is no reference.
    target : the strength that more reference rows should bring within reach.
    fdr, min_strength, seed : as of an audit.

    Raises
    ------
    UsageError : an argument out of its range.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    choose: int = 8
    kinds: tuple[str, ...] = ()
    strengths: tuple[float, ...] = ()
    factors: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
    runs: int = 20
    null_runs: int = 200
    split: float = 0.5
    target: float = 0.05
    fdr: float = 0.05
    min_strength: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_seed(self.seed)
        for pair in self.pairs:
            require_pair(pair)
        for name in self.kinds:
            Kind.of(name)
        for name, least in (("choose", 1), ("runs", 1), ("null_runs", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_RUNS:
                raise UsageError(f"{name} is a whole number from {least} to {MOST_RUNS:,}; found {value!r}")
        for name, value in (("target", self.target), *(("a strength", e) for e in self.strengths)):
            if not 0 < value <= 0.5:
                raise UsageError(f"{name} is a probability mass above 0 and up to 0.5; found {value!r}")
        if not 0 < self.split < 1:
            raise UsageError(
                f"split is the suspect's share of the rows, between 0 and 1; found {self.split!r}"
            )
        _ = self.audit

    @property
    def audit(self) -> Settings:
        """The settings of every audit."""
        return Settings(fdr=self.fdr, min_strength=self.min_strength, seed=self.seed)

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return asdict(self)


def as_pairs(
    pairs: Sequence[Sequence[str]] | int | None, default: int
) -> tuple[tuple[tuple[str, str], ...], int]:
    """(pairs, how many to choose) from what was given: a list of pairs, a number, or nothing."""
    if pairs is None:
        return (), default
    if isinstance(pairs, int):
        return (), pairs
    if isinstance(pairs, str) or any(isinstance(pair, str) for pair in pairs):
        raise UsageError(f"pairs are a list of pairs of column names, or a number; found {pairs!r}")
    for pair in pairs:
        require_pair(tuple(pair))
    return tuple((str(a), str(b)) for a, b in dict.fromkeys(tuple(pair) for pair in pairs)), default
