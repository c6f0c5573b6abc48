"""Reading an audit back from its JSON document; the document is untrusted input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from credenza.contracts import (
    SCHEMA_VERSION,
    AuditResult,
    Culprit,
    FeatureSummary,
    Finding,
    FloatArray,
    InputSummary,
    Outcome,
    PairTable,
    RowGroup,
    RowSummary,
    Severity,
    Status,
    Verdict,
)
from credenza.errors import InputError

T = TypeVar("T")
E = TypeVar("E", Verdict, Status, Severity)

_TEXT_COLUMNS = ("feature_a", "feature_b", "level_a", "level_b", "role")
_NUMBER_COLUMNS = (
    "statistic",
    "p",
    "q",
    "p_after",
    "strength",
    "mi_reference",
    "mi_suspect",
    "mcc_reference",
    "mcc_suspect",
)


def from_dict(document: Mapping[str, Any]) -> AuditResult:
    """Rebuild an audit from what :func:`credenza.report.json.to_dict` gave.

    Parameters
    ----------
    document : the parsed JSON. Keys that this version does not know are ignored.

    Returns
    -------
    AuditResult
        Equal to the original but for what JSON cannot hold: infinities come back as NaN, tuples inside
        settings and details as lists.

    Raises
    ------
    InputError
        If the document is no audit, or of another schema version, or a part is missing or of the wrong type.

    Examples
    --------
    >>> from credenza.report.json import to_dict
    >>> result = AuditResult(Verdict.CLEAR, (), (), None, (), (), {"fdr": 0.05}, {}, {})
    >>> from_dict(to_dict(result)) == result
    True
    """
    found = document.get("schema") if isinstance(document, Mapping) else None
    if found != SCHEMA_VERSION:
        raise InputError(
            f"this is no audit that can be read: its schema is {found!r}, expected {SCHEMA_VERSION!r}"
        )
    pairs = _get(document, "pairs", "audit")
    culprits = _each(document, "culprits", _culprit)
    return AuditResult(
        verdict=_choice(Verdict, _get(document, "verdict", "audit"), "verdict"),
        outcomes=_each(document, "outcomes", lambda node, where: _outcome(node, where, culprits)),
        culprits=culprits,
        pairs=None if pairs is None else _pairs(pairs),
        features=_each(document, "features", _feature),
        inputs=_each(document, "inputs", _input),
        settings=_object(_get(document, "settings", "audit"), "settings"),
        versions=_object(_get(document, "versions", "audit"), "versions"),
        timing=_object(_get(document, "timing", "audit"), "timing"),
        rows=_maybe(_rows, document.get("rows"), "rows"),
    )


def _wrong(where: str, wanted: str, value: Any) -> InputError:
    return InputError(f"the audit's {where} must be {wanted}, found {str(value)[:40]!r}")


def _get(node: Any, key: str, where: str) -> Any:
    if key not in _object(node, where):
        raise InputError(f"the audit lacks {key!r} in {where}; write it with `credenza audit --json FILE`")
    return node[key]


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "an object", value)
    return dict(value)


def _list(value: Any, where: str, size: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (size is not None and len(value) != size):
        raise _wrong(where, "a list" if size is None else f"a list of {size}", value)
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    return value


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(where, "a whole number", value)
    return value


def _at_least(least: int, value: Any, where: str) -> int:
    if _whole(value, where) < least:
        raise _wrong(where, f"{least} or more", value)
    return int(value)


def _position(value: Any, where: str, size: int) -> int:
    index = _whole(value, where)
    if not 0 <= index < size:
        raise _wrong(where, f"positions among {size} culprits", value)
    return index


def _number(value: Any, where: str) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(where, "a number or null", value)
    try:
        return float(value)
    except OverflowError:
        raise _wrong(where, "a number that a double holds", value) from None


def _maybe(read: Callable[[Any, str], T], value: Any, where: str) -> T | None:
    return None if value is None else read(value, where)


def _choice(kind: type[E], value: Any, where: str) -> E:
    if value not in [str(member) for member in kind]:
        raise _wrong(where, " or ".join(str(member) for member in kind), value)
    return kind(value)


def _each(node: Any, key: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
    return tuple(read(item, f"{key}[{i}]") for i, item in enumerate(_list(_get(node, key, "audit"), key)))


def _texts(value: Any, where: str) -> tuple[str, ...]:
    return tuple(_text(item, where) for item in _list(value, where))


def _two(value: Any, where: str) -> tuple[str, str]:
    first, second = _list(value, where, 2)
    return _text(first, where), _text(second, where)


def _change(value: Any, where: str) -> tuple[float, float]:
    return _number(_get(value, "reference", where), where), _number(_get(value, "suspect", where), where)


def _names(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    return tuple(_two(item, where) for item in _list(value, where))


def _one_of(names: tuple[str, str], value: Any, where: str) -> str | None:
    if value is not None and value not in names:
        raise _wrong(where, "one of the culprit's features or null", value)
    return None if value is None else str(value)


def _table(value: Any, where: str, rows: int, columns: int) -> FloatArray:
    cells = [
        [_number(cell, where) for cell in _list(line, where, columns)] for line in _list(value, where, rows)
    ]
    return np.array(cells, dtype=np.float64).reshape(rows, columns)


def _culprit(node: Any, where: str) -> Culprit:
    def part(key: str) -> Any:
        return _get(node, key, where)

    low, high = _list(part("interval"), f"{where}.interval", 2)
    tables = part("tables")
    rows = _texts(_get(tables, "row_levels", where), f"{where}.row_levels")
    columns = _texts(_get(tables, "column_levels", where), f"{where}.column_levels")
    size = len(rows), len(columns)
    return Culprit(
        features=_two(part("features"), f"{where}.features"),
        levels=_two(part("levels"), f"{where}.levels"),
        strength=_number(part("strength"), f"{where}.strength"),
        interval=(_number(low, f"{where}.interval"), _number(high, f"{where}.interval")),
        rows_edited=_whole(part("rows_edited"), f"{where}.rows_edited"),
        direction=_text(part("direction"), f"{where}.direction"),
        mi=_change(part("mi"), f"{where}.mi"),
        mcc=_change(part("mcc"), f"{where}.mcc"),
        correlation=_maybe(_change, part("correlation"), f"{where}.correlation"),
        pearson=_maybe(_change, part("pearson"), f"{where}.pearson"),
        p=_number(part("p"), f"{where}.p"),
        log10_p=_number(part("log10_p"), f"{where}.log10_p"),
        q=_number(part("q"), f"{where}.q"),
        filter_ceiling=_number(part("filter_ceiling"), f"{where}.filter_ceiling"),
        collateral=_names(part("collateral"), f"{where}.collateral"),
        aliases=_names(part("aliases"), f"{where}.aliases"),
        row_levels=rows,
        column_levels=columns,
        reference_table=_table(_get(tables, "reference", where), f"{where}.tables.reference", *size),
        suspect_table=_table(_get(tables, "suspect", where), f"{where}.tables.suspect", *size),
        where=_text(part("where"), f"{where}.where"),
        edited=_one_of(_two(part("features"), where), node.get("edited"), f"{where}.edited"),
    )


def _outcome(node: Any, where: str, culprits: tuple[Culprit, ...]) -> Outcome:
    found = _list(_get(node, "findings", where), f"{where}.findings")
    return Outcome(
        code=_text(_get(node, "code", where), f"{where}.code"),
        title=_text(_get(node, "title", where), f"{where}.title"),
        status=_choice(Status, _get(node, "status", where), f"{where}.status"),
        reason=_text(_get(node, "reason", where), f"{where}.reason"),
        findings=tuple(_finding(item, f"{where}.findings[{i}]") for i, item in enumerate(found)),
        details=_object(_get(node, "details", where), f"{where}.details"),
        culprits=tuple(
            culprits[_position(index, f"{where}.culprits", len(culprits))]
            for index in _list(_get(node, "culprits", where), f"{where}.culprits")
        ),
    )


def _rows(node: Any, where: str) -> RowSummary:
    def part(key: str) -> int:
        return _at_least(0, _get(node, key, where), f"{where}.{key}")

    checks = _object(_get(node, "checks", where), f"{where}.checks")
    return RowSummary(
        rows=part("rows"),
        picked=part("picked"),
        agreed=part("agreed"),
        checks=tuple((code, _at_least(0, count, f"{where}.checks.{code}")) for code, count in checks.items()),
        groups=_each(node, "classes", _row_group),
    )


def _row_group(node: Any, where: str) -> RowGroup:
    return RowGroup(
        label=_text(_get(node, "label", where), f"{where}.label"),
        rows=_at_least(0, _get(node, "rows", where), f"{where}.rows"),
        picked=_at_least(1, _get(node, "picked", where), f"{where}.picked"),
        checks=_texts(_get(node, "checks", where), f"{where}.checks"),
    )


def _finding(node: Any, where: str) -> Finding:
    return Finding(
        code=_text(_get(node, "code", where), f"{where}.code"),
        subject=_texts(_get(node, "subject", where), f"{where}.subject"),
        message=_text(_get(node, "message", where), f"{where}.message"),
        severity=_choice(Severity, _get(node, "severity", where), f"{where}.severity"),
        statistic=_maybe(_number, _get(node, "statistic", where), f"{where}.statistic"),
        p=_maybe(_number, _get(node, "p", where), f"{where}.p"),
        q=_maybe(_number, _get(node, "q", where), f"{where}.q"),
        effect=_maybe(_number, _get(node, "effect", where), f"{where}.effect"),
        details=_object(_get(node, "details", where), f"{where}.details"),
    )


def _pairs(node: Any) -> PairTable:
    size = len(_list(_get(node, "feature_a", "pairs"), "pairs.feature_a"))
    columns: dict[str, Any] = {}
    for name in _TEXT_COLUMNS:
        columns[name] = _texts(_list(_get(node, name, "pairs"), f"pairs.{name}", size), f"pairs.{name}")
    for name in _NUMBER_COLUMNS:
        values = _list(_get(node, name, "pairs"), f"pairs.{name}", size)
        columns[name] = np.array([_number(value, f"pairs.{name}") for value in values], dtype=np.float64)
    tested = _at_least(size, node.get("tested", size), "pairs.tested")
    return PairTable(
        **columns, tested=tested, pairs=_at_least(tested, node.get("pairs", tested), "pairs.pairs")
    )


def _feature(node: Any, where: str) -> FeatureSummary:
    return FeatureSummary(
        name=_text(_get(node, "name", where), f"{where}.name"),
        kind=_text(_get(node, "kind", where), f"{where}.kind"),
        levels=_whole(_get(node, "levels", where), f"{where}.levels"),
        skipped=_text(_get(node, "skipped", where), f"{where}.skipped"),
    )


def _input(node: Any, where: str) -> InputSummary:
    return InputSummary(
        role=_text(_get(node, "role", where), f"{where}.role"),
        source=_text(_get(node, "source", where), f"{where}.source"),
        kind=_text(_get(node, "kind", where), f"{where}.kind"),
        rows=_maybe(_whole, _get(node, "rows", where), f"{where}.rows"),
        columns=_maybe(_whole, _get(node, "columns", where), f"{where}.columns"),
        sha256=_maybe(_text, _get(node, "sha256", where), f"{where}.sha256"),
    )
