"""Weights of mean 1 that put right what was moved and leave every feature's marginal as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.errors import InfeasibleError, UsageError
from credenza.repair.case import Case, Cure
from credenza.repair.newton import Problem, Solution, minimise
from credenza.repair.parts import Part
from credenza.repair.targets import Survey, Targets
from credenza.repair.tilt import Sums, Tilt, parts_of

SAMPLE = 2**18  # rows that the first solution is made from, and curvature
TOLERANCE = 1e-8  # on the largest difference between a wanted share of rows and the weighted one
LOOKS, STEPS = 16, 60  # passes over all rows, looks at the sample
CHANCE = 4.0  # rows that a cell may lack and be within two standard errors: wanted <= 2 sqrt(wanted)
UNMET = 1e-5  # a cure with a cell that is off by a larger share of the rows is not met
EXACT = 1e-11  # what may be missed on the sample
STRIDE = 1 / 32  # of the search for how much of a cure can be met
PROBE = 2**15  # rows that it is made on
ROOM = (0.98, 0.9, 0.7)  # shares of what the sample allows that are tried on all rows


@dataclass(frozen=True)
class Balance:
    """Weights and how well they do.

    Attributes
    ----------
    tilt : the weight of every row, by its levels.
    rows : n.
    passes : over the rows.
    margin_residual : largest difference of a level's weighted share of the rows from what it was.
    cure_residual : largest difference of a cure's cell from what was wanted, as a share of the rows.
    effective_rows : independent rows that the weighted ones are worth: (sum w)^2 / sum w^2 (Kish).
    largest, smallest : extreme weights.
    misplaced : for each cure of the case the rows that are still in a wrong cell.
    skipped : what could not be restored, in words.
    """

    tilt: Tilt
    rows: int
    passes: int
    margin_residual: float
    cure_residual: float
    effective_rows: float
    largest: float
    smallest: float
    misplaced: tuple[float, ...]
    skipped: tuple[str, ...]


def balance(case: Case, *, seed: int, cap: float | None = None, partial: bool = False) -> Balance:
    """Weigh the rows of a case so that every cure is met and no marginal moves.

    Parameters
    ----------
    case : a suspect and its cures. A cure with ``where`` weighs the rows of that slice among themselves.
    seed : of the sample that the first solution is made from; it does not change what the weights converge to.
    cap : largest weight allowed, above 1; None for no limit.
    partial : do what can be done where a cell is empty or a cure cannot be met; marginals are kept all the same.

    Returns
    -------
    Balance; its weights are min(cap, exp(sum of multipliers)): of all weights that meet the targets the ones with the
    greatest entropy.

    Raises
    ------
    UsageError : a cap of 1 or less.
    InputError : a slice without rows.
    InfeasibleError : a cell that should hold more than ``CHANCE`` rows has none, or a cure is out of reach (under the
        cap); says by how much. Not with ``partial``, where ``skipped`` says it.

    Notes
    -----
    One pass counts and draws a sample; the weights are solved on the sample, then on all rows by Newton steps, each a
    pass, with the sample's curvature (with that of all rows where this is too coarse). Cost: usually 3 to 5 passes, a
    few look-ups a row, sample rows x T^2 multiply-adds a step on the sample; T is the number of levels and cells
    beyond the first of each. Memory: the sample and a batch, whatever the number of rows. With rows up to the size of
    the sample one pass is enough. Left out: weights that also keep pairs which were not moved, which would cost
    effective rows and, without a shift to be explained, gain nothing.
    Source: Deming and Stephan 1940; Hainmueller 2012 (entropy balancing); bounded weights as in Deville and Sarndal
    1992.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import fit_schema, open_source, sketch
    >>> from credenza.repair.case import aim
    >>> table = pa.table({"a": [0] * 50 + [1] * 50, "b": [0] * 40 + [1] * 10 + [0] * 10 + [1] * 40})
    >>> found = np.array([[40, 10], [10, 40]])
    >>> source = open_source(table)
    >>> case = Case(source, fit_schema(sketch(source)), (Cure((0, 1), found, aim(found, None)),))
    >>> fit = balance(case, seed=0)
    >>> round(fit.effective_rows, 2), round(fit.smallest, 4), round(fit.largest, 4)
    (64.0, 0.625, 2.5)
    """
    if cap is not None and not cap > 1:
        raise UsageError(f"cap is {cap:g}; give the largest weight allowed, above 1 (weights have mean 1)")
    skipped = tuple(text for cure in case.cures for text in _empty(case, cure))
    if skipped and not partial:
        raise InfeasibleError(f"cannot restore {skipped[0]}{_more(skipped)}; take partial to do the rest")
    if not case.cures:
        rows = case.source.rows
        return Balance(Tilt(case.schema, (), np.zeros(0)), rows, 0, 0.0, 0.0, float(rows), 1.0, 1.0, (), ())
    return _Solver(Targets.of(case, float("inf") if cap is None else float(cap)), seed, partial).solve(
        skipped
    )


def _empty(case: Case, cure: Cure) -> Iterator[str]:
    for cell in cure.empty:
        wanted = float(cure.wanted[cell])
        if wanted <= CHANCE:
            continue
        yield f"{case.cell(cure, cell)}{_where(cure)}: no row has it, {wanted:,.0f} should"


def _where(cure: Cure) -> str:
    return "" if cure.where is None else f" where {cure.where[0]} = {cure.where[1]}"


def _more(texts: tuple[str, ...]) -> str:
    return f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""


def rank_of(cure: Cure, case: Case) -> int:
    """The place of a cure among those of a case: the same object, since tables have no single truth value."""
    return next(k for k, other in enumerate(case.cures) if other is cure)


def _spread(rows: int, most: int) -> IntArray:
    """At most so many rows, evenly spread."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)


class _Solver:
    """One balance in the making."""

    def __init__(self, targets: Targets, seed: int, partial: bool) -> None:
        self.targets, self.seed, self.partial, self.passes = targets, seed, partial, 0
        self.complete = targets.case.source.rows <= SAMPLE  # the sample is all there is

    def solve(self, skipped: tuple[str, ...]) -> Balance:
        """Meet the targets; where that fails come near, or say by how much."""
        size = min(SAMPLE, self.targets.case.source.rows)
        survey = self.targets.survey(self._pass(), size, self.seed)
        found, missed = self._full(self.targets, survey), tuple[str, ...]()
        if found is None:
            found = self._eased(survey)
            missed = tuple(self._missed(found.sums, self.targets.wanted(survey.before)))
            if missed and not self.partial:
                hint = f"{self._remedy(survey)}take partial to come near"
                raise InfeasibleError(f"cannot restore {missed[0]}{_more(missed)}; {hint}")
        return self._read(found, survey.before, (*skipped, *missed))

    def _read(self, found: Solution, before: Sums, skipped: tuple[str, ...]) -> Balance:
        targets, sums = self.targets, found.sums
        moved = np.abs(sums.cells - before.cells)[targets.margins].max(initial=0.0) / sums.rows
        off = {id(cure): rows for cure, rows in targets.misses(sums, targets.wanted(before))}
        stay = {
            id(cure): np.abs(sums.cells[place] - cure.wanted.ravel()).sum() / 2
            for cure, place in targets.places
        }
        return Balance(
            tilt=found.tilt,
            rows=sums.rows,
            passes=self.passes,
            margin_residual=float(moved),
            cure_residual=max(float(rows.max()) for rows in off.values()) / sums.rows,
            effective_rows=sums.total**2 / sums.squares,
            largest=sums.largest,
            smallest=sums.smallest,
            misplaced=tuple(float(stay[id(cure)]) for cure in targets.case.cures),
            skipped=skipped,
        )

    def _pass(self) -> Iterator[Part]:
        self.passes += 1
        return parts_of(self.targets.case.source, self.targets.blank, "weighing rows")

    def _full(self, targets: Targets, survey: Survey) -> Solution | None:
        """Weights of all rows that meet every target, or None."""
        found = self._on_sample(targets, survey, targets.blank)
        if found.converged and not self.complete:
            found = self._on_all(targets, survey, found.tilt)
        return found if found.converged else None

    def _on_sample(self, targets: Targets, survey: Survey, start: Tilt) -> Solution:
        """Solve on the sample, with targets as far from what it has as those of all rows are from what they have."""
        sample = (survey.sample,)
        have, before, wanted = targets.blank.sums(sample), survey.before, targets.wanted(survey.before)
        shares = have.cells / have.rows * (wanted / np.maximum(before.cells, 1.0))
        free = targets.free(before)
        seen = free[have.cells[free] > 0]

        def look(tilt: Tilt, cells: IntArray | None) -> Sums:
            return tilt.sums(sample, cells)

        return minimise(Problem(seen, shares[seen]), start, look, curve=None, tolerance=EXACT, looks=STEPS)

    def _on_all(self, targets: Targets, survey: Survey, start: Tilt) -> Solution:
        """Solve on all rows, a pass a look; curvature is the sample's while that serves."""
        free = targets.free(survey.before)

        def look(tilt: Tilt, cells: IntArray | None) -> Sums:
            return tilt.sums(self._pass(), cells)

        def curve(tilt: Tilt, sums: Sums) -> FloatArray:
            found = tilt.sums((survey.sample,), free)
            assert found.gram is not None
            matrix = found.gram / found.rows
            unseen = np.flatnonzero(matrix.diagonal() == 0)
            matrix[unseen, unseen] = sums.cells[free[unseen]] / sums.rows
            return matrix

        problem = Problem(free, targets.wanted(survey.before)[free] / survey.before.rows)
        return minimise(problem, start, look, curve=curve, tolerance=TOLERANCE, looks=LOOKS)

    def _eased(self, survey: Survey) -> Solution:
        """Carry out each cure as far as those before it, strongest first, leave room for; solve that on all rows."""
        thin = Survey(survey.before, survey.sample.take(_spread(len(survey.sample.codes), PROBE)))
        shares = self._shares(thin)
        for room in ROOM:
            eased = self.targets.eased(
                np.where(shares < 1.0, shares * room, shares) if room > 0.9 else shares * room
            )
            found = self._full(eased, survey)
            if found is not None:
                return found
        raise InfeasibleError(
            f"no weights were found in {self.passes} passes; give a larger cap, or cure fewer pairs"
        )

    def _shares(self, survey: Survey) -> FloatArray:
        """How much of each cure those before it leave room for, by halving, in the order of ``places``."""
        places = [cure for cure, _ in self.targets.places]
        shares = np.zeros(len(places))
        best = self._on_sample(self.targets.eased(shares), survey, self.targets.blank)
        for k in sorted(range(len(places)), key=lambda k: rank_of(places[k], self.targets.case)):
            low, high, share = 0.0, 1.0, 1.0
            while low < 1.0 and high - low > STRIDE:
                shares[k] = share
                found = self._on_sample(self.targets.eased(shares), survey, best.tilt)
                if found.converged:
                    low, best = share, found
                else:
                    high = share
                share = (low + high) / 2
            shares[k] = low
        return shares

    def _missed(self, sums: Sums, wanted: FloatArray) -> Iterator[str]:
        """Cures whose cells are still off, but for those that are empty."""
        for cure, off in self.targets.misses(sums, wanted):
            if off.max() > UNMET * sums.rows:
                a, b = self.targets.case.names(cure)
                stay = f"{off.sum() / 2:,.0f} of {cure.misplaced:,.0f} misplaced rows stay"
                yield f"{a!r} x {b!r}{_where(cure)}: {stay}"

    def _remedy(self, survey: Survey) -> str:
        """What cap would do, found on the sample; nothing where no cap was given or none would do."""
        if np.isinf(self.targets.blank.cap):
            return ""
        free = Targets.of(self.targets.case)
        found = self._on_sample(free, survey, free.blank)
        return f"a cap of {np.ceil(100 * found.sums.largest) / 100:.2f} would do; " if found.converged else ""
