"""Label flipping: some rows get another label, nothing else changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.attacks.base import Attack, Plan, members, no_holdout, require_rate, require_where
from credenza.attacks.columns import MAX_LEVELS, encode_values, near_misses, require_columns, spell
from credenza.attacks.key import LabelChange
from credenza.contracts import FloatArray, IntArray
from credenza.data.edits import Edits, edited
from credenza.data.sources import Source
from credenza.errors import InfeasibleError, InputError, UsageError

KINDS = ("random", "targeted", "boundary")
RATES = {"random": 0.05, "targeted": 0.10, "boundary": 0.05}


@dataclass(frozen=True)
class Labels:
    """The label column: ``codes`` of shape (n,), -1 where missing; ``values`` sorted; their Arrow type."""

    column: str
    codes: IntArray
    values: tuple[Any, ...]
    kind: pa.DataType

    def code(self, label: object, role: str) -> int:
        """Code of a value or of its text.

        Raises
        ------
        InputError : there is no such label; the message names those that exist.
        """
        known = [spell(value) for value in self.values]
        wanted = spell(label)
        if self.values and isinstance(self.values[0], bool):
            wanted = wanted.lower()
        if wanted in known:
            return known.index(wanted)
        found = f"column {self.column!r} has no label {wanted!r} to be the {role}"
        raise InputError(f"{found}; {near_misses(wanted, known)}")

    def array(self, codes: IntArray) -> pa.Array:
        """Labels of the given codes, in the type of the column."""
        if pa.types.is_dictionary(self.kind):
            indices = pa.array(codes, self.kind.index_type)
            values = pa.array(self.values, self.kind.value_type)
            return pa.DictionaryArray.from_arrays(indices, values, ordered=self.kind.ordered)
        return pa.array([self.values[code] for code in codes.tolist()], self.kind)

    def counts(self, codes: IntArray) -> dict[str, int]:
        """Rows of each label, missing ones left out."""
        sizes = np.bincount(codes[codes >= 0], minlength=len(self.values))
        return {spell(value): int(size) for value, size in zip(self.values, sizes, strict=True)}

    def change(self, rows: IntArray, new: IntArray) -> LabelChange:
        """What giving ``rows`` the labels ``new`` does to the column."""
        after = self.codes.copy()
        after[rows] = new
        moved = Counter(zip(self.codes[rows].tolist(), new.tolist(), strict=True))
        changed = tuple(
            (spell(self.values[a]), spell(self.values[b]), size) for (a, b), size in sorted(moved.items())
        )
        return LabelChange(self.column, self.counts(self.codes), self.counts(after), changed)


def read_labels(source: Source, column: str) -> Labels:
    """Read the label column, a batch at a time.

    Raises
    ------
    InputError : there is no such column, it holds lists or bytes, more than 1,000 different labels, or fewer
        than two.
    """
    require_columns((column,), source.columns)
    number: dict[Any, int] = {}
    parts = []
    for batch in source.batches([column]):
        codes, values = encode_values(pa.chunked_array([batch.column(0)]), column, limit=None)
        own = np.array([number.setdefault(value, len(number)) for value in values] + [-1], dtype=np.int64)
        parts.append(own[codes])
        if len(number) > MAX_LEVELS:
            found = f"column {column!r} has more than {MAX_LEVELS:,} different values"
            raise InputError(f"{found}, too many for labels; name the column of labels")
    if len(number) < 2:
        found = f"only the label {spell(next(iter(number)))!r}" if number else "no label at all"
        raise InputError(f"column {column!r} has {found}; an attack on labels needs two or more")
    ordered = sorted(number)
    rank = np.full(len(number) + 1, -1, dtype=np.int64)
    rank[[number[value] for value in ordered]] = np.arange(len(ordered))
    kind = source.schema.field(column).type
    return Labels(column, rank[np.concatenate(parts)], tuple(ordered), kind)


@dataclass(frozen=True)
class LabelFlipping(Attack):
    """Give a share of the rows another label.

    Parameters
    ----------
    labels : name of the label column: text, numbers, booleans or dates, at most 1,000 different ones. Rows
        without a label are left alone.
    kind : "random": rows drawn uniformly; each gets one of the other labels, uniformly. "targeted": rows of
        the label ``source`` become ``target``. "boundary": the rows nearest to the decision boundary get the
        label that a linear model holds for the next most probable one: flips that cannot be told from honest
        mistakes.
    rate : share of the eligible rows that is flipped, in (0, 1]; 0.05, or 0.10 where targeted. Eligible are
        rows with a label, of the label ``source`` if given, inside ``where``, that are not ``target``
        already.
    source : label that is attacked; None is any.
    target : label that the rows get; None leaves it to the kind.
    embeddings : for "boundary", what the linear model looks at instead of the other columns: an array of
        shape (n, d), a .npy file, or a table of numbers.
    where : rows of one slice only, as {column: value}.

    Raises
    ------
    UsageError : an unknown kind, a rate out of bounds, "targeted" without both labels, the same label twice,
        embeddings that are not used.
    MissingExtraError : "boundary" without scikit-learn.

    Notes
    -----
    The margin of a row is p(own label) - max p(other label) under a logistic regression fitted on the other
    folds; the smallest \\|margin\\| goes first. A negative one is a row that the model would label otherwise.
    Cost: O(n), the label column in memory, for random and targeted; for boundary all features are in memory.
    Sources: Biggio, Nelson, Laskov (ACML 2011) for random flips; Tolpegin et al. (ESORICS 2020) for targeted
    ones; Xiao, Xiao, Eckert (ECAI 2012) choose flips by what they do to a model, of which the margin is the
    cheap form. Left out: a search over sets of flips, which needs a fit for each candidate.
    Known defence: labels that disagree with content (confident learning), which hardly sees boundary flips.

    Examples
    --------
    >>> table = pa.table({"x": list(range(40)), "label": ["cat", "dog"] * 20})
    >>> poisoned = LabelFlipping("label", kind="targeted", source="cat", target="dog", rate=0.2).apply(table, seed=0)
    >>> poisoned.key.labels.changed
    (('cat', 'dog', 4),)
    >>> poisoned.key.labels.after
    {'cat': 16, 'dog': 24}
    """

    labels: str
    _: KW_ONLY
    kind: str = "random"
    rate: float | None = None
    source: Any = None
    target: Any = None
    embeddings: Any = None
    where: Mapping[str, Any] | None = None

    name: ClassVar[str] = "labels"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"unknown kind {self.kind!r}; choose from {', '.join(KINDS)}")
        if self.rate is not None:
            require_rate(self.rate)
        require_where(self.where)
        if self.kind == "targeted" and (self.source is None or self.target is None):
            found = "no source" if self.source is None else "no target"
            raise UsageError(f"kind 'targeted' turns the label source into the label target; found {found}")
        if self.source is not None and self.target is not None and spell(self.source) == spell(self.target):
            raise UsageError(f"source and target are both {spell(self.source)!r}; give two different labels")
        if self.embeddings is not None and self.kind != "boundary":
            raise UsageError(f"kind {self.kind!r} uses no embeddings; leave them out or use kind='boundary'")

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """See :class:`credenza.attacks.base.Attack`."""
        no_holdout(self, holdout)
        labels = read_labels(source, self.labels)
        eligible, target = self._eligible(source, labels)
        count = self._count(len(eligible))
        rng = np.random.default_rng(seed)
        details: dict[str, Any] = {"kind": self.kind, "rows_eligible": len(eligible)}
        if self.kind == "boundary":
            rows, new, details["margins"] = self._nearest(source, labels, eligible, count, seed)
        else:
            rows = np.sort(rng.choice(eligible, count, replace=False))
            new = labels.codes[rows] + rng.integers(1, len(labels.values), count)
            new %= len(labels.values)
        if target is not None:
            new = np.full(count, target)
        details["rows_without_label"] = int(np.count_nonzero(labels.codes < 0))
        edits = Edits.values(rows, {self.labels: labels.array(new)})
        return Plan(
            output=edited(source, edits),
            rows=rows,
            mode=self.kind,
            labels=labels.change(rows, new),
            details=details,
        )

    def _eligible(self, source: Source, labels: Labels) -> tuple[IntArray, int | None]:
        """Rows that may be flipped, and the code of the target if there is one."""
        allowed = (labels.codes >= 0) & members(source, self.where)
        if self.source is not None:
            allowed &= labels.codes == labels.code(self.source, "source")
        target = None if self.target is None else labels.code(self.target, "target")
        if target is not None:
            allowed &= labels.codes != target
        return np.flatnonzero(allowed), target

    def _count(self, eligible: int) -> int:
        if eligible == 0:
            of = "" if self.source is None else f" of label {spell(self.source)!r}"
            inside = "" if self.where is None else f" where {dict(self.where)}"
            raise InfeasibleError(f"there is no row{of}{inside} to flip; choose others")
        rate = RATES[self.kind] if self.rate is None else self.rate
        if count := round(rate * eligible):
            return count
        found = f"rate {rate:g} rounds to no row among the {eligible:,} that can be flipped"
        raise InfeasibleError(f"{found}; ask for at least {1 / eligible:.2g}")

    def _nearest(
        self, source: Source, labels: Labels, eligible: IntArray, count: int, seed: int
    ) -> tuple[IntArray, IntArray, dict[str, Any]]:
        """The ``count`` eligible rows of smallest margin, their runners-up, and what the key says of it."""
        from credenza.attacks.boundary import cross_fitted_margins
        from credenza.attacks.content import Content, content_matrix, embedding_matrix

        if self.embeddings is None:
            content = content_matrix(source, (self.labels,))
        else:
            content = Content(embedding_matrix(self.embeddings, source.rows), ("embeddings",))
        present = np.flatnonzero(labels.codes >= 0)
        fitted = cross_fitted_margins(content.matrix[present], labels.codes[present], seed=seed)
        margin = np.full(source.rows, np.nan)
        margin[present] = fitted.margin
        runner_up = np.full(source.rows, -1)
        runner_up[present] = fitted.runner_up
        chosen = np.sort(eligible[np.argsort(np.abs(margin[eligible]), kind="stable")[:count]])
        details = {
            **_summary(margin[present], margin[chosen]),
            "converged": fitted.converged,
            "columns": list(content.used),
            "left_out": content.left_out,
        }
        return chosen, runner_up[chosen], details


def _summary(every: FloatArray, chosen: FloatArray) -> dict[str, Any]:
    size = np.abs(chosen)
    return {
        "smallest": float(size.min()),
        "median": float(np.median(size)),
        "largest": float(size.max()),
        "median_of_all": float(np.median(np.abs(every))),
        "negative": int(np.count_nonzero(chosen < 0)),
        "accuracy": float(np.mean(every > 0)),
    }
