"""The demo's story: one association of a real table is moved, and nothing that is usually checked shows it.

Somebody who sells insurance with a deductible would like the data to say that people who have one feel
healthy. They cannot change how many have a deductible, nor how many feel healthy: both are known. So they
change who: 9% of the rows are exchanged for other, genuine rows of the same study.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from credenza.attacks import AssociativePoisoning
from credenza.attacks.base import require_seed
from credenza.data.write import write_table, write_text
from credenza.demo.table import load
from credenza.errors import UsageError

REFERENCE_ROWS, SUSPECT_ROWS = 8_000, 8_000
PAIR = ("self_rated_health", "individual_deductible")
LEVELS = ("excellent", True)
EDITS = 0.09


@dataclass(frozen=True)
class DemoFiles:
    """The files of the demo.

    Attributes
    ----------
    reference : trusted rows.
    suspect : rows of which one pair was poisoned.
    clean : the same rows as they were before, for comparison.
    key : answer key of the attack; an audit never sees it.
    """

    reference: Path
    suspect: Path
    clean: Path
    key: Path


def prepare(folder: str | os.PathLike[str], *, seed: int = 1) -> DemoFiles:
    """Split the demo table at random, poison one pair of one part, and write everything to a folder.

    The rows are divided into reference (8,000), suspect (8,000) and hold-out (4,190; the attacker's supply of
    genuine rows, not written). Rows are drawn, not people: with all years of a person on one side, the sides
    would differ by more than rows drawn independently do.

    Parameters
    ----------
    folder : where to write ``reference.parquet``, ``suspect.parquet``, ``clean.parquet`` and ``key.json``;
        created when absent, files of these names are replaced.
    seed : seed of the split and of the attack, a non-negative integer.

    Returns
    -------
    DemoFiles : the four paths.

    Raises
    ------
    UsageError : ``folder`` is a file, or the seed is not a non-negative integer.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = prepare(folder)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['clean.parquet', 'key.json', 'reference.parquet', 'suspect.parquet']
    """
    target = Path(folder).expanduser()
    if target.exists() and not target.is_dir():
        raise UsageError(f"cannot write the demo to {target}: it is a file; give a folder")
    table = load()
    attack = AssociativePoisoning(PAIR, levels=LEVELS, edits=EDITS)
    require_seed(seed)
    order = np.random.default_rng(seed).permutation(table.num_rows)
    ends = np.cumsum([REFERENCE_ROWS, SUSPECT_ROWS])
    reference, clean, holdout = (table.take(part) for part in np.split(order, ends))
    poisoned = attack.apply(clean, holdout=holdout, seed=seed)
    target.mkdir(parents=True, exist_ok=True)
    made = DemoFiles(
        target / "reference.parquet",
        target / "suspect.parquet",
        target / "clean.parquet",
        target / "key.json",
    )
    write_table(reference, made.reference)
    write_table(poisoned.data, made.suspect)
    write_table(clean, made.clean)
    write_text(poisoned.key.to_json(), made.key)
    return made
