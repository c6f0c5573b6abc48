"""Work spread over processes: each maps the same rows into memory, and what comes back depends on no number of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from credenza.data import Schema
from credenza.drill.pool import Pool

T = TypeVar("T")
R = TypeVar("R")
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
AHEAD = 4  # tasks a process that are waiting for it
_POOL: list[Pool] = []  # of a worker process: the rows it works on


class Crew:
    """Calls ``work(pool, task)`` for many tasks, here or in other processes.

    Parameters
    ----------
    pool : the rows. executor : of the processes; None to work here. jobs : how many there are.
    """

    def __init__(self, pool: Pool, executor: ProcessPoolExecutor | None, jobs: int) -> None:
        self._pool, self._executor, self._jobs = pool, executor, jobs

    def map(self, work: Callable[[Pool, T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield (number of the task, its result) as they are done, in any order.

        Parameters
        ----------
        work : a function of a module, so that other processes find it. tasks : what can be pickled.
        """
        if self._executor is None:
            for number, task in enumerate(tasks):
                yield number, work(self._pool, task)
            return
        left = iter(enumerate(tasks))
        flying: dict[Future[R], int] = {}
        try:
            while True:
                for number, task in islice(left, AHEAD * self._jobs - len(flying)):
                    flying[self._executor.submit(_call, work, task)] = number
                if not flying:
                    return
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in done:
                    yield flying.pop(future), future.result()
        finally:
            for future in flying:
                future.cancel()


@contextmanager
def crew(pool: Pool, jobs: int) -> Iterator[Crew]:
    """So many processes while the block runs; one works here.

    Notes
    -----
    Processes are started afresh (not forked: threads of Arrow and numba do not survive that), so a script that asks for
    more than one must guard its entry by ``if __name__ == "__main__"``. The rows are in a temporary file that all map.
    """
    if jobs == 1:
        yield Crew(pool, None, 1)
        return
    with TemporaryDirectory(prefix="credenza-") as folder, _one_thread_each():
        pool.save(Path(folder))
        executor = ProcessPoolExecutor(
            jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(folder, pool.schema, pool.suspect_rows),
        )
        try:
            yield Crew(pool, executor, jobs)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that are started meanwhile multiply matrices on one thread: more would wait for each other."""
    unset = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    try:
        yield
    finally:
        for name in unset:
            os.environ.pop(name, None)


def _start(folder: str, schema: Schema, suspect_rows: int) -> None:
    """Begin work in a process: an interrupt is for the parent to deal with, and without it there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _POOL[:] = [Pool.load(Path(folder), schema, suspect_rows)]


def _leave_with_parent() -> None:
    """End this process once the one that started it is gone, killed perhaps."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _call(work: Callable[[Pool, Any], R], task: Any) -> R:
    return work(_POOL[0], task)
