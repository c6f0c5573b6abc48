"""A short summary of a drill for a terminal; plain text when it is piped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from credenza.drill import text
from credenza.drill.result import Drill, Exercise, Point
from credenza.drill.settings import CHANCES
from credenza.report.text import count, percent, to_ascii

WIDEST = 100
BAR = 20


def render(drill: Drill, file: IO[str] | None = None) -> None:
    """Print the summary of a drill.

    Parameters
    ----------
    drill : the result. file : where to; None for standard output.

    Notes
    -----
    One block an exercise: shares of runs that named the pair, with 95% intervals, beside the calculated chance. Names
    are printed with hidden characters escaped and long ones elided.
    """
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    plain_text = console.options.ascii_only

    def line(words: str, style: str = "") -> None:
        shown = to_ascii(words) if plain_text else words
        console.print(Text(shown, style=style), width=min(console.width, WIDEST), soft_wrap=False)

    line(text.headline(drill)[:1].upper() + text.headline(drill)[1:] + ".", "bold")
    line(
        f"  {count(drill.suspect_rows, 'row')} against {count(drill.reference_rows, 'reference row')}, "
        f"{count(len(drill.exercises), 'attack')} on pairs, easiest first"
    )
    for exercise in drill.exercises:
        line("")
        line(f"{text.name(exercise)}, {text.moved(exercise)}", "bold")
        console.print(_table(exercise, plain_text))
        for words in _summary(drill, exercise):
            line(f"  {words}")
    line("")
    if text.warning(drill):
        line(text.warning(drill), "bold yellow")
    for note in text.notes(drill):
        line(note)


def _table(exercise: Exercise, plain_text: bool) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for k in range(6):
        grid.add_column(justify="left" if k in (0, 5) else "right", no_wrap=True)
    grid.add_row("", "strength", "rows", "named", "expected", "", style="dim")
    for point in exercise.points:
        low, high = point.named_interval
        grid.add_row(
            "",
            text.strength(point.strength),
            f"{point.rows_edited:,}",
            f"{percent(point.named / point.runs)} ({percent(low)} to {percent(high)})",
            percent(point.expected_named),
            _bar(point, plain_text),
        )
    return grid


def _bar(point: Point, plain_text: bool) -> str:
    filled = round(BAR * point.named / point.runs)
    full, empty = ("#", ".") if plain_text else ("█", "░")
    return full * filled + empty * (BAR - filled)


def _summary(drill: Drill, exercise: Exercise) -> Iterator[str]:
    if exercise.caught is None:
        return
    for place, chance in enumerate(CHANCES):
        expected = text.strength(exercise.expected[place])
        yield f"named in {chance:.0%} from {text.caught_words(exercise, place)}; expected {expected}"
    yield f"more reference rows for strength {text.strength(drill.target)}: {text.shortfall(drill, exercise)}"
