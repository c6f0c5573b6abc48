"""States that ask where they begin, and states that do not."""

from __future__ import annotations

import pyarrow as pa

from credenza.data import TableSketch
from credenza.engines.base import Placed, placed


class Plain:
    """A state that any row is the same to."""


def test_a_state_that_asks_is_told_where_its_rows_begin() -> None:
    sketch = TableSketch.empty(pa.schema([("a", pa.int64())]))
    assert isinstance(sketch, Placed)
    told = placed(sketch, 1 << 40)
    assert told is not sketch
    assert told.columns == ("a",)


def test_a_state_that_does_not_ask_stays_as_it_is() -> None:
    plain = Plain()
    assert placed(plain, 5) is plain  # type: ignore[type-var]
