"""The rows of a drill: clean and reference pooled, so that every run can deal them out anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.planes import DENSE_PLANES
from credenza.association.probes import Layout
from credenza.association.profile import SUFFIX, Profile, layout_of
from credenza.attacks.columns import near_misses
from credenza.contracts import FloatArray, IntArray
from credenza.data import Schema, Source, encode, fit_schema, open_source, sketch
from credenza.data.edits import cast_values
from credenza.drill.settings import LEAST_ROWS, DrillSettings
from credenza.errors import InputError, UsageError


@dataclass(frozen=True)
class Pool:
    """The rows that runs deal out.

    Attributes
    ----------
    table : all rows, only the columns that have levels. schema : fitted on them.
    suspect_rows, reference_rows : sizes of the two sides; together all rows.
    holdout : further genuine rows that attacks draw on, or None.
    left_out : columns that are not in it, each with the reason.
    """

    table: pa.Table
    schema: Schema
    suspect_rows: int
    reference_rows: int
    holdout: pa.Table | None
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        clean: Source,
        reference: Source | None,
        holdout: Source | None,
        columns: Sequence[str] | None,
        settings: DrillSettings,
    ) -> Pool:
        """Pool the rows.

        Raises
        ------
        UsageError : an unknown column. InputError : columns of different kinds, fewer than two columns with levels,
            too many levels, or a side with fewer than ``LEAST_ROWS`` rows.
        """
        names = _shared(clean, [s for s in (reference, holdout) if s is not None], columns)
        table = clean.table(names)
        rows = round(settings.split * clean.rows) if reference is None else clean.rows
        if reference is not None:
            table = pa.concat_tables([table, _like(reference, "reference", table)])
        _require_rows(rows, table.num_rows - rows, reference is None)
        schema = fit_schema(sketch(table))
        if len(schema.features) < 2:
            raise InputError(
                f"{clean.name} has {len(schema.features) or 'no'} column with levels; a drill needs 2 that vary"
            )
        if schema.planes > DENSE_PLANES:
            raise InputError(
                f"{clean.name} has {schema.planes:,} levels in all; a drill holds {DENSE_PLANES:,}: "
                "choose fewer columns"
            )
        table = _packed(table.select(schema.names))
        spare = None if holdout is None else _packed(_like(holdout, "hold-out", table))
        lone = [(n, "not in all inputs") for n in columns or clean.columns if n not in names]
        return cls(table, schema, rows, table.num_rows - rows, spare, (*schema.skipped, *lone))

    @property
    def layout(self) -> Layout:
        """The schema as the statistics need it."""
        return layout_of(self.schema)

    @property
    def donors(self) -> int:
        """Rows that attacks with whole rows draw on: the hold-out's, else the reference's."""
        return self.reference_rows if self.holdout is None else self.holdout.num_rows

    def codes(self) -> NDArray[np.uint8]:
        """Codes (n, m) of all rows."""
        return encode(self.table, self.schema)

    def joint(self) -> FloatArray:
        """Pair counts (K, K) as shares of the rows."""
        counts = PairCounts.empty(self.layout.sizes).update(self.codes())
        return np.asarray(counts.joint / counts.rows)

    def deal(self, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
        """(suspect, reference): all rows, dealt out at random."""
        order: IntArray = rng.permutation(self.table.num_rows)
        return self.table.take(order[: self.suspect_rows]), self.table.take(order[self.suspect_rows :])

    def save(self, folder: Path) -> Path:
        """Write the rows to a folder, for processes that share them."""
        for name, table in (("rows", self.table), ("holdout", self.holdout)):
            if table is not None:
                path = str(folder / f"{name}.arrow")
                with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
        return folder

    @classmethod
    def load(cls, folder: Path, schema: Schema, suspect_rows: int) -> Pool:
        """Map what :meth:`save` wrote into memory."""

        def mapped(path: Path) -> pa.Table:
            return pa.ipc.open_file(pa.memory_map(str(path))).read_all()

        table, spare = mapped(folder / "rows.arrow"), folder / "holdout.arrow"
        held = mapped(spare) if spare.exists() else None
        return cls(table, schema, suspect_rows, table.num_rows - suspect_rows, held)


def open_inputs(clean: Any, reference: Any, holdout: Any) -> tuple[Source, Source | None, Source | None]:
    """Open what was given.

    Raises
    ------
    InputError : it cannot be read. UsageError : the reference is a profile, which has no rows to deal out.
    """
    if isinstance(reference, Profile) or (
        isinstance(reference, str | Path) and str(reference).endswith(SUFFIX)
    ):
        found = reference.source if isinstance(reference, Profile) else str(reference)
        raise UsageError(
            f"a drill deals out the reference's rows; found the profile {found!r}: give the data"
        )
    return (
        open_source(clean, role="clean data"),
        None if reference is None else open_source(reference, role="reference"),
        None if holdout is None else open_source(holdout, role="hold-out"),
    )


def _shared(clean: Source, others: Sequence[Source], columns: Sequence[str] | None) -> list[str]:
    """Names of the columns that all inputs have, or of those that were chosen."""
    for name in columns or ():
        for source in (clean, *others):
            if name not in source.columns:
                raise UsageError(f"{source.name} has no column {name!r}; {near_misses(name, source.columns)}")
    chosen = clean.columns if columns is None else tuple(dict.fromkeys(columns))
    names = [name for name in chosen if all(name in source.columns for source in others)]
    if not names:
        raise InputError(
            f"{clean.name} and {others[0].name} have no column in common; give tables of one kind"
        )
    return names


def _like(source: Source, role: str, table: pa.Table) -> pa.Table:
    """Rows of another source in the types of a table."""
    found = source.table(table.column_names)
    arrays = []
    for field in table.schema:
        try:
            chunks = [cast_values(chunk, field.type) for chunk in found[field.name].chunks]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            kinds = f"{found[field.name].type} in the {role} and {field.type} in the clean data"
            raise InputError(f"column {field.name!r} is {kinds}; it must be of one kind") from error
        arrays.append(pa.chunked_array(chunks, field.type))
    return pa.table(arrays, schema=pa.schema([pa.field(f.name, f.type) for f in table.schema])).cast(
        table.schema
    )


def _packed(table: pa.Table) -> pa.Table:
    """The table in one piece, without metadata."""
    return table.replace_schema_metadata(None).unify_dictionaries().combine_chunks()


def _require_rows(suspect: int, reference: int, halved: bool) -> None:
    for role, rows in (("suspect", suspect), ("reference", reference)):
        if rows < LEAST_ROWS:
            told = (
                f"a split into {suspect:,} and {reference:,} rows" if halved else f"a {role} of {rows:,} rows"
            )
            raise InputError(f"{told} is too small for a drill; each side needs {LEAST_ROWS} rows or more")
