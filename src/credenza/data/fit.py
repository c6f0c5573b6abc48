"""From what was seen of each column to its levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from credenza.contracts import FloatArray
from credenza.data.bins import TIME_STEPS, bin_labels, cut_points, number_label, time_label
from credenza.data.columns import Family
from credenza.data.schema import MAX_LEVELS, MISSING, OTHER, Feature, Kind, Schema
from credenza.data.sketch import ColumnSketch, TableSketch
from credenza.errors import UsageError

LABEL_WIDTH = 60
_NO_LEVELS = {Family.NESTED: "nested values", Family.BINARY: "bytes (images or blobs)"}


def fit_schema(
    sketch: TableSketch, *, bins: int = 8, min_share: float = 0.01, columns: Sequence[str] | None = None
) -> Schema:
    """Choose kinds and levels for the columns of a sketch.

    - bool, or exactly two distinct numbers or strings: binary; false before true, low before high, else
      lexical.
    - strings: categorical in lexical order; levels below min_share, or seen once, and all beyond the 63 most
      frequent, are pooled into "(other)". All-distinct strings and texts with no level left are skipped.
    - numbers: continuous; one bin a value up to ``bins`` values, else about ``bins`` bins of equal mass (see
      :func:`credenza.data.bins.cut_points`). Dates and timestamps: datetime, binned alike.
    - "(missing)" is a level where a value was missing. One value beside missing ones is categorical.
    - constant, all-missing, nested and byte columns are skipped, with the reason.

    Parameters
    ----------
    sketch : of the reference (or of the suspect when there is none). bins : 2 to 60. min_share : in [0, 0.5],
        of all rows. columns : all by default.

    Raises
    ------
    UsageError : ``bins`` or ``min_share`` out of range, or an unknown column.

    Notes
    -----
    Cost O(d log d) for d distinct values a column. All-integer identifiers stay continuous: their order in
    the file may matter. A table may end up with no features; that is for the caller to judge.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from credenza.data import sketch
    >>> schema = fit_schema(sketch(pa.table({"age": list(range(80)), "sex": ["f", "m"] * 40})), bins=2)
    >>> [feature.levels for feature in schema.features]
    [('<= 40', '> 40'), ('f', 'm')]
    """
    if not 2 <= bins <= MAX_LEVELS - 4:
        raise UsageError(f"bins is {bins}; give 2 to {MAX_LEVELS - 4}")
    if not 0 <= min_share <= 0.5:
        raise UsageError(f"min_share is {min_share}; give 0 to 0.5")
    features: list[Feature] = []
    skipped: list[tuple[str, str]] = []
    for name in sketch.columns if columns is None else columns:
        if name not in sketch:
            raise UsageError(
                f"no column {name!r} was sketched; choose from {', '.join(map(repr, sketch.columns[:8]))}"
            )
        fitted = _fit(sketch[name], bins, min_share)
        if isinstance(fitted, Feature):
            features.append(fitted)
        else:
            skipped.append((name, fitted))
    return Schema(tuple(features), tuple(skipped))


def _fit(column: ColumnSketch, bins: int, min_share: float) -> Feature | str:
    """Return the feature, or why there is none."""
    if column.family in _NO_LEVELS:
        return f"{_NO_LEVELS[column.family]} ({column.arrow_type}): no levels to count"
    if column.present == 0:
        return f"all {column.rows:,} values are missing" if column.rows != 1 else "the one value is missing"
    if column.family is Family.STRING:
        return _fit_strings(column, min_share)
    values, shares = _finite(column)
    endless = column.numbers is not None and column.numbers.infinities > 0
    if len(values) < 2 and endless:
        return "one finite value and infinities"
    if len(values) < 2:
        plain = bool(values[0]) if column.family is Family.BOOL else float(values[0])
        return _single(column, plain, _label(column, plain), min_share)
    if column.family is Family.BOOL:
        return _with_pools(column, Kind.BINARY, ("False", "True"), values=(False, True))
    if column.family is Family.NUMBER and len(values) == 2 and not endless:
        low, high = values.tolist()
        return _with_pools(column, Kind.BINARY, (number_label(low), number_label(high)), values=(low, high))
    return _fit_numbers(column, values, shares, bins, min_share)


def _finite(column: ColumnSketch) -> tuple[FloatArray, FloatArray]:
    """Return distinct values and shares with infinities counted at the finite extremes."""
    values, shares = column.weighted()
    summed: FloatArray
    inside = values[np.isfinite(values)]
    if len(inside) == len(values):
        return values, shares
    low, high = (float(inside[0]), float(inside[-1])) if len(inside) else (0.0, 0.0)
    merged, place = np.unique(np.clip(values, low, high), return_inverse=True)
    summed = np.bincount(place, weights=shares, minlength=len(merged)).astype(np.float64)
    return merged, summed


def _fit_numbers(
    column: ColumnSketch, values: FloatArray, shares: FloatArray, bins: int, min_share: float
) -> Feature:
    temporal = column.family is Family.TEMPORAL
    write = time_label if temporal else number_label
    kind = Kind.DATETIME if temporal else Kind.CONTINUOUS
    if len(values) <= bins:
        plain = tuple(values.tolist())
        return _with_pools(column, kind, tuple(map(write, plain)), values=plain, edges=plain[:-1])
    steps = TIME_STEPS[1:] if temporal else None
    edges = cut_points(values, shares, bins=bins, min_share=min_share, steps=steps)
    return _with_pools(column, kind, bin_labels([write(edge) for edge in edges]), edges=edges)


def _fit_strings(column: ColumnSketch, min_share: float) -> Feature | str:
    values, counts = column.values()
    if column.distinct == 1:
        return _single(column, values[0], _label(column, values[0]), min_share)
    if column.exact and len(values) == 2:
        return _with_pools(column, Kind.BINARY, unique_labels(values), values=tuple(values))
    order = np.argsort(-counts, kind="stable")
    enough = max(min_share * column.rows, 2)
    kept = [int(i) for i in order[: MAX_LEVELS - 1] if counts[i] >= enough]
    if len(order) == MAX_LEVELS and counts.min() >= enough and not column.missing and column.exact:
        kept = order.tolist()
    if not kept:
        return _free_text(column, min_share)
    chosen = [values[i] for i in sorted(kept)]
    pooled = column.present > int(counts[kept].sum()) or not column.exact
    return _with_pools(column, Kind.CATEGORICAL, unique_labels(chosen), values=tuple(chosen), pooled=pooled)


def _free_text(column: ColumnSketch, min_share: float) -> str:
    many = f"{column.distinct:,}" if column.exact else f"over {column.distinct:,}"
    what = f"identifier or free text: {many} distinct values in {column.rows:,} rows"
    if column.texts is not None and column.texts.longest > LABEL_WIDTH:
        what += f" of up to {column.texts.longest:,} characters"
    if column.distinct == column.present:
        return f"{what}, each occurs once"
    return f"{what}, no level reaches {number_label(100 * min_share)}%"


def _single(column: ColumnSketch, value: bool | float | str, label: str, min_share: float) -> Feature | str:
    """Judge a column with one value: a feature where missing or not is worth counting."""
    if min(column.present, column.missing) >= max(min_share * column.rows, 1):
        return _with_pools(column, Kind.CATEGORICAL, (label,), values=(value,))
    beside = f" beside {column.missing:,} missing" if column.missing else ""
    return f"constant: only the value {label}{beside} in {column.rows:,} row{'s' if column.rows > 1 else ''}"


def _label(column: ColumnSketch, value: bool | float | str) -> str:
    if isinstance(value, str):
        return unique_labels([value])[0]
    if isinstance(value, bool):
        return str(value)
    return time_label(value) if column.family is Family.TEMPORAL else number_label(value)


def _with_pools(
    column: ColumnSketch,
    kind: Kind,
    levels: tuple[str, ...],
    *,
    values: tuple[bool | float | str, ...] = (),
    edges: tuple[float, ...] = (),
    pooled: bool = False,
) -> Feature:
    ordered = len(levels) if kind in (Kind.CONTINUOUS, Kind.DATETIME) else 0
    feature = Feature(column.name, kind, levels, ordered, edges, values)
    return pools_added(feature, other=pooled, missing=column.missing > 0)


def pools_added(feature: Feature, *, other: bool, missing: bool) -> Feature:
    """Return the feature with "(other)" and "(missing)" levels as well, in this order after the others.

    Examples
    --------
    >>> pools_added(Feature("a", Kind.BINARY, ("0", "1")), other=True, missing=True).levels
    ('0', '1', '(other)', '(missing)')
    """
    kept = [
        label for code, label in enumerate(feature.levels) if code not in (feature.other, feature.missing)
    ]
    levels, codes = list(kept), {}
    for mark, label, wanted in (("other", OTHER, other), ("missing", MISSING, missing)):
        if wanted or getattr(feature, mark) is not None:
            codes[mark] = len(levels)
            levels.append(label)
    return Feature(
        feature.name, feature.kind, tuple(levels), feature.ordered, feature.edges, feature.values,
        codes.get("other"), codes.get("missing"),
    )  # fmt: skip


def unique_labels(values: Sequence[str]) -> tuple[str, ...]:
    """Return short one-line labels for strings, no two alike and none that reads as a pool.

    Examples
    --------
    >>> unique_labels(["a", "", "(other)", "two\\nlines"])
    ('a', '""', '"(other)"', 'two\\\\nlines')
    """
    labels: list[str] = []
    taken: set[str] = set()
    for value in values:
        label = f'"{value}"' if value in ("", OTHER, MISSING) else value
        label = label.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        label = label if len(label) <= LABEL_WIDTH else label[: LABEL_WIDTH - 1] + "…"
        distinct, number = label, 2
        while distinct in taken:
            distinct, number = f"{label} #{number}", number + 1
        taken.add(distinct)
        labels.append(distinct)
    return tuple(labels)
