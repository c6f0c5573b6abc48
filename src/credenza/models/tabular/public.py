"""What private generators of tables take as public: a table's levels and values, or its own, made coarse."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data import encode
from credenza.data.encode import Codes
from credenza.errors import InputError
from credenza.models.tabular.base import TableGenerator
from credenza.models.tabular.coarse import LEAST, coarsened
from credenza.models.tabular.codec import TableCodec


class PublicLevels(TableGenerator):
    """A generator of tables whose levels and values come from a public table, if there is one.

    Attributes
    ----------
    public : that table, with the columns of the private one; None takes levels and values from the private one, coarse
        (see :func:`~credenza.models.tabular.coarse.coarsened`) and without noise.
    """

    public: pa.Table | None = None
    _closed: IntArray = np.empty(0, np.int64)
    _levels_public = False

    @property
    def _taken_as_public(self) -> str:
        """What no epsilon covers, in words."""
        if self._levels_public:
            return "columns, types, levels and values, from a public table"
        return (
            "columns, types, levels and values, read from the reference without noise; "
            f"values that fewer than {LEAST} rows share are left out, which is no guarantee"
        )

    def _levels(self, data: pa.Table) -> TableCodec:
        self._levels_public = self.public is not None
        if self.public is None:
            codec, self._closed = coarsened(super()._levels(data))
            return codec
        self._closed = np.empty(0, np.int64)
        codec = super()._levels(self.public)
        for name in set(codec.arrow.names) ^ set(data.column_names):
            where = "the public table" if name in data.column_names else "the reference"
            raise InputError(f"{where} has no column {name!r}; give both the same columns")
        return codec

    def _codes(self, codec: TableCodec, data: pa.Table) -> Codes:
        """Codes (n, m) of the private rows.

        Raises
        ------
        InputError : a value that the public table has no level for.
        """
        try:
            return encode(data, codec.schema)
        except InputError as error:
            what = str(error).split("; ")[0]
            raise InputError(
                f"the public table does not cover the reference: {what}; add rows that do to the public table"
            ) from error
