"""What a person sees while rows are read: a bar on a terminal, and lines about anything worth a word."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

COMPILING = "compiling kernels, once on this machine; this takes some seconds"


@contextmanager
def working(message: str, *, quiet: bool = False) -> Iterator[None]:
    """Show what is going on while the block runs.

    Parameters
    ----------
    message : what is being done, such as "auditing".
    quiet : show nothing.

    Notes
    -----
    On a terminal: a bar on standard error with the pass over the data, rows, rate and time left, gone when the block
    ends; and a line when kernels are compiled, which happens on the first run of a version on a machine. Elsewhere only
    what the library announces (such as a fall-back to another engine), one line each: who reads a log does not wait.
    """
    if quiet:
        yield
        return
    from credenza.data.progress import watch

    with ExitStack() as stack:
        if sys.stderr.isatty():
            sink: Bar | Lines = stack.enter_context(showing(message))
            stack.enter_context(telling_of_compilation(sink.announce))
        else:
            sink = Lines()
        stack.enter_context(watch(sink))
        yield


class Lines:
    """A sink of progress that passes on announcements alone."""

    def start(self, label: str, total: int | None) -> None:
        """A pass begins: no word."""

    def advance(self, rows: int) -> None:
        """Rows were read: no word."""

    def done(self) -> None:
        """The pass ended: no word."""

    def announce(self, text: str) -> None:
        """Print a line."""
        sys.stderr.write(f"credenza: {text}\n")


class Bar:
    """A sink of progress that draws one bar, of the pass that is going on.

    Parameters
    ----------
    message : what is being done; shown between passes.
    progress : a :class:`rich.progress.Progress` whose columns show the field ``reading``.
    clock : seconds, from any start.
    """

    def __init__(self, message: str, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._message, self._progress, self._clock = message, progress, clock
        self._task = progress.add_task(message, total=None, reading="")
        self._rows, self._total, self._began = 0, 0, 0.0

    def start(self, label: str, total: int | None) -> None:
        """A pass over ``total`` rows begins."""
        self._rows, self._total, self._began = 0, total or 0, self._clock()
        self._show(f"{self._message}: {label}" if label else self._message, total)

    def advance(self, rows: int) -> None:
        """So many rows more were read."""
        self._rows += rows
        words = self.words(self._rows, self._total, self._clock() - self._began)
        self._progress.update(self._task, advance=rows, reading=words)

    def words(self, done: int, total: int, seconds: float) -> str:
        """What stands beside the bar."""
        return reading(done, total, seconds)

    def done(self) -> None:
        """The pass ended."""
        self._show(self._message, None)

    def announce(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(f"credenza: {text}", markup=False, highlight=False, soft_wrap=True)

    def _show(self, words: str, total: int | None) -> None:
        self._progress.remove_task(self._task)
        self._task = self._progress.add_task(words, total=total or None, reading="")


def reading(rows: int, total: int, seconds: float) -> str:
    """Rows, rate and time left; the total and the time left only where the total is known (not 0).

    >>> reading(30_400_000, 100_000_000, 10.0)
    '30.4M of 100M rows, 3.04M/s, 0:23 left'
    >>> reading(500, 0, 0.0)
    '500 rows'
    """
    words = f"{short(rows)} of {short(total)} rows" if total else f"{short(rows)} rows"
    if seconds <= 0 or not rows:
        return words
    words += f", {short(round(rows / seconds))}/s"
    if not total:
        return words
    minutes, rest = divmod(round(max(total - rows, 0) * seconds / rows), 60)
    return f"{words}, {minutes}:{rest:02} left"


def short(number: int) -> str:
    """A count in at most five characters, to three digits.

    >>> short(9_999), short(65_536), short(1_234_567), short(100_000_000), short(2_000_000_000)
    ('9999', '65.5k', '1.23M', '100M', '2G')
    """
    if number < 10_000:
        return str(number)
    rounded = int(float(f"{number:.3g}"))
    power = min((len(str(rounded)) - 1) // 3, 3)
    return f"{rounded / 1000**power:g}{'kMG'[power - 1]}"


@contextmanager
def showing(message: str, kind: type[Bar] = Bar) -> Iterator[Bar]:
    """A bar on standard error while the block runs; ``kind`` is a bar with words of its own."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[reading]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield kind(message, progress)


@contextmanager
def telling_of_compilation(announce: Callable[[str], None]) -> Iterator[None]:
    """Announce it, once, when a kernel is compiled and not read from the cache while the block runs."""
    from numba.core import event

    class FirstCompilation(event.Listener):
        told = False

        def on_start(self, event: Any) -> None:
            if not self.told:
                self.told = True
                announce(COMPILING)

        def on_end(self, event: Any) -> None:
            """Nothing to say."""

    with event.install_listener("numba:compile", FirstCompilation()):
        yield
