"""Build the demo table from the copy of the RAND Health Insurance Experiment that statsmodels distributes.

Run ``python scripts/make_demo_data.py`` with statsmodels installed. It writes the table to
``src/credenza/demo/rand_hie.parquet`` and prints its SHA-256, which belongs into ``ORIGIN.md`` beside it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

TARGET = Path(__file__).resolve().parents[1] / "src" / "credenza" / "demo" / "rand_hie.parquet"

# our name -> (column of the source, type, decimals kept or None); values are otherwise as in the source
COLUMNS = {
    "site": ("site", pa.string(), None),
    "study_year": ("year", pa.int8(), None),
    "age": ("xage", pa.float64(), 1),
    "female": ("female", pa.bool_(), None),
    "family_size": ("num", pa.int8(), None),
    "income": ("income", pa.float64(), 0),
    "education_years": ("educdec", pa.float64(), 2),
    "coinsurance": ("coins", pa.int8(), None),
    "individual_deductible": ("idp", pa.bool_(), None),
    "maximum_expenditure": ("mdeoff", pa.float64(), 2),
    "participation_incentive": ("pioff", pa.float64(), 2),
    "took_physical": ("tookphys", pa.bool_(), None),
    "self_rated_health": ("hlthg", pa.string(), None),
    "physical_limitation": ("physlm", pa.bool_(), None),
    "chronic_diseases": ("disea", pa.float64(), 1),
    "general_health_index": ("ghindx", pa.float64(), 1),
    "mental_health_index": ("mhi", pa.float64(), 1),
    "visits": ("mdvis", pa.int16(), None),
    "hospital_admissions": ("totadm", pa.int8(), None),
    "outpatient_expense": ("outpdol", pa.float64(), 2),
}


def source_path() -> Path:
    """The CSV file inside the installed statsmodels, found without importing it."""
    spec = importlib.util.find_spec("statsmodels")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit("statsmodels is not installed; run: pip install statsmodels")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "randhie" / "src" / "randhie.csv"


def health(table: pa.Table) -> pa.Array:
    """One column from the three indicators; none of them set means excellent (statsmodels' description)."""
    codes = np.select([table[name].to_numpy() == 1 for name in ("hlthg", "hlthf", "hlthp")], [1, 2, 3], 0)
    return pa.DictionaryArray.from_arrays(codes.astype(np.int8), ["excellent", "good", "fair", "poor"])


def convert(table: pa.Table, name: str) -> pa.Array:
    """One column of the demo table."""
    source, kind, decimals = COLUMNS[name]
    column = table[source].combine_chunks()
    if name == "self_rated_health":
        return health(table)
    if name == "site":
        return pa.array([f"site {code}" for code in column.to_pylist()]).dictionary_encode()
    if name == "physical_limitation":
        column = pc.if_else(pc.is_in(column, pa.array([0.0, 1.0])), column, None)
    if decimals is not None:
        return pc.add(pc.round(column.cast(pa.float64()), decimals), 0.0)
    return column.cast(kind)


def build() -> pa.Table:
    """The demo table, in the row order of the source."""
    table = pyarrow.csv.read_csv(source_path())
    return pa.table({name: convert(table, name) for name in COLUMNS})


def main() -> None:
    """Write the table and print where, how large and with which hash."""
    pyarrow.parquet.write_table(build(), TARGET, compression="zstd", compression_level=19)
    content = TARGET.read_bytes()
    sys.stdout.write(
        f"{TARGET.name}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}\n"
    )


if __name__ == "__main__":
    main()
