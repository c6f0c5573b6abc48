"""Columns of files of predictions: classes as texts and codes, probabilities, rows in the order of the test rows."""

from __future__ import annotations

import difflib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import FloatArray, IntArray
from credenza.data import Source
from credenza.data.columns import Family, as_floats, as_strings, family, plain
from credenza.errors import InputError, UsageError

PREDICTED = ("predicted", "prediction", "predicted_label", "pred", "y_pred")
SUM_ERROR = 0.02  # by which the probabilities of a row may differ from 1


def texts_of(source: Source, column: str, option: str, *, fill: str | None = None) -> pa.Array:
    """A column of texts, whole numbers or truth values as texts, so that 1, 1.0 and "1" are one class.

    Parameters
    ----------
    option : that names it, for messages. fill : stands for missing values; None refuses them.

    Raises
    ------
    UsageError : no such column. InputError : missing values, fractions, or a column of another kind.

    Examples
    --------
    >>> from credenza.data import open_source
    >>> texts_of(open_source(pa.table({"kind": [1.0, 2.0]})), "kind", "--labels").to_pylist()
    ['1', '2']
    """
    if column not in source.columns:
        near = difflib.get_close_matches(column, source.columns, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "it has " + ", ".join(map(repr, source.columns[:6]))
        raise UsageError(f"{option} names {column!r}, which {source.name} does not have: {hint}")
    values = plain(source.table([column]).column(0))
    kind = family(values.type)
    if kind is Family.NUMBER and pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
        if not pc.all(pc.fill_null(pc.equal(pc.floor(values), values), True)).as_py():
            raise InputError(f"column {column!r} of {source.name} holds fractions; give a column of classes")
        values = pc.cast(values, pa.int64())
    if kind is Family.NUMBER or kind is Family.BOOL:
        values = pc.cast(values, pa.large_string())
    elif kind is Family.STRING:
        values = as_strings(values)
    else:
        raise InputError(f"column {column!r} of {source.name} is {values.type}; give a column of classes")
    if values.null_count and fill is None:
        raise InputError(
            f"column {column!r} of {source.name} has {values.null_count:,} missing values; "
            "fill them in or drop those rows"
        )
    values = values if fill is None else pc.fill_null(values, fill)
    return pc.cast(values, pa.large_string())


def levels_of(texts: pa.Array) -> tuple[tuple[str, ...], IntArray]:
    """Levels, sorted (whole numbers by value), and the code of each row.

    >>> levels_of(pa.array(["b", "a", "b"], pa.large_string()))
    (('a', 'b'), array([1, 0, 1]))
    """
    names = sorted(pc.unique(texts).to_pylist(), key=_by_value)
    codes = pc.index_in(texts, value_set=pa.array(names, pa.large_string()))
    return tuple(names), np.asarray(codes, dtype=np.int64)


def codes_of(texts: pa.Array, classes: tuple[str, ...]) -> tuple[IntArray, str]:
    """Codes by given classes, -1 for others, and the first other; "" where there is none.

    >>> codes_of(pa.array(["b", "x"], pa.large_string()), ("a", "b"))
    (array([ 1, -1]), 'x')
    """
    texts = pc.cast(texts, pa.large_string())
    codes = np.asarray(
        pc.fill_null(pc.index_in(texts, value_set=pa.array(classes, pa.large_string())), -1), dtype=np.int64
    )
    strange = np.flatnonzero(codes < 0)
    return codes, str(texts[int(strange[0])].as_py()) if len(strange) else ""


def predicted_column(source: Source, asked: str | None, labels: str | None, probabilities: bool) -> str:
    """The column of predicted classes; "" where probabilities say them.

    Parameters
    ----------
    asked : its name, or None. labels : name that true classes have elsewhere, which the file may give to the predicted
        ones; None where true classes are in the file.

    Raises
    ------
    UsageError : the name is unknown. InputError : no column may be meant.
    """
    if asked is not None:
        if asked not in source.columns:
            near = difflib.get_close_matches(asked, source.columns, n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else "it has " + ", ".join(map(repr, source.columns[:6]))
            )
            raise UsageError(f"--predicted names {asked!r}, which {source.name} does not have: {hint}")
        return asked
    for name in (*PREDICTED, *((labels,) if labels is not None else ())):
        if name in source.columns:
            return str(name)
    if probabilities:
        return ""
    shown = ", ".join(map(repr, source.columns[:6]))
    raise InputError(
        f"{source.name} has no column of predicted classes ({', '.join(PREDICTED)}), it has {shown}; "
        "name it by --predicted"
    )


def probability_columns(source: Source, prefix: str, classes: tuple[str, ...]) -> list[str]:
    """Columns of probabilities, in the order of the classes; empty where the file has none.

    Raises
    ------
    InputError : they are of other classes than the true ones.
    """
    found = [name for name in source.columns if name.startswith(prefix)]
    if not found:
        return []
    wanted = [prefix + name for name in classes]
    odd = [name for name in found if name not in wanted] or [name for name in wanted if name not in found]
    if odd:
        what = "has" if odd[0] in found else "lacks"
        shown = ", ".join(map(repr, classes[:6]))
        raise InputError(f"{source.name} {what} probabilities {odd[0]!r}; the true classes are {shown}")
    return wanted


def chances_of(source: Source, columns: list[str], order: IntArray) -> FloatArray:
    """Probabilities (n, k) in [0, 1] that sum to 1.

    Raises
    ------
    InputError : they do not.
    """
    table = source.table(columns)
    for name in columns:
        if family(table.schema.field(name).type) is not Family.NUMBER:
            raise InputError(
                f"column {name!r} of {source.name} is {table.schema.field(name).type}; give probabilities"
            )
    values = np.stack([as_floats(column) for column in table.columns], axis=1)[order]
    wrong = ~((values >= 0) & (values <= 1)).all(axis=1)
    if wrong.any():
        odd = values[wrong][0]
        shown = odd[~((odd >= 0) & (odd <= 1))][0]
        raise InputError(
            f"{source.name} has probabilities out of range in {int(wrong.sum()):,} rows (such as {shown:g}); "
            "give numbers from 0 to 1"
        )
    off = np.abs(values.sum(axis=1) - 1.0)
    if (off > SUM_ERROR).any():
        worst = values.sum(axis=1)[off.argmax()]
        raise InputError(
            f"the probabilities of {source.name} sum to {worst:.3g} in a row; give those of all classes, which sum to 1"
        )
    return values


def aligned(source: Source, column: str | None, order: pa.Array | None, rows: int, other: str) -> IntArray:
    """Positions in a file of the test rows, in their order.

    Parameters
    ----------
    column : of row names, or None: the order is the same. order : names of the test rows. rows : how many there are.
    other : what the test rows are called.

    Raises
    ------
    InputError : another number of rows, or row names that are not the test rows' names, each once.
    """
    if source.rows != rows:
        raise InputError(
            f"{source.name} has {source.rows:,} rows and {other} has {rows:,}: give predictions for the same test rows"
        )
    if column is None or order is None:
        return np.arange(rows)
    own = texts_of(source, column, "--rows")
    for name, values in ((source.name, own), (other, order)):
        if len(pc.unique(values)) < rows:
            raise InputError(
                f"the column {column!r} of {name} names a row twice; give each row a name of its own"
            )
    found = pc.index_in(order, value_set=own)
    if found.null_count:
        lost = order.filter(pc.is_null(found))[0].as_py()
        raise InputError(f"{source.name} has no row named {lost!r} in {column!r}, which {other} has")
    return np.asarray(found, dtype=np.int64)


def _by_value(name: str) -> tuple[bool, int, str]:
    whole = name.lstrip("-").isdigit()
    return not whole, int(name) if whole else 0, name
