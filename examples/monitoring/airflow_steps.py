"""What the tasks of airflow_dag.py do; Airflow itself is not needed to try it."""

from __future__ import annotations

import subprocess
from pathlib import Path

NIGHTLY = Path(__file__).with_name("nightly.sh")


class NotCheckedError(RuntimeError):
    """Nothing is known of the data: bad input, or too little to check."""


def rows_are_fit(data: str, state: str, *options: str) -> bool:
    """Audit the added rows of a table.

    Returns True without an alarm and False with one, so that a ShortCircuitOperator skips what would use the rows.

    Raises
    ------
    NotCheckedError : nothing could be checked; the task fails, since skipping would look like a verdict.
    """
    done = subprocess.run(["bash", str(NIGHTLY), data, state, *options], check=False)
    if done.returncode not in (0, 1):
        raise NotCheckedError(f"the audit of {data} ended with status {done.returncode}: see {state}/history")
    return done.returncode == 0
