"""Made-up populations with real dependence, and the attacks on them that the statistical tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.association.kernels import pair_counts
from credenza.association.ladder import Climb, Ladder
from credenza.association.probes import Layout

Codes = NDArray[np.uint8]
BINARY = 12
PAIR = (4, 7)
CONSEQUENCE = 11
LAYOUT = Layout((2,) * BINARY + (3, 4, 5), (0,) * BINARY + (0, 0, 5))


@dataclass(frozen=True)
class Population:
    """Three latent classes; given its class, a row's features are independent, but for the last binary one.

    That one is mostly "both of PAIR", so that an attack on the pair drags its frequency and its own pairs along.
    """

    classes: tuple[float, ...]
    binary: NDArray[np.float64]
    nominal: tuple[NDArray[np.float64], ...]

    @classmethod
    def make(cls, seed: int = 3) -> Population:
        rng = np.random.default_rng(seed)
        tables = tuple(rng.dirichlet(np.full(size, 1.5), 3) for size in LAYOUT.sizes[BINARY:])
        return cls((0.4, 0.35, 0.25), rng.uniform(0.1, 0.9, (3, BINARY)), tables)

    def draw(self, rows: int, rng: np.random.Generator) -> Codes:
        latent = rng.choice(3, rows, p=self.classes)
        codes = np.empty((rows, LAYOUT.features), np.uint8)
        codes[:, :BINARY] = rng.random((rows, BINARY)) < self.binary[latent]
        both = codes[:, PAIR[0]] & codes[:, PAIR[1]]
        codes[:, CONSEQUENCE] = np.where(rng.random(rows) < 0.7, both, codes[:, CONSEQUENCE])
        for k, table in enumerate(self.nominal):
            cumulative = np.cumsum(table, axis=1)[latent, :-1]
            codes[:, BINARY + k] = (rng.random(rows)[:, None] > cumulative).sum(axis=1)
        return codes


def poison(codes: Codes, a: int, b: int, strength: float, rng: np.random.Generator, donors: Codes) -> Codes:
    """Replace rows of the off-diagonal cells of a binary pair by donors from the diagonal ones (negative: reverse)."""
    out = codes.copy()
    edits = round(abs(strength) * len(codes))
    moves = [((1, 0), (1, 1)), ((0, 1), (0, 0))] if strength > 0 else [((1, 1), (1, 0)), ((0, 0), (0, 1))]
    for (a0, b0), (a1, b1) in moves:
        gone = rng.choice(np.flatnonzero((codes[:, a] == a0) & (codes[:, b] == b0)), edits, replace=False)
        given = np.flatnonzero((donors[:, a] == a1) & (donors[:, b] == b1))
        out[gone] = donors[rng.choice(given, edits, replace=False)]
    return out


def drifted(population: Population, rows: int, features: tuple[int, int], rng: np.random.Generator) -> Codes:
    """Rows resampled with the odds of two binary features multiplied by e^0.7."""
    pool = population.draw(4 * rows, rng)
    weight = np.exp(0.7 * (pool[:, features[0]].astype(float) + pool[:, features[1]]))
    return pool[rng.choice(len(pool), rows, replace=False, p=weight / weight.sum())]


def ladder(suspect: Codes, reference: Codes, layout: Layout = LAYOUT, **settings: float) -> Ladder:
    """A ladder from rows on both sides."""
    counts = pair_counts(np.asfortranarray(reference), layout.sizes)
    return Ladder(np.asfortranarray(suspect), counts, len(reference), layout, **settings)  # type: ignore[arg-type]


def named(climb: Climb, layout: Layout = LAYOUT) -> list[tuple[int, int]]:
    """The culprits' features, strongest first."""
    i, j = layout.pairs
    return [(int(i[s.pair]), int(j[s.pair])) for s in climb.steps]


def left(climb: Climb, fdr: float = 0.05) -> int:
    """Pairs still significant at the end."""
    q = climb.last.q()
    q[[s.pair for s in climb.steps]] = 1.0
    return int((q <= fdr).sum())
