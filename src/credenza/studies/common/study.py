"""What a study came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credenza.studies.common.results import Record

SUMMARY, PAGE = "summary.json", "summary.md"


@dataclass(frozen=True)
class Study:
    """What a study came to.

    Attributes
    ----------
    out : the folder with all results. records : one entry a finished unit. summary : plain data of the tables.
    wanted : units of the scale, finished or not.
    """

    out: Path
    records: tuple[Record, ...]
    summary: dict[str, Any]
    wanted: int

    @property
    def page(self) -> str:
        """The tables, in Markdown."""
        return (self.out / PAGE).read_text(encoding="utf-8")
