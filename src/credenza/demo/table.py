"""The demo table."""

from __future__ import annotations

from importlib.resources import as_file, files

import pyarrow as pa
import pyarrow.parquet


def load() -> pa.Table:
    """The demo table: 20,190 person-years of the RAND Health Insurance Experiment, 20 columns of mixed kinds.

    Origin, licence and every transformation are in ``ORIGIN.md`` beside the file.

    Returns
    -------
    pyarrow.Table : booleans, integers, floats and categories; five columns have missing values.

    Examples
    --------
    >>> table = load()
    >>> table.num_rows, table.num_columns
    (20190, 20)
    """
    with as_file(files("credenza.demo").joinpath("rand_hie.parquet")) as path:
        return pyarrow.parquet.read_table(path)
