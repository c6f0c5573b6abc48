"""Work for processes: functions that other processes can import."""

from __future__ import annotations

import os
import time

from drill.tables import people

from credenza.drill.pool import Pool, open_inputs
from credenza.drill.settings import DrillSettings
from credenza.errors import InputError


def pooled() -> Pool:
    """Some rows."""
    return Pool.of(*open_inputs(people(300, 0), None, None), None, DrillSettings())


def rows(pool: Pool, task: int) -> int:
    """The rows plus the task; fails below 0."""
    if task < 0:
        raise InputError(f"no task {task}")
    return pool.table.num_rows + task


def process(pool: Pool, task: int) -> int:
    """Which process works."""
    time.sleep(0.2)
    return os.getpid()
