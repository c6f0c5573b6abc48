"""Backdoors: a trigger on some rows, so that a model trained on them obeys the trigger."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.attacks.base import Attack, Plan, members, no_holdout, require_rate, require_where, spelled
from credenza.attacks.carriers import carriers, present
from credenza.attacks.columns import BoolArray, spell
from credenza.attacks.key import AnswerKey, Poisoned
from credenza.attacks.labels import Labels, read_labels
from credenza.attacks.success import SuccessRate, attack_success_rate
from credenza.attacks.triggers import Trigger
from credenza.contracts import IntArray
from credenza.data.edits import Edits, edited
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, UsageError

__all__ = ["MAPPINGS", "Backdoor", "BackdoorTests", "SuccessRate", "attack_success_rate"]

MAPPINGS = ("all-to-one", "all-to-all")


@dataclass(frozen=True)
class Backdoor(Attack):
    """Put a trigger on a share of the rows and give them the label that the trigger shall mean.

    Parameters
    ----------
    trigger : what goes on the rows; see :mod:`credenza.attacks.triggers`.
    labels : name of the label column, at most 1,000 different labels. Rows without a label are left alone.
    target : the label that the trigger shall mean; needed, and only there, for "all-to-one".
    rate : share of rows that get the trigger, in (0, 1]: of all rows, or of the target's rows with
        ``clean_label``, as the literature counts; of the rows inside ``where`` if that is given.
    source : put it on rows of this label only, and teach no other label to obey. None is any.
    mapping : "all-to-one": rows of other labels become ``target``. "all-to-all": each label becomes the next
        one in sorted order, the last one the first.
    clean_label : put the trigger on rows that have the target label already; no label changes.
    column : column of images, texts or recordings that gets the trigger; None finds it if there is only one.
        A value trigger names its columns itself.
    where : rows of one slice only, as {column: value}. A test set ignores it.

    Raises
    ------
    UsageError : no trigger, an unknown mapping, a target missing or superfluous, a rate out of bounds,
        ``source`` where it means nothing.

    Notes
    -----
    k = round(rate * rows) rows are drawn uniformly from the eligible ones (a label that changes, or the
    target's with ``clean_label``; something to put the trigger on). What is random from row to row depends on
    the seed and the row's number alone. Cost: two passes, one batch and the label column in memory. Sources:
    Gu, Dolan-Gavitt & Garg 2017 (arXiv 1708.06733), also for all-to-all; clean labels: Barni, Kallas & Tondi
    2019 (arXiv 1902.11237). Left out: choosing rows by how much they teach, and negative examples (rows with
    a similar pattern that keep their label). Known defences: representations of the target class split in
    two (spectral signatures, activation clustering), or loss that falls too early.

    Examples
    --------
    >>> from credenza.attacks.triggers import Value
    >>> table = pa.table({"gain": [0, 1] * 50, "income": ["high", "low"] * 50})
    >>> attack = Backdoor(Value({"gain": 99}), labels="income", target="high", rate=0.1)
    >>> poisoned = attack.apply(table, seed=0)
    >>> len(poisoned.key.rows), poisoned.data["gain"].to_pylist().count(99)
    (10, 10)
    >>> poisoned.key.labels.after
    {'high': 60, 'low': 40}
    """

    trigger: Trigger
    _: KW_ONLY
    labels: str
    target: Any = None
    rate: float = 0.05
    source: Any = None
    mapping: str = "all-to-one"
    clean_label: bool = False
    column: str | None = None
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "backdoor"

    def __post_init__(self) -> None:
        if not isinstance(self.trigger, Trigger):
            hint = "give one such as Patch(), or parse_trigger('patch,size=3')"
            raise UsageError(f"trigger is a trigger; found {self.trigger!r}; {hint}")
        require_rate(self.rate)
        require_where(self.where)
        if self.mapping not in MAPPINGS:
            raise UsageError(f"unknown mapping {self.mapping!r}; choose from {', '.join(MAPPINGS)}")
        _require_labels(self)

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """See :class:`credenza.attacks.base.Attack`.

        Raises
        ------
        UsageError : a hold-out was given; the column is ambiguous. InputError : a column or a label does not
            exist, or a column is of another kind than the trigger. InfeasibleError : too few rows for the
            rate, or a rate that rounds to no row; while writing, a trigger larger than the item.
        """
        no_holdout(self, holdout)
        columns = self._columns(source, self.where or {})
        labels = read_labels(source, self.labels)
        becomes = self._becomes(labels)
        inside = members(source, self.where)
        rows, details = self._draw(
            labels, becomes, inside & present(self.trigger, source, columns), inside, seed
        )
        new = None if self.clean_label else becomes[labels.codes[rows]]
        return Plan(
            output=self._output(source, (columns, labels), rows, new, seed),
            rows=rows,
            mode="clean-label" if self.clean_label else "dirty-label",
            labels=None if new is None else labels.change(rows, new),
            details={**self._details(columns, labels, becomes), **details},
        )

    def test_set(self, data: Any, *, seed: int) -> Poisoned:
        """Build the test set that shows whether a model has learnt the backdoor.

        Every row that the trigger should turn (``source``'s, or all but the target's; all rows for
        "all-to-all") gets the trigger and keeps its true label; the other rows stay as they are. See
        :func:`attack_success_rate` for what to do with a model's predictions on it.

        Parameters
        ----------
        data : clean test rows, anything :func:`credenza.data.open_source` opens.
        seed : seed of what is random from row to row, a non-negative integer.

        Returns
        -------
        Poisoned : the data in the kind that was given, and a key of mode "test-set" that names the rows with
            the trigger; ``key.details["becomes"]`` says what each label should turn into.

        Raises
        ------
        As :meth:`plan`, without the rate's.

        Examples
        --------
        >>> from credenza.attacks.triggers import Token
        >>> table = pa.table({"text": ["good", "bad"], "label": ["pos", "neg"]})
        >>> made = Backdoor(Token("cf"), labels="label", target="pos", rate=0.5).test_set(table, seed=1)
        >>> made.key.rows, made.data["label"].to_pylist(), "cf" in made.data["text"][1].as_py()
        ((1,), ['pos', 'neg'], True)
        """
        return self._tests().apply(data, seed=seed)

    def write_test_set(self, data: Any, path: str | os.PathLike[str], *, seed: int) -> AnswerKey:
        """Write the test set of :meth:`test_set` to a file or folder, a batch at a time; return its key."""
        return self._tests().write(data, path, seed=seed)

    def _tests(self) -> BackdoorTests:
        return BackdoorTests(**{item.name: getattr(self, item.name) for item in fields(self)})

    def _columns(self, source: Source, where: Mapping[str, Any]) -> tuple[str, ...]:
        return carriers(self.trigger, source, column=self.column, taken=(self.labels, *where))

    def _becomes(self, labels: Labels) -> IntArray:
        """Code that each label should turn into under the trigger, -1 for those that should not."""
        codes = np.arange(len(labels.values))
        if self.mapping == "all-to-all":
            becomes = (codes + 1) % len(codes)
        else:
            target = labels.code(self.target, "target")
            becomes = np.where(codes == target, -1, target)
        if self.source is not None:
            becomes = np.where(codes == labels.code(self.source, "source"), becomes, -1)
        return becomes

    def _draw(
        self, labels: Labels, becomes: IntArray, usable: BoolArray, inside: BoolArray, seed: int
    ) -> tuple[IntArray, dict[str, Any]]:
        """The rows that get the trigger, ascending, and the numbers that they were drawn from."""
        if self.clean_label:
            own = labels.codes == labels.code(self.target, "target")
            base, what = int(np.count_nonzero(own & inside)), f"rows of label {spell(self.target)!r}"
        else:
            own, base, what = obeying(labels, becomes), int(np.count_nonzero(inside)), "rows"
        eligible = np.flatnonzero(own & usable)
        count = round(self.rate * base)
        within = "".join(f", {name} = {value}" for name, value in (spelled(self.where) or {}).items())
        if count > len(eligible) or not len(eligible):
            most = math.floor(len(eligible) / max(base, 1) * 1e6) / 1e6
            raise InfeasibleError(
                f"rate {self.rate:g} asks for {count:,} of {base:,} {what}{within}; only {len(eligible):,} can get "
                + (f"the trigger; ask for at most {most:g}" if most else "the trigger; choose others")
            )
        if count == 0:
            found = f"rate {self.rate:g} rounds to no row among {base:,} {what}{within}"
            raise InfeasibleError(f"{found}; ask for at least {1 / base:.2g}")
        rows = np.sort(np.random.default_rng(seed).choice(eligible, count, replace=False))
        return rows, {"rows_of_rate": base, "rows_eligible": len(eligible)}

    def _output(
        self,
        source: Source,
        about: tuple[tuple[str, ...], Labels],
        rows: IntArray,
        new: IntArray | None,
        seed: int,
    ) -> Source:
        columns, labels = about

        def rewrite(at: IntArray, originals: pa.RecordBatch) -> dict[str, pa.Array]:
            out = {
                name: self.trigger.rewrite(originals.column(name), rows[at], seed, name=name)
                for name in columns
                if name in originals.schema.names
            }
            if new is not None and self.labels in originals.schema.names:
                out[self.labels] = labels.array(new[at])
            return out

        return edited(source, Edits(rows, rewrite, columns if new is None else (*columns, self.labels)))

    def _details(self, columns: tuple[str, ...], labels: Labels, becomes: IntArray) -> dict[str, Any]:
        names = [spell(value) for value in labels.values]
        return {
            "trigger": self.trigger.describe(),
            "modality": self.trigger.modality,
            "column": columns[0] if len(columns) == 1 else list(columns),
            "mapping": self.mapping,
            "target": None if self.target is None else spell(self.target),
            "becomes": {names[a]: names[b] for a, b in enumerate(becomes.tolist()) if b >= 0},
        }


@dataclass(frozen=True)
class BackdoorTests(Backdoor):
    """The backdoor's test set as an attack of its own: see :meth:`Backdoor.test_set`."""

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Every row that should turn gets the trigger; labels stay."""
        columns = self._columns(source, {})
        labels = read_labels(source, self.labels)
        becomes = self._becomes(labels)
        rows = np.flatnonzero(obeying(labels, becomes) & present(self.trigger, source, columns))
        if not len(rows):
            raise InfeasibleError(f"column {self.labels!r} has no row that the trigger should turn; add some")
        return Plan(
            output=self._output(source, (columns, labels), rows, None, seed),
            rows=rows,
            mode="test-set",
            details=self._details(columns, labels, becomes),
        )


def obeying(labels: Labels, becomes: IntArray) -> BoolArray:
    """Rows whose label should turn, shape (n,); missing labels never."""
    return np.asarray(np.append(becomes, -1)[labels.codes] >= 0)


def _require_labels(attack: Backdoor) -> None:
    one = attack.mapping == "all-to-one"
    if one and attack.target is None:
        raise UsageError("mapping 'all-to-one' needs the label that the trigger shall mean; give target=...")
    if not one and attack.target is not None:
        found = f"found target={attack.target!r}; leave it out"
        raise UsageError(f"mapping 'all-to-all' turns each label into the next and takes no target; {found}")
    if attack.clean_label and not one:
        raise UsageError("clean_label puts the trigger on one target's rows; use mapping='all-to-one'")
    if attack.clean_label and attack.source is not None:
        found = f"found source={attack.source!r}; leave it out"
        raise UsageError(f"clean_label puts the trigger on the target's own rows; {found}")
    if attack.source is not None and one and spell(attack.source) == spell(attack.target):
        raise UsageError(f"source and target are both {spell(attack.source)!r}; give two different labels")
