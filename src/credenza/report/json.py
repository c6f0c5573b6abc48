"""An audit as a JSON document (schema ``credenza.audit/1``); ``audit.schema.json`` describes every key."""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from importlib import resources
from typing import Any

import numpy as np

from credenza.contracts import (
    SCHEMA_VERSION,
    AuditResult,
    Culprit,
    FeatureSummary,
    Finding,
    InputSummary,
    Outcome,
    PairTable,
)
from credenza.report.row_views import rows_document

_ENCODE = json.JSONEncoder(allow_nan=False).encode


def to_dict(result: AuditResult) -> dict[str, Any]:
    """Turn an audit into plain lists, dicts, strings and numbers.

    Parameters
    ----------
    result : the audit.

    Returns
    -------
    dict
        Keys in fixed order: ``schema``, ``verdict``, ``culprits`` (strongest first), ``outcomes``, ``rows`` (what the
        checks of single rows say together; None where none picks rows), ``pairs`` (the strongest, column by column,
        and how many were tested; None when none was), ``features``, ``inputs``, ``settings``, ``versions``,
        ``timing`` (seconds). MI is in nats, strengths are probability masses. NaN and infinities become None, NumPy
        scalars become Python numbers. Cost O(listed pairs).

    Raises
    ------
    TypeError
        If settings or details hold something that JSON has no form for.

    Notes
    -----
    :func:`credenza.report.read.from_dict` reads the document back. Numbers keep full precision. Left out:
    rows and row weights, which are not part of a result.

    Examples
    --------
    >>> from credenza.contracts import AuditResult, Verdict
    >>> to_dict(AuditResult(Verdict.CLEAR, (), (), None, (), (), {"fdr": 0.05}, {}, {}))["settings"]
    {'fdr': 0.05}
    """
    return {
        "schema": SCHEMA_VERSION,
        "verdict": str(result.verdict),
        "culprits": [_culprit(culprit) for culprit in result.culprits],
        "outcomes": [_outcome(outcome, result.culprits) for outcome in result.outcomes],
        "rows": rows_document(result),
        "pairs": None if result.pairs is None else _pairs(result.pairs),
        "features": [_feature(feature) for feature in result.features],
        "inputs": [_input(given) for given in result.inputs],
        "settings": plain(result.settings, "settings"),
        "versions": plain(result.versions, "versions"),
        "timing": plain(result.timing, "timing"),
    }


def to_json(result: AuditResult, *, indent: int | None = 2) -> str:
    """Write :func:`to_dict` as ASCII JSON, strict (no NaN), with a final newline.

    Other characters are escaped, so that a hostile column name cannot act on a terminal. With ``indent``, a list of
    plain values stays on one line: a column of 10,000 pairs is one line, not 10,000.
    """
    document = to_dict(result)
    return (_ENCODE(document) if indent is None else indented(document, indent)) + "\n"


def indented(value: Any, indent: int) -> str:
    """JSON text, indented; a list of plain values is on one line, and an object of plain values within a list.

    >>> print(indented({"pairs": [["a", "b"]], "p": [0.1, 0.2]}, 2))
    {
      "pairs": [
        ["a", "b"]
      ],
      "p": [0.1, 0.2]
    }
    """
    return _indented(value, " " * indent, "\n")


def _indented(value: Any, step: str, line: str) -> str:
    if not isinstance(value, dict | list) or not value:
        return _ENCODE(value)
    inner = line + step
    if isinstance(value, list):
        if not _nests(value):
            return _ENCODE(value)
        items = [_indented(item, step, inner) if _nests(item) else _ENCODE(item) for item in value]
        return "[" + inner + f",{inner}".join(items) + line + "]"
    items = [f"{_ENCODE(key)}: {_indented(item, step, inner)}" for key, item in value.items()]
    return "{" + inner + f",{inner}".join(items) + line + "}"


def _nests(value: Any) -> bool:
    """Whether an object or a list holds another."""
    if not isinstance(value, dict | list):
        return False
    return not {dict, list}.isdisjoint(map(type, value.values() if isinstance(value, dict) else value))


def load_schema() -> dict[str, Any]:
    """Read the published JSON Schema (draft 2020-12) of the document.

    Examples
    --------
    >>> load_schema()["properties"]["schema"]
    {'const': 'credenza.audit/1'}
    """
    text = resources.files("credenza.report").joinpath("audit.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def plain(value: Any, where: str = "value") -> Any:
    """Reduce a value to what JSON holds: mappings, sequences, sets, arrays, enums, dates and paths too.

    >>> plain({"x": np.float64("nan"), "y": (1, np.int64(2)), 3: np.bool_(True)})
    {'x': None, 'y': [1, 2], '3': True}
    """
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        numbers = value.astype(object)
        numbers[~np.isfinite(value)] = None
        return numbers.tolist()
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, where) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item, where) for item in value), key=repr)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(
        f"{where} holds a {type(value).__name__}, which JSON cannot; give numbers, strings, lists or dicts"
    )


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _change(values: tuple[float, float]) -> dict[str, float | None]:
    return {"reference": _number(values[0]), "suspect": _number(values[1])}


def _culprit(culprit: Culprit) -> dict[str, Any]:
    return {
        "features": list(culprit.features),
        "levels": list(culprit.levels),
        "strength": _number(culprit.strength),
        "interval": [_number(bound) for bound in culprit.interval],
        "rows_edited": int(culprit.rows_edited),
        "direction": culprit.direction,
        "mi": _change(culprit.mi),
        "mcc": _change(culprit.mcc),
        "correlation": None if culprit.correlation is None else _change(culprit.correlation),
        "pearson": None if culprit.pearson is None else _change(culprit.pearson),
        "p": _number(culprit.p),
        "log10_p": _number(culprit.log10_p),
        "q": _number(culprit.q),
        "collateral": [list(names) for names in culprit.collateral],
        "aliases": [list(names) for names in culprit.aliases],
        "filter_ceiling": _number(culprit.filter_ceiling),
        "tables": {
            "row_levels": list(culprit.row_levels),
            "column_levels": list(culprit.column_levels),
            "reference": plain(culprit.reference_table),
            "suspect": plain(culprit.suspect_table),
        },
        "where": culprit.where,
        "edited": culprit.edited,
    }


def _outcome(outcome: Outcome, culprits: tuple[Culprit, ...]) -> dict[str, Any]:
    own = {id(culprit) for culprit in outcome.culprits}
    return {
        "code": outcome.code,
        "title": outcome.title,
        "status": str(outcome.status),
        "reason": outcome.reason,
        "findings": [_finding(found) for found in outcome.findings],
        "details": plain(outcome.details, f"{outcome.code}.details"),
        "culprits": [index for index, culprit in enumerate(culprits) if id(culprit) in own],
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code,
        "subject": list(found.subject),
        "message": found.message,
        "severity": str(found.severity),
        "statistic": _number(found.statistic),
        "p": _number(found.p),
        "q": _number(found.q),
        "effect": _number(found.effect),
        "details": plain(found.details, f"{found.code}.findings.details"),
    }


def _pairs(pairs: PairTable) -> dict[str, Any]:
    values = {column.name: getattr(pairs, column.name) for column in fields(pairs)}
    counts = {name: int(values.pop(name)) for name in ("tested", "pairs")}
    return counts | {
        name: list(map(str, value)) if isinstance(value, tuple) else plain(value)
        for name, value in values.items()
    }


def _feature(feature: FeatureSummary) -> dict[str, Any]:
    return {
        "name": feature.name,
        "kind": str(feature.kind),
        "levels": int(feature.levels),
        "skipped": feature.skipped,
    }


def _input(given: InputSummary) -> dict[str, Any]:
    return {
        "role": given.role,
        "source": given.source,
        "kind": given.kind,
        "rows": plain(given.rows),
        "columns": plain(given.columns),
        "sha256": given.sha256,
    }
