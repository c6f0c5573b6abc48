"""Answer keys: what an attack really did. Only an evaluation may look at one."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np

from credenza._version import __version__
from credenza.errors import InputError

KEY_SCHEMA = "credenza.key/2"


def package_versions() -> dict[str, str]:
    """Versions that decide the result of an attack."""
    return {
        "credenza": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": version("pyarrow"),
    }


@dataclass(frozen=True)
class Move:
    """One association that was moved.

    Attributes
    ----------
    features : the column names, two or three.
    levels : the level of each that the strength refers to, as text; None for ordered features.
    direction : "positive" or "negative" (what was done, also where "erase" was asked for); "none" when nothing moved.
    strength : epsilon, the signed probability mass that was really moved onto each on-diagonal cell, among the rows of
        the slice where all features are present; None for ordered features.
    where : the slice it was moved in, a value by column; None for all rows.
    rows : rows of the slice. rows_missing : those of them left alone because a feature is missing.
    before, after : measures among the rows of the slice. A pair of levels: ``joint`` [[P00, P01], [P10, P11]],
        ``marginals`` [P(A), P(B)], ``mi`` (nats) and ``mcc`` of that 2x2 table; ordered features: ``pearson`` and
        ``spearman``; three features: ``joint`` [[[P000, P001], ...], ...] and what the attack says.
    """

    features: tuple[str, ...]
    levels: tuple[str, ...] | None
    direction: str
    strength: float | None
    where: Mapping[str, str] | None
    rows: int
    rows_missing: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class LabelChange:
    """How an attack changed labels.

    Attributes
    ----------
    column : name of the label column.
    before, after : rows by label.
    changed : (from, to, rows) of every change that was made.
    """

    column: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    changed: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Part:
    """What one of several attacks did, in the words of :class:`AnswerKey`."""

    attack: str
    mode: str
    parameters: Mapping[str, Any]
    rows: tuple[int, ...]
    donors: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    labels: LabelChange | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerKey:
    """What an attack did to a dataset, complete enough to repeat and to score it.

    Attributes
    ----------
    attack : name of the attack ("associative", "labels", "backdoor", ...).
    mode : how rows were edited ("replace", "relabel", "duplicate", "re-pair", "flip", "trigger", ...).
    parameters : the attack's parameters as given.
    seed : seed of every random draw.
    rows_total : rows of the output.
    rows : indices (from 0, ascending) of the rows that were edited.
    donors : for each entry of ``rows`` the row that took its place: of the hold-out (replace) or of the data
        (duplicate); empty for the other modes.
    moves : associations that were moved.
    labels : how labels changed, or None.
    details : whatever else the attack has to tell (its trigger, its target).
    parts : of a combined attack, what each of its attacks did.
    hashes : SHA-256 of ``input``, ``holdout`` (None without one) and ``output``.
    versions : of credenza, Python, numpy and pyarrow.
    """

    attack: str
    mode: str
    parameters: Mapping[str, Any]
    seed: int
    rows_total: int
    rows: tuple[int, ...]
    hashes: Mapping[str, str | None]
    donors: tuple[int, ...] = ()
    moves: tuple[Move, ...] = ()
    labels: LabelChange | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    versions: Mapping[str, str] = field(default_factory=package_versions)
    schema: str = KEY_SCHEMA

    def to_json(self, *, indent: int | None = 2) -> str:
        """The key as JSON text, valid against ``key.schema.json``; numbers that do not exist are null."""
        return json.dumps(_plain(self), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> AnswerKey:
        """Read a key back.

        Raises
        ------
        InputError : the text is not JSON, not a key, or a key of another version.
        """
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            reason = f"not JSON ({error})"
            raise InputError(f"not an answer key: {reason}; give the file that --key wrote") from error
        found = document.get("schema") if isinstance(document, dict) else None
        if found != KEY_SCHEMA:
            raise InputError(f"not an answer key of schema {KEY_SCHEMA!r}: found {found!r}")
        names = {item.name for item in fields(cls)}
        if absent := sorted(names - set(document)):
            raise InputError(f"the answer key lacks {', '.join(absent)}; give the file that --key wrote")
        key: AnswerKey = _read(cls, {name: document[name] for name in names})
        return key


def _read(kind: type[Any], values: dict[str, Any]) -> Any:
    """An object of one of the classes above from its JSON form."""
    for name in ("rows", "donors", "features", "levels"):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    if values.get("labels") is not None:
        changed = tuple((a, b, rows) for a, b, rows in values["labels"]["changed"])
        values["labels"] = LabelChange(**{**values["labels"], "changed": changed})
    for name, part in (("moves", Move), ("parts", Part)):
        if name in values:
            values[name] = tuple(_read(part, dict(item)) for item in values[name])
    return kind(**values)


@dataclass(frozen=True)
class Poisoned:
    """What an attack returns: the poisoned ``data``, in the kind that was given, and the answer ``key``."""

    data: Any
    key: AnswerKey


def load_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of answer keys.

    >>> load_schema()["$id"]
    'credenza.key/2'
    """
    text = files("credenza.attacks").joinpath("key.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
