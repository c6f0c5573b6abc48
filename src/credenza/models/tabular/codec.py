"""Tables of mixed types as level codes and back: what the tabular generators have in common."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.contracts import FloatArray
from credenza.data import Schema, encode, fit_schema, sketch
from credenza.data.columns import Family, family
from credenza.data.encode import Codes
from credenza.errors import InputError
from credenza.models.tabular.pools import Pool, Tensors

MIN_ROWS = 2


@dataclass(frozen=True)
class TableCodec:
    """A table's columns as features with levels, and the values behind every level.

    Columns without levels to model (one value only, or nothing but missing values) have a pool and no feature.

    Attributes
    ----------
    arrow : the table's Arrow schema. schema : the m features. pools : of all columns of the table, in order.

    Examples
    --------
    >>> table = pa.table({"sex": ["m", "f", "m"], "age": [20, None, 40], "unit": ["kg"] * 3})
    >>> codec = TableCodec.fit(table)
    >>> codes = codec.codes(table)
    >>> codes.shape, codec.table(codes, [None] * 3).equals(table)
    ((3, 2), True)
    """

    arrow: pa.Schema
    schema: Schema
    pools: tuple[Pool, ...]

    @classmethod
    def fit(cls, table: pa.Table, *, bins: int = 16, min_share: float = 0.001) -> TableCodec:
        """Choose levels as :func:`credenza.data.fit_schema` does, and keep the values behind them.

        Parameters
        ----------
        table : n >= 2 rows. bins : of a numeric column, 2 to 60. min_share : rarer strings are pooled, in [0, 0.5].

        Raises
        ------
        InputError : no columns, two of one name, fewer than 2 rows, a column of nested values or bytes, or a column
            of texts that hardly repeat (identifiers, free text): their values cannot be made up.
        UsageError : ``bins`` or ``min_share`` out of range.
        """
        _check(table)
        schema = fit_schema(sketch(table), bins=bins, min_share=min_share)
        for name, reason in schema.skipped:
            if reason.startswith("identifier"):
                raise InputError(f"column {name!r} cannot be generated ({reason}); leave it out")
        features = dict(zip(schema.names, schema.features, strict=True))
        pools = tuple(Pool.of(table.column(name), features.get(name)) for name in table.column_names)
        return cls(table.schema, schema, pools)

    @property
    def modelled(self) -> tuple[Pool, ...]:
        """The pools of the m features."""
        names = set(self.schema.names)
        return tuple(pool for field, pool in zip(self.arrow, self.pools, strict=True) if field.name in names)

    def codes(self, table: pa.Table) -> Codes:
        """Codes of all rows, uint8 (n, m) in Fortran order; see :func:`credenza.data.encode`."""
        return encode(table, self.schema)

    def table(self, codes: NDArray[np.uint8], inside: Sequence[FloatArray | None]) -> pa.Table:
        """Rows with these codes.

        Parameters
        ----------
        codes : uint8 (n, m). inside : for each column of the table the quantile (n,) in [0, 1) within the level, or
            None for the level's first value.

        Returns
        -------
        Table with the schema of the one that was fitted.
        """
        places = {name: place for place, name in enumerate(self.schema.names)}
        whole = np.zeros(len(codes), np.uint8)
        columns = []
        for field, pool, quantile in zip(self.arrow, self.pools, inside, strict=True):
            place = places.get(field.name)
            columns.append(pool.drawn(whole if place is None else codes[:, place], quantile))
        return pa.Table.from_arrays(columns, schema=self.arrow)

    def sampled(self, codes: NDArray[np.uint8], rng: np.random.Generator) -> pa.Table:
        """Rows with these codes, each value drawn from those of its level as often as the level had it.

        Columns without a feature are drawn by themselves.
        """
        rows = len(codes)
        return self.table(codes, [None if pool.single else rng.random(rows) for pool in self.pools])

    def state(self) -> tuple[dict[str, Any], Tensors]:
        """Plain settings and arrays, for :func:`credenza.models.store.write_model`."""
        columns, tensors = [], {}
        for place, pool in enumerate(self.pools):
            settings, arrays = pool.state()
            columns.append(settings)
            tensors.update({f"column{place}.{name}": array for name, array in arrays.items()})
        arrow = base64.b64encode(self.arrow.serialize().to_pybytes()).decode("ascii")
        return {"arrow": arrow, "schema": self.schema.to_dict(), "columns": columns}, tensors

    @classmethod
    def restored(cls, settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> TableCodec:
        """Read what :meth:`state` returned, also after a trip through JSON and a file.

        Raises
        ------
        InputError : it is not what :meth:`state` returned.
        """
        try:
            arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(settings["arrow"])))
            columns = list(zip(arrow, settings["columns"], strict=True))
            schema = Schema.from_dict(settings["schema"])
        except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
            raise InputError(
                f"the stored table layout cannot be read ({error}); fit and save again"
            ) from error
        pools = []
        for place, (field, column) in enumerate(columns):
            head = f"column{place}."
            own = {key.removeprefix(head): array for key, array in tensors.items() if key.startswith(head)}
            pools.append(Pool.restored(field.type, column, own))
        return cls(arrow, schema, tuple(pools))


def _check(table: pa.Table) -> None:
    """Refuse tables that no generator can be fitted to."""
    if not isinstance(table, pa.Table):
        raise InputError(
            f"a {type(table).__name__} was given; a generator of tables is fitted to a pyarrow.Table"
        )
    if not table.num_columns:
        raise InputError("the table has no columns; give at least one to generate")
    if twice := [name for name, times in Counter(table.column_names).items() if times > 1]:
        raise InputError(f"two columns are named {twice[0]!r}; give each column its own name")
    if table.num_rows < MIN_ROWS:
        rows = f"{table.num_rows} row{'' if table.num_rows == 1 else 's'}"
        raise InputError(f"the table has {rows}; a generator needs at least {MIN_ROWS}")
    for field in table.schema:
        if family(field.type) in (Family.NESTED, Family.BINARY):
            raise InputError(
                f"column {field.name!r} is {field.type}, which cannot be generated; leave it out"
            )
