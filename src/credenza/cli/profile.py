"""``credenza profile`` and ``credenza profile merge``: statistics that stand in for a table."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Annotated

import typer

from credenza.cli.options import EngineName, EngineOption, Quiet, Seed, check_outputs, say, split_names
from credenza.cli.progress import working
from credenza.errors import UsageError

Out = Annotated[str, typer.Option("--out", metavar="FILE", help="Where the profile goes (.czp).")]


def profile_command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Table to profile: file, folder or glob.")],
    out: Out,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", metavar="A,B,...", help="Profile these columns only; repeatable."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="PROFILE", help="Use the levels of this profile, to merge with it."),
    ] = None,
    seed: Seed = 0,
    engine: EngineOption = EngineName.LOCAL,
    quiet: Quiet = False,
) -> None:
    """Write the statistics of a table to a file that holds no rows and serves as --reference.

    Profiles of parts of a table add up when all have the levels of the first (--like): see profile merge.
    """
    from credenza.association.profile import Profile
    from credenza.report import profile

    check_profile_path(out, [data])
    names = split_names("--columns", columns)
    with working("profiling", quiet=quiet):
        model = None if like is None else Profile.load(like)
        profile(data, columns=names, like=model, engine=engine.value, seed=seed).save(out)
    say(f"wrote {out}", quiet=quiet)


def merge_command(
    profiles: Annotated[list[str], typer.Argument(metavar="A B...", help="Profiles to merge, two or more.")],
    out: Out,
    quiet: Quiet = False,
) -> None:
    """Merge profiles of parts of a table, made with --like the first, into the profile of the whole."""
    from credenza.association.profile import Profile

    if len(profiles) < 2:
        raise UsageError(f"profile merge takes two profiles or more: found {len(profiles)}")
    check_profile_path(out, profiles)
    with working("merging", quiet=quiet):
        reduce(add, map(Profile.load, profiles)).save(out)
    say(f"wrote {out}", quiet=quiet)


def check_profile_path(out: str, inputs: list[str]) -> None:
    """Refuse a path that an audit would not take for a profile, or that could not be written."""
    if not out.endswith(".czp"):
        raise UsageError(f"--out takes a file name that ends in .czp: found {out!r}")
    check_outputs({"--out": out}, inputs)
