"""Write a model of a DuckDB warehouse to Parquet, sorted: ``export_model.py WAREHOUSE MODEL ORDER OUT``.

A model may be given with its schema, as ``marts.visits``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def export(warehouse: str, model: str, order: str, out: str) -> int:
    """Write the file beside its place, move it there, and say how many rows it has."""
    table = ".".join(quoted(part) for part in model.split("."))
    made = Path(f"{out}.part")
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.sql(f"SELECT * FROM {table} ORDER BY {quoted(order)}")
        rows.write_parquet(str(made))
        count = connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    made.replace(out)
    return int(count)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    try:
        print(f"{export(*sys.argv[1:]):,} rows of {sys.argv[2]}")
    except duckdb.Error as error:
        raise SystemExit(f"export_model.py: {' '.join(str(error).split())}") from error
