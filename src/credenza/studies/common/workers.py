"""Units spread over processes, which share nothing but the folder that they write to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from credenza.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def each(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[R]:
    """What ``work`` makes of each task, as they are done.

    Parameters
    ----------
    work : a function of a module, so that other processes find it. tasks : what can be pickled.
    jobs : processes; 1 works here, in the order of the tasks.

    Raises
    ------
    UsageError : ``jobs`` is below 1. Whatever ``work`` raises; tasks that have not begun are dropped then.

    Notes
    -----
    Processes are started afresh (not forked) and compute on one thread each, so a script that asks for more than one
    must guard its entry by ``if __name__ == "__main__"``.

    Examples
    --------
    >>> list(each(abs, [-1, 2], 1))
    [1, 2]
    """
    require_jobs(jobs)
    if jobs == 1 or len(tasks) < 2:
        yield from map(work, tasks)
        return
    unset = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    executor = ProcessPoolExecutor(
        min(jobs, len(tasks)), mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        for future in as_completed([executor.submit(work, task) for task in tasks]):
            yield future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        for name in unset:
            os.environ.pop(name, None)


def require_jobs(jobs: int) -> None:
    """Refuse a number of processes that is none."""
    if jobs < 1:
        raise UsageError(f"jobs is a number of processes, 1 or more; found {jobs}")


def _begin() -> None:
    """An interrupt is for the parent to deal with, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def minutes_left(done: Sequence[tuple[str, float]], left: Sequence[str], jobs: int) -> float | None:
    """Minutes until all is done; None where nothing is known.

    Parameters
    ----------
    done : kind and seconds of every unit that is done. left : kinds of those that are not.

    Notes
    -----
    A kind that was not seen yet is taken to last as long as the mean of all that were.

    Examples
    --------
    >>> minutes_left([("a", 30.0), ("b", 90.0)], ["a", "b", "b"], 2)
    1.75
    """
    if not done:
        return None
    means: dict[str, Any] = {}
    for kind, seconds in done:
        means.setdefault(kind, []).append(seconds)
    overall = sum(seconds for _, seconds in done) / len(done)
    return (
        sum(sum(own) / len(own) if (own := means.get(kind)) else overall for kind in left) / 60 / max(jobs, 1)
    )
