"""Work spread over processes: its results, its failures, its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drill.tasks import pooled, process, rows

from credenza.drill.crew import THREADS, crew
from credenza.errors import InputError

SCRIPT = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from drill.tasks import pooled, process
from credenza.drill.crew import crew

if __name__ == "__main__":
    with crew(pooled(), 2) as hands:
        print(*{pid for _, pid in hands.map(process, range(8))}, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_one_process_works_here_in_order() -> None:
    with crew(pooled(), 1) as hands:
        assert list(hands.map(rows, [5, 1])) == [(0, 305), (1, 301)]
        assert list(hands.map(rows, [])) == []


def test_several_processes_work_elsewhere_and_hand_errors_back() -> None:
    before = {name: os.environ.get(name) for name in THREADS}
    with crew(pooled(), 2) as hands:
        assert dict(hands.map(rows, list(range(20)))) == {k: 300 + k for k in range(20)}
        assert os.getpid() not in {pid for _, pid in hands.map(process, [0, 1])}
        with pytest.raises(InputError, match=r"^no task -1$"):
            list(hands.map(rows, [1, -1, 2, 3]))
    assert {name: os.environ.get(name) for name in THREADS} == before


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name == "nt", reason="processes are killed another way on Windows")
def test_processes_do_not_outlive_one_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(Path(__file__).parent.parent)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    pids = [int(pid) for pid in done.stdout.split()]
    assert pids, done.stderr
    for _ in range(200):
        if not any(alive(pid) for pid in pids):
            break
        time.sleep(0.1)
    assert not any(alive(pid) for pid in pids)
