from __future__ import annotations

import math
import os
import pickle
from pathlib import Path

import pytest
from studies.associative.worlds import data_file, small

from credenza.errors import UsageError
from credenza.studies.associative.units import Unit
from credenza.studies.associative.work import Task, run_unit
from credenza.studies.common.workers import each


def test_processes_do_what_one_does() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    tasks = [3, 4, 5]
    assert sorted(each(math.factorial, tasks, 2)) == [6, 24, 120] == list(each(math.factorial, tasks, 1))
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_what_goes_wrong_comes_out() -> None:
    with pytest.raises(ValueError, match="math domain error"):
        list(each(math.log, [1.0, -1.0], 1))


def test_a_task_that_was_sent_comes_to_the_same(tmp_path: Path) -> None:
    scale = small()
    unit = Unit("tabular", "chow-liu", "positive", 1)
    task = Task(scale, scale.experiments[0], unit, tmp_path, str(data_file(tmp_path)), 3, "cpu")
    one, two = run_unit(task), run_unit(pickle.loads(pickle.dumps(task)))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
    assert one["training"]["mode"] == "replace"


def test_no_process_is_no_way_to_work() -> None:
    with pytest.raises(UsageError) as caught:
        list(each(abs, [1], 0))
    assert str(caught.value) == "jobs is a number of processes, 1 or more; found 0"
