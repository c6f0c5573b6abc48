"""Put the output of a real audit into README.md: ``python scripts/update_readme.py``. A test compares."""

from __future__ import annotations

import io
from contextlib import chdir, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from credenza.cli import main
from credenza.demo.scenario import prepare

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- audit output -->\n", "<!-- end of audit output -->\n"
COMMAND = ["audit", "suspect.parquet", "--reference", "reference.parquet"]


def block() -> str:
    """The command, and what it prints on the tables of the demo until the list of checks, as a Markdown block."""
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(io.StringIO()) as out:
        prepare(".")
        main(COMMAND)
    finding, _, _ = out.getvalue().partition("\nChecks\n")
    lines = [*(line.rstrip() for line in finding.strip().splitlines()), "", "Checks", "  ..."]
    return "```console\n$ credenza " + " ".join(COMMAND) + "\n" + "\n".join(lines) + "\n```\n"


def updated(text: str) -> str:
    """The text with a new block between the markers."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return head + BEGIN + block() + END + tail


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
