"""What a climb found, and the weights of its explanation for all rows."""

from __future__ import annotations

from dataclasses import dataclass

from credenza.association.calibrate import Calibration, Targets, solve_cells
from credenza.association.cells import Cells
from credenza.association.shift import PairShift
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError


@dataclass(frozen=True)
class Step:
    """One culprit as the ladder met it: the pair's position, and what the test said just then."""

    pair: int
    log_p: float
    q: float
    probe_a: int
    probe_b: int


@dataclass(frozen=True)
class Climb:
    """What the ladder found.

    Attributes
    ----------
    first : the pair tests before anything is explained.
    last : the pair tests after everything that was named is explained.
    marginal_log_p, marginal_q, marginal_change : rung 1, (m,): is the feature's own frequency shifted, and by how much.
    drifted : positions of the pairs that were significant and that the marginal shifts alone explain.
    shifted : features whose marginals are part of the explanation.
    collateral_margins : features whose significant marginal shift is explained by the culprits alone.
    steps : the culprits, in the order of their strength of evidence.
    explained : for each culprit, positions of the pairs that were significant at first and that come back when this
        culprit alone is left unexplained (with one culprit: all of them).
    strengths : for each culprit, (eps, standard error) at its strongest 2x2 table, all else explained.
    calibration : the weights of the explanation: one for each row that the ladder was given, with the effective size of
        all rows. ``calibration.rule`` gives the weight of any other row.
    targets : what the weights reproduce.
    exhausted : whether the ladder gave up with pairs still significant.
    edited : for each culprit, the feature whose values were edited in place, -1 where rows were exchanged; empty where
        that holds for all. With an edit, ``last`` is against the reference with the same edits made to it, while
        weights and targets stay those of the explanation by exchanged rows.
    """

    first: PairShift
    last: PairShift
    marginal_log_p: FloatArray
    marginal_q: FloatArray
    marginal_change: FloatArray
    drifted: IntArray
    shifted: tuple[int, ...]
    collateral_margins: tuple[int, ...]
    steps: tuple[Step, ...]
    explained: tuple[IntArray, ...]
    strengths: tuple[tuple[float, float], ...]
    calibration: Calibration
    targets: Targets
    exhausted: bool
    edited: tuple[int, ...] = ()

    @property
    def explaining(self) -> tuple[int, ...]:
        """The features that the weights depend on: positions in the ladder's layout, ascending."""
        return self.targets.features


def final_weights(climb: Climb, cells: Cells) -> Calibration:
    """The weights of a climb's explanation, solved on all rows.

    Parameters
    ----------
    climb : what the ladder found, on a sample of the rows.
    cells : the combinations that all rows take on the features ``climb.explaining`` of the ladder's layout.

    Returns
    -------
    Calibration with one weight a cell, in the order of ``cells.read()``, and facts that hold for all rows; its ``rule``
    gives the weight of each row. Where the cells exceed their cap, the climb's own calibration, solved on the sample:
    its ``rows`` say how many that are, and its ``rule`` serves rows of any combination, seen in the sample or not.

    Raises
    ------
    InputError : ``cells`` were counted on other features.

    Examples
    --------
    >>> import numpy as np
    >>> from credenza.association.counts import PairCounts
    >>> from credenza.association.ladder import Ladder
    >>> from credenza.association.probes import Layout
    >>> codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 100, np.uint8)
    >>> counts = PairCounts.empty((2, 2)).update(codes[codes[:, 0] <= codes[:, 1]])
    >>> climb = Ladder(codes, counts.joint, counts.rows, Layout((2, 2), (0, 0))).climb()
    >>> climb.explaining
    (0, 1)
    >>> cells = Cells.empty(climb.explaining, (2, 2)).update(codes)
    >>> final_weights(climb, cells).rule.of(codes[:4]).round(3).tolist()
    [1.333, 1.333, 0.0, 1.333]
    """
    sizes = climb.targets.part_sizes
    if (cells.features, cells.sizes) != (climb.explaining, sizes):
        raise InputError(
            f"cells of features {list(cells.features)} with levels {list(cells.sizes)}: "
            f"the weights depend on {list(climb.explaining)} with levels {list(sizes)}"
        )
    whole = cells.whole()
    if whole.exceeded:
        return climb.calibration
    return solve_cells(*whole.read(), climb.targets)
