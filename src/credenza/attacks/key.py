"""Answer keys: what an attack really did. Only an evaluation may look at one."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa

from credenza._version import __version__
from credenza.data.sources import Source, open_source
from credenza.errors import InputError

KEY_SCHEMA = "credenza.key/1"


def package_versions() -> dict[str, str]:
    """Versions that decide the result of an attack."""
    return {
        "credenza": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": version("pyarrow"),
    }


@dataclass(frozen=True)
class AnswerKey:
    """What an attack did to a dataset, complete enough to repeat and to score it.

    Attributes
    ----------
    attack : name of the attack ("associative", "continuous").
    features : the two column names of the pair.
    levels : the level of each that the strength refers to, as text; None for a continuous pair.
    direction : "positive" or "negative" (what was done, also where "erase" was asked for); "none" when
        nothing moved.
    strength : epsilon, the signed probability mass that was really moved onto each on-diagonal cell, among
        the rows where both features are present; None for a continuous pair.
    mode : "replace", "relabel", "duplicate" or "re-pair".
    parameters : the attack's parameters as given.
    seed : seed of every random draw.
    rows_total, rows_missing : rows of the data, and those left alone because a feature of the pair is
        missing.
    rows : indices (from 0, ascending) of the rows that were edited.
    donors : for each entry of ``rows`` the row that took its place: of the hold-out (replace) or of the data
        (duplicate); empty for the other modes.
    before, after : measures of the pair. Levels: ``joint`` [[P00, P01], [P10, P11]], ``marginals`` [P(A),
        P(B)], ``mi`` (nats) and ``mcc`` of that 2x2 table; continuous: ``pearson`` and ``spearman``.
    hashes : SHA-256 of ``input``, ``holdout`` (None without one) and ``output``.
    versions : of credenza, Python, numpy and pyarrow.
    """

    attack: str
    features: tuple[str, str]
    levels: tuple[str, str] | None
    direction: str
    strength: float | None
    mode: str
    parameters: Mapping[str, Any]
    seed: int
    rows_total: int
    rows_missing: int
    rows: tuple[int, ...]
    donors: tuple[int, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    hashes: Mapping[str, str | None]
    versions: Mapping[str, str] = field(default_factory=package_versions)
    schema: str = KEY_SCHEMA

    def to_json(self, *, indent: int | None = 2) -> str:
        """The key as JSON text, valid against ``key.schema.json``; numbers that do not exist are null."""
        return json.dumps(_plain(asdict(self)), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"

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
        values = {name: document[name] for name in names}
        for name in ("features", "levels", "rows", "donors"):
            values[name] = None if values[name] is None else tuple(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Poisoned:
    """What an attack returns: the poisoned ``data``, in the kind that was given, and the answer ``key``."""

    data: Any
    key: AnswerKey


def load_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of answer keys.

    >>> load_schema()["$id"]
    'credenza.key/1'
    """
    text = files("credenza.attacks").joinpath("key.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def fingerprints(source: Source, holdout: Source | None, output: pa.Table) -> dict[str, str | None]:
    """SHA-256 of the input, the hold-out and the output of an attack."""
    return {
        "input": source.fingerprint(),
        "holdout": None if holdout is None else holdout.fingerprint(),
        "output": open_source(output).fingerprint(),
    }


def _plain(value: Any) -> Any:
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
