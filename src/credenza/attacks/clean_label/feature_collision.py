"""Feature collision: pictures of one class that a model represents like one picture of another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.attacks.base import Attack, Plan, require_rate, require_where
from credenza.attacks.clean_label.label_consistent import require_count, require_epsilon
from credenza.attacks.columns import spell
from credenza.attacks.labels import read_labels
from credenza.contracts import IntArray
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError, UsageError

if TYPE_CHECKING:
    from credenza.attacks.clean_label.rows import Chosen, Pictures


@dataclass(frozen=True)
class FeatureCollision(Attack):
    """Poison pictures with their right labels so that one chosen picture, the victim, is misclassified.

    Base pictures of the label ``target`` are changed until a model represents them like the victim, which is
    of another class. A model that is trained or fine-tuned on them puts the victim where they are. No trigger.

    Parameters
    ----------
    model : the model whose representation is attacked: a ``torch.nn.Module``, or the path of a .pt2 file; see
        :class:`credenza.attacks.clean_label.network.Network`.
    labels : name of the label column.
    target : label of the base pictures, which the victim shall get.
    victim : the row of the victim, from 0, in the hold-out if there is one, else in the data (it is not
        edited); or the path of an image file.
    count : how many base pictures are edited. rate : their share of the target's rows, in (0, 1]. Give one of
        the two at most; neither is one picture, as published for fine-tuning.
    beta : weight of staying close to the base, above 0, see
        :func:`credenza.attacks.clean_label.collide.collide`.
    iterations : steps of the optimisation.
    opacity : share of the victim that is mixed into each base at first, from 0 to below 1. Published: 0.2 to
        0.3, with 50 pictures, for models trained from scratch.
    epsilon : largest change of a pixel beyond that mixture; None is no limit but ``beta``.
    column : column of images; None finds it if there is only one.
    where : base pictures of one slice only, as {column: value}.

    Raises
    ------
    UsageError : a parameter out of bounds, count and rate both, a hold-out that is not used.
    MissingExtraError : torch or Pillow is not installed.

    Notes
    -----
    Minimises ``|f(x) - f(t)|^2 + beta (d / D)^2 |x - b|^2`` by forward-backward splitting. Bases are drawn
    uniformly. With epsilon, formats without loss keep every pixel inside it exactly; JPEG rounds on top, and
    the key says by how much. Cost: 2 ``iterations`` passes over the edited pictures, which are held in
    memory. Source: Shafahi et al., "Poison Frogs!" (NeurIPS 2018). Left out: choosing the bases that are
    nearest to the victim, several victims, ensembles of models. Known defence: the poisons are outliers of
    their class in the representation (QUE, spectral signatures); their labels look right.
    """

    model: Any
    _: KW_ONLY
    labels: str
    target: Any
    victim: int | str | os.PathLike[str]
    count: int | None = None
    rate: float | None = None
    beta: float = 0.25
    iterations: int = 200
    opacity: float = 0.0
    epsilon: float | None = None
    column: str | None = None
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "feature-collision"

    def __post_init__(self) -> None:
        if self.count is not None and self.rate is not None:
            raise UsageError(
                f"give count or rate, not both; found count={self.count!r} and rate={self.rate!r}"
            )
        if self.rate is not None:
            require_rate(self.rate)
        require_count(1 if self.count is None else self.count, "count")
        require_count(self.iterations, "iterations")
        if self.epsilon is not None:
            require_epsilon(self.epsilon)
        _require_number(self.beta, "beta is a weight above 0", 0 < _number(self.beta) < np.inf)
        inside = 0 <= _number(self.opacity) < 1
        _require_number(self.opacity, "opacity is a share from 0 to below 1", inside)
        if isinstance(self.victim, bool) or not isinstance(self.victim, int | np.integer | str | os.PathLike):
            raise UsageError(
                f"the victim is a row, from 0, or the path of an image file; found {self.victim!r}"
            )
        require_where(self.where)

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """See :class:`credenza.attacks.base.Attack`."""
        from credenza.attacks.clean_label.rows import require_torch, unstacked

        if self._victim_row() is None and holdout is not None:
            raise UsageError(
                "the victim is a file and a hold-out was given; leave it out or give a row of it"
            )
        require_torch(self.name)
        from credenza.attacks.clean_label.collide import collide
        from credenza.attacks.clean_label.network import Network

        chosen, victim, eligible = self._choose(source, holdout, seed)
        network = Network(self.model)
        made = collide(
            network,
            chosen.pictures,
            victim,
            beta=self.beta,
            iterations=self.iterations,
            opacity=self.opacity,
            epsilon=self.epsilon,
        )
        output, written = chosen.output(unstacked(made.pictures, chosen.originals))
        change = np.abs(made.pictures.astype(int) - chosen.pictures)
        details = {
            "target": spell(self.target),
            "column": chosen.column,
            "rows_eligible": eligible,
            "model": network.describe(),
            "representation": network.representation,
            "distance": {"before": np.sqrt(made.before).tolist(), "after": np.sqrt(made.after).tolist()},
            "change": {"largest": int(change.max()), "mean": float(change.mean())},
            "pixel_weight": made.weight,
        }
        return Plan(output=output, rows=chosen.rows, mode=self.name, details=details | written)

    def _choose(self, source: Source, holdout: Source | None, seed: int) -> tuple[Chosen, Pictures, int]:
        """The base pictures, the victim in the same shape, and how many rows there were to choose from."""
        from credenza.attacks.clean_label.rows import choose, eligible_rows, picture_column, stacked

        column = picture_column(source, self.column, (self.labels,))
        labels = read_labels(source, self.labels)
        eligible = eligible_rows(source, labels, self.target, column, self.where)
        row = self._victim_row()
        victim = self._victim(source if holdout is None else holdout, column, row)
        if row is not None and holdout is None:
            eligible = eligible[eligible != row]
        chosen = choose(source, column, self._draw(eligible, seed))
        return chosen, stacked([*chosen.originals, victim])[-1:], len(eligible)

    def _victim_row(self) -> int | None:
        """The row of the victim; None if it is a file. Digits are a row, as a command line has only text."""
        if isinstance(self.victim, str) and self.victim.isdecimal():
            return int(self.victim)
        return None if isinstance(self.victim, str | os.PathLike) else int(self.victim)

    def _victim(self, source: Source, column: str, row: int | None) -> Any:
        from credenza.attacks.clean_label.rows import choose, picture_column
        from credenza.data.pictures import decode_images

        if row is None:
            path = Path(str(self.victim))
            if not path.is_file():
                raise InputError(f"there is no image file {str(path)!r} for the victim; check the path")
            return decode_images(pa.array([path.read_bytes()]), names=[str(path)])[0]
        if not 0 <= row < source.rows:
            raise InputError(f"the victim is row {row} of {source.rows:,}; give 0 to {source.rows - 1}")
        return choose(source, picture_column(source, column, ()), np.array([row])).originals[0]

    def _draw(self, eligible: IntArray, seed: int) -> IntArray:
        from credenza.attacks.clean_label.rows import rows_of_rate

        if self.rate is not None:
            count = rows_of_rate(self.rate, len(eligible), self.target)
        else:
            count = 1 if self.count is None else int(self.count)
        if count > len(eligible):
            found = f"{count:,} base pictures of label {spell(self.target)!r} were asked for"
            raise InfeasibleError(f"{found} and there are {len(eligible):,}; lower the count")
        return np.sort(np.random.default_rng(seed).choice(eligible, count, replace=False))


def _number(value: Any) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return float(value) if number else float("nan")


def _require_number(value: Any, rule: str, fits: bool) -> None:
    if not fits:
        raise UsageError(f"{rule}; found {value!r}")
