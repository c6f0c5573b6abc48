"""One schema for both sides: what the suspect brings that the reference did not have, and the reverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.data.bins import number_label, time_label
from credenza.data.columns import Family, truth
from credenza.data.fit import pools_added, unique_labels
from credenza.data.schema import MAX_LEVELS, Feature, Kind, Schema
from credenza.data.sketch import ColumnSketch, TableSketch
from credenza.errors import InputError

COMMON = 0.01


@dataclass(frozen=True)
class ColumnIssue:
    """A column that differs between the sides.

    ``problem`` is "absent in suspect", "absent in reference", "kind differs" or "new levels"; ``share`` is
    the share of the suspect's rows concerned (new levels only).
    """

    column: str
    problem: str
    message: str
    share: float | None = None


def extend_schema(schema: Schema, sketch: TableSketch) -> tuple[Schema, tuple[ColumnIssue, ...]]:
    """Adapt a schema that was fitted on the reference so that it encodes the suspect too.

    Levels keep their codes; "(other)" and "(missing)" are added behind them where the suspect needs them
    (missing stays last: see :func:`credenza.data.level_map`). Features that the suspect lacks, or has as
    another family, move to ``skipped``. Integers, floats, decimals and bools agree with each other; a binary
    feature agrees with a column of any of these or of strings when all values mean true or false, in whatever
    spelling (see :func:`credenza.data.columns.truth`).

    Parameters
    ----------
    schema : of the reference. sketch : of the suspect, of the same chosen columns.

    Returns
    -------
    The extended schema, and what differs. A new level is an issue when the reference had no "(other)", or
    when it holds 1% of the rows or more. In a continuous feature with one bin a value, new values fall into
    the bin that their order gives them and are an issue alike. So is a column that varies here and was constant there.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import fit_schema, sketch
    >>> clean = fit_schema(sketch(pa.table({"sex": ["f", "m", "f"]})))
    >>> wider, issues = extend_schema(clean, sketch(pa.table({"sex": ["f", "x", "m", None]})))
    >>> wider.features[0].levels
    ('f', 'm', '(other)', '(missing)')
    >>> issues[1].message
    "column 'sex': 1 value that the reference lacks (x) in 25% of the rows"
    """
    features: list[Feature] = []
    skipped = list(schema.skipped)
    issues: list[ColumnIssue] = []
    for feature in schema.features:
        problem = _conflict(feature, sketch)
        if problem is not None:
            issues.append(problem)
            skipped.append((feature.name, problem.message))
            continue
        extended, found = _extended(feature, sketch[feature.name])
        features.append(extended)
        issues.extend(found)
    known = {*schema.names, *(name for name, _ in schema.skipped)}
    for name, reason in schema.skipped:
        if name not in sketch:
            issues.append(_absent(name, "suspect"))
        elif reason.startswith("constant") and sketch[name].distinct > 1:
            message = f"column {name!r}: one value in the reference, several in the suspect"
            issues.append(ColumnIssue(name, "new levels", f"{message}; it was not compared"))
    issues.extend(_absent(name, "reference") for name in sketch.columns if name not in known)
    skipped.extend(
        (name, f"column {name!r} is absent in the reference") for name in sketch.columns if name not in known
    )
    return Schema(tuple(features), tuple(skipped)), tuple(issues)


def joined_schema(first: Schema, second: Schema) -> Schema:
    """The schema that encodes what either of two encodes: the same bins and values, the pools of both.

    Raises
    ------
    InputError : a feature is in one of them only, or its bins or values differ.

    Examples
    --------
    >>> a = Feature("x", Kind.BINARY, ("0", "1"), values=(0.0, 1.0))
    >>> b = Feature("x", Kind.BINARY, ("0", "1", "(missing)"), values=(0.0, 1.0), missing=2)
    >>> joined_schema(Schema((a,)), Schema((b,))).features[0].levels
    ('0', '1', '(missing)')
    """
    if first.names != second.names:
        only = sorted({*first.names} ^ {*second.names}) or ["their order"]
        raise InputError(f"the features differ ({', '.join(map(repr, only[:3]))}); fit one schema for both")
    joined = []
    for a, b in zip(first.features, second.features, strict=True):
        if (a.kind, a.edges, a.values) != (b.kind, b.edges, b.values):
            raise InputError(f"levels of {a.name!r} differ between the schemas; fit one schema for both")
        joined.append(pools_added(a, other=b.other is not None, missing=b.missing is not None))
    return Schema(tuple(joined), first.skipped)


def _absent(name: str, side: str) -> ColumnIssue:
    return ColumnIssue(name, f"absent in {side}", f"column {name!r} is absent in the {side}")


def _conflict(feature: Feature, sketch: TableSketch) -> ColumnIssue | None:
    if feature.name not in sketch:
        return _absent(feature.name, "suspect")
    column = sketch[feature.name]
    if column.present == 0 or agrees(feature, column):
        return None
    message = f"column {feature.name!r} is {feature.family} in the reference, {column.family} in the suspect"
    return ColumnIssue(feature.name, "kind differs", message)


def agrees(feature: Feature, column: ColumnSketch) -> bool:
    """Whether a column can be encoded with the levels of a feature."""
    countable = {Family.BOOL, Family.NUMBER}
    if feature.family is column.family or {feature.family, column.family} <= countable:
        return True
    if not feature.spells_truth or not column.exact:
        return False
    return all(truth(value) is not None for value in column.values()[0])


def _extended(feature: Feature, column: ColumnSketch) -> tuple[Feature, list[ColumnIssue]]:
    issues: list[ColumnIssue] = []
    fresh, rows = _fresh(feature, column)
    nominal = feature.kind in (Kind.BINARY, Kind.CATEGORICAL)
    room = feature.size < MAX_LEVELS * 2
    extended = pools_added(feature, other=nominal and rows > 0 and room, missing=column.missing > 0)
    if column.missing and feature.missing is None:
        share = column.missing / column.rows
        message = f"column {feature.name!r}: missing in {_percent(share)} of the rows, never in the reference"
        issues.append(ColumnIssue(feature.name, "new levels", message, share))
    if fresh and (feature.other is None or rows >= COMMON * column.rows):
        share = rows / column.rows
        many = f"{len(fresh):,} value{'s' if len(fresh) > 1 else ''}"
        shown = ", ".join(fresh[:3]) + (", ..." if len(fresh) > 3 else "")
        lacks = "that the reference lacks" if feature.other is None else "rare or absent in the reference"
        message = f"column {feature.name!r}: {many} {lacks} ({shown}) in {_percent(share)} of the rows"
        issues.append(ColumnIssue(feature.name, "new levels", message, share))
    return extended, issues


def _fresh(feature: Feature, column: ColumnSketch) -> tuple[list[str], int]:
    """Return labels of the values that are no level of the feature, most frequent first, and their rows.

    Where the reference had rare levels of its own ("(other)"), only values of 1% of the rows or more count.
    """
    if not feature.values or column.present == 0:
        return [], 0
    values, counts = column.values()
    if column.numbers is not None and not column.exact:
        values, shares = column.weighted()[0].tolist(), column.weighted()[1]
        counts = np.rint(shares * column.present).astype(np.int64)
    known = {_comparable(feature, value) for value in feature.values}
    least = COMMON * column.rows if feature.other is not None else 0
    pairs = zip(values, counts.tolist(), strict=True)
    fresh = [
        (value, count)
        for value, count in pairs
        if _comparable(feature, value) not in known and count >= least
    ]
    fresh.sort(key=lambda pair: -pair[1])
    labels = [_label(value, column.family) for value, _ in fresh[:4]] + [""] * max(len(fresh) - 4, 0)
    if column.texts is not None and not column.exact and feature.other is None:
        seen = {value for value in values if _comparable(feature, value) in known}
        kept = int(sum(count for value, count in zip(values, counts.tolist(), strict=True) if value in seen))
        return labels, column.present - kept
    return labels, sum(count for _, count in fresh)


def _comparable(feature: Feature, value: object) -> object:
    """Return a value in the form in which a feature's values and a column's are compared."""
    if feature.spells_truth:
        meaning = truth(value)
        return value if meaning is None else meaning
    return float(value) if isinstance(value, bool) else value


def _label(value: bool | float | str, family: Family) -> str:
    if isinstance(value, str):
        return unique_labels([value])[0]
    if isinstance(value, bool):
        return str(value)
    return time_label(value) if family is Family.TEMPORAL else number_label(value)


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.0f}%"
