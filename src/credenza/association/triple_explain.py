"""One explanation at a time on rung 3: weigh the suspect so that it matches the reference there, count triples again.

To the solver the eight cells of a triple's table are the levels of one more feature, whose marginal has to match. Where
the weights are solved on a sample of the rows, weights and counts go together as in
:mod:`credenza.association.explain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.calibrate import Targets, solve_cells
from credenza.association.cells import combinations
from credenza.association.triple_counts import TripleCounts, probe_planes
from credenza.association.triple_weights import WeightedTriples, weighted_counts
from credenza.contracts import FloatArray

Codes = NDArray[np.uint8]
Probes = tuple[int, int, int]


@dataclass(frozen=True)
class Given:
    """What rungs 1 and 2 explained: the reference's shares that the weights reproduce, and the suspect's own there.

    Positions of features are those of the columns of the codes that the ladder is given.
    """

    wanted: Targets
    own: Targets

    @classmethod
    def nothing(cls, sizes: tuple[int, ...]) -> Given:
        """Nothing was explained."""
        return cls(Targets(sizes, {}, {}), Targets(sizes, {}, {}))

    def margins(self) -> Given:
        """The marginal shifts alone."""
        wanted, own = (replace(side, pairs={}) for side in (self.wanted, self.own))
        return Given(wanted, own)


class TripleExplainer:
    """Weighs one suspect to one reference.

    Parameters
    ----------
    reference, suspect : triple counts of all rows, in one layout of m features.
    rows : gives codes uint8 (S, m + ...) of the suspect's rows, or of a random sample of them: the m features first,
        then others that what is given depends on. Called once, and only when something is to be explained.
    design_effect : rows of the suspect that are worth one independent row; >= 1.

    Notes
    -----
    Cost of one explanation: one calibration on the distinct cells (two where S < n) and 34 triple counts of the S rows.
    """

    def __init__(
        self,
        reference: TripleCounts,
        suspect: TripleCounts,
        rows: Callable[[], Codes],
        *,
        design_effect: float = 1.0,
    ) -> None:
        self.reference, self.suspect, self.design_effect = reference, suspect, design_effect
        self.layout = reference.threes.layout
        self._rows = rows

    @cached_property
    def codes(self) -> Codes:
        """The rows that are weighed."""
        return self._rows()

    @cached_property
    def _planes(self) -> NDArray[np.uint64]:
        return probe_planes(self.codes[:, : self.layout.features], self.layout)

    def solve(self, probes: list[Probes], given: Given) -> tuple[WeightedTriples, float]:
        """The suspect's counts under the weights of one explanation, and the rows that all of them are worth.

        Parameters
        ----------
        probes : the tables that are explained. given : what lower rungs explained.

        Notes
        -----
        A cell counts c = sum over all rows + sum over the sample of k (w - 1), k = n / S, which has variance
        sum over all rows + sum over the sample of 2 k (w - 1) + k^2 (w - 1)^2; sum w^2 where the sample is all rows.
        """
        rows, plain = float(self.suspect.rows), self.suspect
        if not probes and not given.wanted.blocks:
            return WeightedTriples(plain, plain, self.design_effect), rows / self.design_effect
        weights, base, effective = self._weights(probes, given)
        factor, moved = rows / len(self.codes), weights - 1.0
        change, squares = (weighted_counts(self._planes, base * x, plain.threes) for x in (moved, moved**2))
        variances = plain.plus(change, 2 * factor).plus(squares, factor**2)
        counts = WeightedTriples(plain.plus(change, factor), variances, self.design_effect)
        return counts, effective / self.design_effect

    def _weights(self, probes: list[Probes], given: Given) -> tuple[FloatArray, FloatArray, float]:
        """(weights, weights that make the sample like all rows) of the rows, and the size they are worth together."""
        rows, drawn = float(self.suspect.rows), len(self.codes)
        wanted, codes = self._targets(probes, given.wanted, self.reference)
        cells, counts, index = combinations(codes, wanted.part_sizes)
        base = np.ones(len(cells))
        if drawn < rows:
            own, _ = self._targets(probes, given.own, self.suspect)
            base = solve_cells(cells, counts, own).weights
        fit = solve_cells(cells, counts * base, wanted)
        spread = max(drawn / max(fit.effective_size, 1e-300) - 1.0, 0.0)
        return fit.weights[index], base[index], 1.0 / (1.0 / rows + spread / drawn)

    def _targets(
        self, probes: list[Probes], given: Targets, side: TripleCounts
    ) -> tuple[Targets, NDArray[np.integer]]:
        """Targets with one more feature of eight levels a triple, and the codes (S, features) that they depend on."""
        first = len(given.sizes)
        singles = dict(given.marginals)
        columns = [self.codes[:, f] for f in given.features]
        for k, triple in enumerate(probes):
            table = side.table(np.array([triple]))[:, 0]
            singles[first + k] = table / table.sum()
            columns.append(self._cell(triple))
        sizes = (*given.sizes, *(8,) * len(probes))
        targets = Targets(sizes, singles, given.pairs)
        return targets, np.stack(columns, axis=1)

    def _cell(self, triple: Probes) -> NDArray[np.uint8]:
        """The cell of a triple's table that each row falls in, 0 to 7."""
        out = np.zeros(len(self.codes), np.uint8)
        for probe in triple:
            f = int(self.layout.probe_feature[probe])
            first, stop = self.layout.probe_planes[probe] - self.layout.starts[f]
            column = self.codes[:, f]
            out = 2 * out + ((column >= first) & (column < stop))
        return out.astype(np.uint8)
