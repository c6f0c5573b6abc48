"""``credenza.profile``: the passes over a table, and the profile of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from credenza.association.census import Census, Survey
from credenza.association.planes import DENSE_PLANES
from credenza.association.profile import Profile
from credenza.data import Schema, Source, extend_schema, fit_schema
from credenza.engines import Engine, get_engine
from credenza.errors import InputError, UsageError


def profile(
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    like: Profile | None = None,
    engine: Any = None,
    seed: int = 0,
) -> Profile:
    """Profile a table.

    Parameters
    ----------
    data : anything :func:`credenza.audit` takes as a suspect.
    columns : the columns to profile; all by default.
    like : a profile whose levels to use, so that the two can be added.
    engine : "local", "spark", "cuda" or an engine; see ``docs/engines.md``.
    seed : of the sample that bin edges come from when a column has very many values.

    Returns
    -------
    Profile

    Raises
    ------
    InputError : unreadable data, no usable column, or columns other than those of ``like``.
    UsageError : columns and like together, or more levels than one matrix of counts holds.

    Notes
    -----
    Cost: two passes over the data; one where all columns are boolean and none has gaps. With ``like``, missing values
    and levels that the other table lacks get levels of their own.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"smiles": [True, False] * 40, "hat": [True, True, False, False] * 20})
    >>> p = profile(table)
    >>> (p + profile(table, like=p)).rows
    160
    """
    if like is not None and columns is not None:
        raise UsageError(
            "columns and like were both given: the columns of a profile like another are those of the other"
        )
    runner: Engine = get_engine(engine, data)
    source = runner.open(data, role="data")
    survey = _survey(runner, source, columns, like, seed)
    schema = (
        fit_schema(survey.sketch, columns=columns) if like is None else _schema_like(like, source, survey)
    )
    _require_features(source, schema)
    census = survey.census(schema)
    if census is None:
        state = Census.empty(schema, kernel=runner.kernel)
        census = runner.fold(source, schema.names, state, label="counting")
    return Profile(
        schema,
        census.dense,
        census.moments,
        census.repeats.read(),
        source.name,
        source.fingerprint(),
        seed,
    )


def _survey(
    engine: Engine, source: Source, columns: Sequence[str] | None, like: Profile | None, seed: int
) -> Survey:
    if like is not None:
        names = tuple(name for name in like.schema.names if name in source.columns)
    else:
        names = source.columns if columns is None else tuple(columns)
    known = [source.schema.field(name) for name in names if name in source.columns]
    state = Survey.empty(pa.schema(known), seed=seed, at_once=engine.kernel is None)
    return engine.fold(source, names, state, label="reading")


def _schema_like(like: Profile, source: Source, survey: Survey) -> Schema:
    """The levels of a profile, with pools for what only this table has: missing values, new levels."""
    schema, issues = extend_schema(like.schema, survey.sketch)
    lost = set(like.schema.names) - set(schema.names)
    dropped = [issue.message for issue in issues if issue.column in lost]
    if dropped:
        raise InputError(
            f"{source.name} cannot be profiled like {like.source}: {dropped[0]}; give the same columns"
        )
    return Schema(schema.features, like.schema.skipped)


def _require_features(source: Source, schema: Schema) -> None:
    if not schema.features:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in schema.skipped[:3])
        raise InputError(
            f"{source.name} has no column that can be profiled ({reasons}): give columns that vary"
        )
    if schema.planes > DENSE_PLANES:
        raise UsageError(
            f"{source.name} has {schema.planes:,} levels in all: a profile holds up to {DENSE_PLANES:,}; "
            "choose fewer columns"
        )
