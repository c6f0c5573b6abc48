"""What all attacks share: they plan edits of a source, and are carried out in memory or from file to file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np

from credenza.attacks.columns import BoolArray, encode_values, near_misses, require_columns, spell
from credenza.attacks.key import AnswerKey, LabelChange, Move, Part, Poisoned
from credenza.contracts import IntArray
from credenza.data.sources import Source, open_source
from credenza.errors import InfeasibleError, InputError, UsageError

SHARD = "shard"  # in ``where``, a file of a folder, unless a column has that name


def _no_rows() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Plan:
    """What an attack is going to do.

    Attributes
    ----------
    output : the poisoned data, rewritten as it is read; rows in the order of the input.
    rows : rows that are edited, ascending; shape (k,).
    mode : how the rows are edited ("replace", "relabel", ...).
    donors : for each of ``rows`` the row that takes its place, of the hold-out or of the data; or none.
    moves, labels, details, parts : as in :class:`AnswerKey`.
    """

    output: Source
    rows: IntArray
    mode: str
    donors: IntArray = field(default_factory=_no_rows)
    moves: tuple[Move, ...] = ()
    labels: LabelChange | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()


class Attack:
    """Base of the attacks: frozen dataclasses of parameters that know how to plan themselves."""

    name: ClassVar[str]

    @property
    def takes_holdout(self) -> bool:
        """Whether the attack puts in genuine rows of a hold-out."""
        return False

    def plan(self, source: Source, holdout: Source | None, seed: int) -> Plan:
        """Decide which rows are edited, and how; ``seed`` is of every random draw."""
        raise NotImplementedError

    def apply(self, data: Any, *, holdout: Any = None, seed: int) -> Poisoned:
        """Poison ``data`` in memory.

        Parameters
        ----------
        data : anything :func:`credenza.data.open_source` opens; n rows.
        holdout : further rows of the same table, for attacks that put in genuine rows.
        seed : seed of every random draw, a non-negative integer.

        Returns
        -------
        Poisoned : the data, in the kind that was given (a path: an Arrow table), rows in the same order; and the
            answer key.

        Raises
        ------
        UsageError : a hold-out is missing or superfluous, or the seed is not a non-negative integer.
        InputError : a column, level or label is unknown, or of the wrong kind.
        InfeasibleError : this data does not allow as much as was asked for; the message says how much it allows.
        """
        source, spare, plan = self._begin(data, holdout, seed)
        table = plan.output.table().unify_dictionaries()
        digest = open_source(table).fingerprint()
        return Poisoned(source.like(table), self._key(plan, seed, source, spare, digest))

    def write(self, data: Any, path: str | os.PathLike[str], *, holdout: Any = None, seed: int) -> AnswerKey:
        """Poison ``data`` and write it to a file or folder, in memory that does not grow with the rows.

        Held are the columns that the attack decides by, a number for each row and column, and the rows that are put
        in. Takes and raises what :meth:`apply` does; the hash of the output is that of the file as written. Rows of the
        key are those of the output: a file whose label is the name of its folder moves when its label changes.
        """
        from credenza.data.write_output import write_output

        source, spare, plan = self._begin(data, holdout, seed)
        places = write_output(plan.output, path, source)
        digest = open_source(path, role="output").fingerprint()
        return self._key(placed(plan, places), seed, source, spare, digest)

    def _begin(self, data: Any, holdout: Any, seed: int) -> tuple[Source, Source | None, Plan]:
        require_seed(seed)
        source = open_source(data)
        spare = None if holdout is None else open_source(holdout, role="hold-out")
        return source, spare, self.plan(source, spare, seed)

    def _key(self, plan: Plan, seed: int, source: Source, spare: Source | None, digest: str) -> AnswerKey:
        return AnswerKey(
            attack=self.name,
            mode=plan.mode,
            parameters=parameters(self),
            seed=int(seed),
            rows_total=plan.output.rows,
            rows=tuple(plan.rows.tolist()),
            donors=tuple(plan.donors.tolist()),
            moves=plan.moves,
            labels=plan.labels,
            details=plan.details,
            parts=plan.parts,
            hashes={
                "input": source.fingerprint(),
                "holdout": None if spare is None else spare.fingerprint(),
                "output": digest,
            },
        )


def placed(plan: Plan, places: IntArray | None) -> Plan:
    """The plan with rows numbered as in the output, where they have moved; ``places`` is None where they have not."""
    if places is None:
        return plan

    def moved(rows: IntArray, donors: IntArray) -> tuple[IntArray, IntArray]:
        order = np.argsort(places[rows])
        return places[rows][order], donors[order] if len(donors) else donors

    parts = []
    for part in plan.parts:
        rows, donors = moved(np.array(part.rows, np.int64), np.array(part.donors, np.int64))
        parts.append(replace(part, rows=tuple(rows.tolist()), donors=tuple(donors.tolist())))
    rows, donors = moved(plan.rows, plan.donors)
    return replace(plan, rows=rows, donors=donors, parts=tuple(parts))


def parameters(attack: Any) -> dict[str, Any]:
    """The parameters of an attack by name, and of a trigger inside it; arrays and models by their type."""
    return {item.name: _told(getattr(attack, item.name)) for item in fields(attack)}


def _told(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"name": getattr(value, "name", type(value).__name__), **parameters(value)}
    if isinstance(value, (list, tuple)):
        return [_told(item) for item in value]
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    told = (str, bool, int, float, date, os.PathLike, Mapping, np.generic)
    return value if value is None or isinstance(value, told) else type(value).__name__


def require_seed(seed: object) -> None:
    """Raise UsageError unless ``seed`` is a non-negative integer."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"the seed is a non-negative integer; found {seed!r}")


def require_rate(rate: float, name: str = "rate") -> None:
    """Raise UsageError unless ``rate`` is a share above 0 and at most 1."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 < rate <= 1:
        raise UsageError(f"{name} is a share of the rows, above 0 and at most 1; found {rate!r}")


def require_where(where: object) -> None:
    """Raise UsageError unless ``where`` is None or a value by column name."""
    if where is not None and (not isinstance(where, Mapping) or not where):
        raise UsageError(f"where gives a value by column, such as {{'contributor': 'c3'}}; found {where!r}")


def no_holdout(attack: Attack, holdout: Source | None) -> None:
    """Raise UsageError when a hold-out was given to an attack that puts in no rows."""
    if holdout is not None:
        raise UsageError(f"attack {attack.name!r} uses no hold-out and one was given; leave it out")


def members(source: Source, where: Mapping[str, Any] | None) -> BoolArray:
    """Rows that have all the values of ``where``, shape (n,); all rows for None.

    ``{"shard": NAME}`` are the rows of one file of a folder, where no column is called so.

    Raises
    ------
    InputError : no such column or value (the message names values that exist), or no row has all of them.
    """
    inside = np.ones(source.rows, dtype=bool)
    if where is None:
        return inside
    for name, value in where.items():
        if name == SHARD and name not in source.columns:
            inside &= _rows_of_shard(source, spell(value))
            continue
        require_columns([name], source.columns)
        codes, values = encode_values(source.table([name])[name], name, limit=None)
        known = [spell(item) for item in values]
        wanted = spell(value).lower() if values and isinstance(values[0], bool) else spell(value)
        if wanted not in known:
            raise InputError(f"column {name!r} has no value {wanted!r}; {near_misses(wanted, known)}")
        inside &= codes == known.index(wanted)
    if not inside.any():
        shown = " and ".join(f"{name} = {spell(value)}" for name, value in where.items())
        raise InfeasibleError(f"no row has {shown}; name a slice that has rows")
    return inside


def _rows_of_shard(source: Source, wanted: str) -> BoolArray:
    """Rows that come from one of several files."""
    names = [name for name, _ in source.shards]
    if wanted not in names:
        hint = near_misses(wanted, names) if names else "it is not a folder of several files"
        raise InputError(f"the data has no shard {wanted!r}; {hint}")
    return np.repeat(np.array(names) == wanted, [rows for _, rows in source.shards])


def spelled(where: Mapping[str, Any] | None) -> dict[str, str] | None:
    """A slice as answer keys tell it."""
    return None if where is None else {name: spell(value) for name, value in where.items()}
