"""The command line: parse, call one library function, print."""

from __future__ import annotations

from credenza.cli.run import main

__all__ = ["main"]
