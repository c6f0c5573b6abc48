"""From a name, or from the data, to an engine."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from typing import Any

from credenza.engines.base import Engine
from credenza.engines.cuda import CudaEngine
from credenza.engines.local import LocalEngine
from credenza.engines.spark import SparkEngine
from credenza.engines.spark_session import find_session, is_spark_frame
from credenza.errors import UsageError

_MAKERS: dict[str, Callable[[], Engine]] = {"local": LocalEngine, "spark": SparkEngine, "cuda": CudaEngine}
ENGINES = tuple(_MAKERS)


def get_engine(engine: str | Engine | None, suspect: Any = None) -> Engine:
    """Return the engine that was asked for, or the one that fits the data.

    Parameters
    ----------
    engine : "local", "spark" or "cuda"; an engine, which is returned as it is; or None: Spark for a Spark frame,
        local for everything else. suspect : the data that will be read.

    Raises
    ------
    UsageError : an unknown name; "spark" for data in this process's memory while no session is active.
    MissingExtraError : what the engine needs is not installed.

    Examples
    --------
    >>> get_engine(None).name, get_engine("local").name
    ('local', 'local')
    """
    if engine is None:
        return SparkEngine() if is_spark_frame(suspect) else LocalEngine()
    if not isinstance(engine, str):
        return engine
    if engine not in _MAKERS:
        close = difflib.get_close_matches(engine, ENGINES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(map(repr, ENGINES))}"
        raise UsageError(f"unknown engine {engine!r}; {hint}")
    here = not isinstance(suspect, str | os.PathLike) and not is_spark_frame(suspect)
    if engine == "spark" and here and find_session() is None:
        raise UsageError(
            "engine 'spark', but no Spark session is active and the data is in this process's memory; "
            "start a session, or give a path or a Spark frame"
        )
    return _MAKERS[engine]()
