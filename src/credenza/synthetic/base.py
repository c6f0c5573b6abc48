"""What every maker of synthetic rows returns, and what it asks of numbers and of columns' names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.errors import InputError, UsageError

SOURCE, TEMPLATE, MODEL, PARENT, HOW = "source", "template_id", "generator_model", "parent", "how"
ORIGIN_COLUMNS = (SOURCE, TEMPLATE, MODEL, PARENT, HOW)


@dataclass(frozen=True)
class Synthetic:
    """Rows that were made, and how.

    Attributes
    ----------
    data : the rows. Besides what they are about, columns of ``ORIGIN_COLUMNS`` say where each comes from: ``source``
        (which maker, as "synthetic_template") and, with some makers, ``template_id``, ``generator_model``, ``parent``
        (number of a row of the data that was varied, from 0) and ``how``.
    settings : what was asked, JSON-able: with the same inputs it makes the same rows again.
    notes : what a person should know: that all was made that can be, what was left out.

    Examples
    --------
    >>> made = Synthetic(pa.table({"text": ["a"], "source": ["synthetic_template"]}), {"seed": 0})
    >>> made.rows, made.content
    (1, ('text',))
    """

    data: pa.Table = field(repr=False)
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows were made."""
        return int(self.data.num_rows)

    @property
    def content(self) -> tuple[str, ...]:
        """The columns that are not about the rows' origin."""
        return tuple(name for name in self.data.column_names if name not in ORIGIN_COLUMNS)


def require_count(name: str, value: object, least: int = 1) -> None:
    """Raise UsageError unless ``value`` is a whole number of ``least`` or more.

    >>> require_count("rows", 3)
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise UsageError(f"{name} is a whole number, {least} or more; found {value!r}")


def require_share(name: str, value: float, *, zero: bool = False) -> None:
    """Raise UsageError unless ``value`` is in (0, 1], or in [0, 1] where ``zero`` is allowed.

    >>> require_share("share", 0.5)
    """
    if not (0 <= value <= 1 if zero else 0 < value <= 1):
        bounds = "from 0 to 1" if zero else "above 0, up to 1"
        raise UsageError(f"{name} is a number {bounds}; found {value!r}")


def require_free(names: Iterable[str], taken: Iterable[str]) -> None:
    """Raise InputError where data has a column that tells rows' origin.

    >>> require_free(["text"], ["parent", "how"])
    """
    for name in set(taken).intersection(names):
        raise InputError(f"the data has a column {name!r}, which is to tell where rows come from; rename it")


def require_names(*names: str) -> None:
    """Raise UsageError where columns that are to be made share a name, or have that of a column of origin.

    >>> require_names("text", "label")
    """
    for place, name in enumerate(names):
        if not name or name in names[:place] or name in ORIGIN_COLUMNS:
            told = ", ".join(ORIGIN_COLUMNS)
            raise UsageError(
                f"a column cannot be called {name!r} here; give a name of its own, none of {told}"
            )
