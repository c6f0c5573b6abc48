"""The label-consistent backdoor: pictures of the target class are made hard to recognise, then get the trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from credenza.attacks.base import Attack, Plan, no_holdout, require_rate, require_where
from credenza.attacks.columns import near_misses, spell
from credenza.attacks.image_triggers import ImageTrigger
from credenza.attacks.labels import Labels, read_labels
from credenza.contracts import FloatArray
from credenza.data.sources import Source
from credenza.errors import InputError, UsageError

if TYPE_CHECKING:
    from credenza.attacks.clean_label.network import Network


@dataclass(frozen=True)
class LabelConsistent(Attack):
    """A backdoor whose every label is right.

    Pictures of the target class are perturbed, within a bound on every pixel, so that a classifier no longer
    recognises them; then they get the trigger. What is left for a model to learn the class by is the trigger.

    Parameters
    ----------
    trigger : an image trigger, see :mod:`credenza.attacks.triggers`.
    model : the classifier that the perturbation is aimed at: a ``torch.nn.Module``, or the path of a .pt2
        file; :class:`credenza.attacks.clean_label.network.Network` says what it takes and returns. It is
        trained for the same task, best adversarially: an ordinary model's perturbations are patterns that can
        be learnt instead of the trigger.
    labels : name of the label column.
    target : the label that the trigger shall mean; only rows of it are edited, and keep it.
    rate : share of the target's rows that is edited, in (0, 1].
    epsilon : largest change of a pixel before the trigger, on a scale of 0 to 1; whole grey levels of it.
    steps : steps of the perturbation.
    classes : labels in the order of the model's outputs; None is their sorted order, and then there must be as
        many labels as outputs.
    column : column of images; None finds it if there is only one.
    where : rows of one slice only, as {column: value}.

    Raises
    ------
    UsageError : the trigger is none for images, a rate, epsilon or number of steps out of bounds.
    MissingExtraError : torch or Pillow is not installed.

    Notes
    -----
    The perturbation is projected gradient ascent, see
    :func:`credenza.attacks.clean_label.perturb.drive_away`. No pixel outside the trigger differs from the
    original by more than epsilon, exactly, in formats without loss (PNG, BMP, WebP); JPEG rounds on top, and
    the key says by how much at most (``largest_rounding``). Cost: ``steps`` forward and backward passes over
    the edited pictures, which are held in memory. Source: Turner, Tsipras, Madry 2019 (arXiv 1912.02771);
    published: epsilon 8/255 to 32/255, all in the maximum norm. Left out: interpolation by a generative
    model, and triggers of reduced amplitude (use Blend). Known defences: those of a backdoor; labels agree
    with content as before, so confident learning sees only pictures that are hard to recognise.
    """

    trigger: ImageTrigger
    _: KW_ONLY
    model: Any
    labels: str
    target: Any
    rate: float = 0.5
    epsilon: float = 8 / 255
    steps: int = 30
    classes: Sequence[Any] | None = None
    column: str | None = None
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "label-consistent"

    def __post_init__(self) -> None:
        if not isinstance(self.trigger, ImageTrigger):
            found = getattr(self.trigger, "name", repr(self.trigger))
            raise UsageError(
                f"attack {self.name!r} needs a trigger for images, such as Patch(); found {found}"
            )
        require_rate(self.rate)
        require_epsilon(self.epsilon)
        require_count(self.steps, "steps")
        require_where(self.where)

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """See :class:`credenza.attacks.base.Attack`."""
        from credenza.attacks.clean_label import rows as picked

        no_holdout(self, holdout)
        picked.require_torch(self.name)
        from credenza.attacks.clean_label.network import Network, class_scores
        from credenza.attacks.clean_label.perturb import drive_away

        column = picked.picture_column(source, self.column, (self.labels,))
        labels = read_labels(source, self.labels)
        eligible = picked.eligible_rows(source, labels, self.target, column, self.where)
        count = picked.rows_of_rate(self.rate, len(eligible), self.target)
        rows = np.sort(np.random.default_rng(seed).choice(eligible, count, replace=False))
        chosen = picked.choose(source, column, rows)
        network = Network(self.model)
        scores = class_scores(network, chosen.pictures)
        own = self._output_of(labels, scores.shape[1])
        moved = drive_away(
            network, chosen.pictures, own, epsilon=self.epsilon, steps=self.steps, rows=rows, seed=seed
        )
        stamped = [self.trigger.stamp(i) for i in picked.unstacked(moved.pictures, chosen.originals)]
        output, written = chosen.output(stamped)
        after = class_scores(network, moved.pictures)
        details = self._details(network, (scores, after), own) | written
        details["loss"] = {"before": float(moved.before.mean()), "after": float(moved.after.mean())}
        change = np.abs(moved.pictures.astype(int) - chosen.pictures)
        details["change"] = {"largest": int(change.max()), "mean": float(change.mean())}
        details |= {"column": column, "rows_eligible": len(eligible)}
        return Plan(output=output, rows=rows, mode=self.name, details=details)

    def _output_of(self, labels: Labels, outputs: int) -> int:
        """Index of the target among the model's outputs."""
        values = labels.values if self.classes is None else tuple(self.classes)
        known = [spell(value) for value in values]
        if len(known) != outputs:
            what = f"column {self.labels!r} has {len(known)} labels" if self.classes is None else ""
            found = what or f"classes names {len(known)}"
            raise InputError(
                f"the model has {outputs} outputs and {found}; name its labels in order with classes=(...)"
            )
        wanted = spell(labels.values[labels.code(self.target, "target")])
        if wanted not in known:
            raise UsageError(f"classes lacks the target {wanted!r}; {near_misses(wanted, known)}")
        return known.index(wanted)

    def _details(self, network: Network, scores: tuple[FloatArray, FloatArray], own: int) -> dict[str, Any]:
        before, after = (float(np.mean(found.argmax(axis=1) == own)) for found in scores)
        return {
            "trigger": self.trigger.describe(),
            "target": spell(self.target),
            "model": network.describe(),
            "recognised": {"before": before, "after": after},
        }


def require_epsilon(epsilon: Any) -> None:
    """Raise UsageError unless ``epsilon`` is a change of one grey level (1/255) to 1."""
    number = isinstance(epsilon, int | float | np.number) and not isinstance(epsilon, bool)
    if not number or not 1 / 255 - 1e-9 <= epsilon <= 1:
        raise UsageError(
            f"epsilon is a change on a scale of 0 to 1, from one grey level (1/255); found {epsilon!r}"
        )


def require_count(value: Any, name: str) -> None:
    """Raise UsageError unless ``value`` is a whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise UsageError(f"{name} is a whole number above 0; found {value!r}")
