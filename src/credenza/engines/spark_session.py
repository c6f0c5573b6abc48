"""Spark itself: whether it is there, a session to work in, and what its failures mean in one line."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from credenza.errors import InputError, MissingExtraError, UsageError

INSTALL = "pip install 'credenza[spark]'"
_PYTHON_ERROR = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Iteration)?(?:: .*)?$")
_CAUSED = re.compile(r"^\s*Caused by: (.*)$", re.MULTILINE)
_FILE = re.compile(r"while reading file (?:file:/*(?=/))?(.*?)\.? +(?:SQLSTATE|File does not)")
_CODES = re.compile(r"^\[[A-Z_.]+\] | SQLSTATE: \w+$")
_JAVA_NAME = re.compile(r"^(?:[a-z_][\w$]*\.)+([A-Z][\w$]*)(?:: )?")


def is_spark_frame(data: Any) -> bool:
    """Say whether an object is a Spark frame, without importing Spark.

    Examples
    --------
    >>> is_spark_frame([1, 2])
    False
    """
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.startswith("pyspark.sql.")
        for kind in type(data).__mro__
    )


def require_pyspark() -> None:
    """Raise MissingExtraError when pyspark cannot be imported."""
    if importlib.util.find_spec("pyspark") is None:
        raise MissingExtraError(f"the spark engine needs pyspark, which is not installed: {INSTALL}")


def find_session() -> Any | None:
    """Return the active Spark session, or None."""
    require_pyspark()
    from pyspark.sql import SparkSession

    with quiet():
        session = SparkSession.getActiveSession()
    return session if session is not None and is_running(session) else None


def is_running(session: Any) -> bool:
    """Say whether a session has not been stopped."""
    if hasattr(session, "is_stopped"):  # Spark Connect
        return not session.is_stopped
    context = session.sparkContext._jsc
    return context is not None and not context.sc().isStopped()


def parallelism(session: Any) -> int:
    """How many tasks the session runs at once; at least 64 where executors come and go."""
    if session.conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        return 64
    context = None if hasattr(session, "is_stopped") else session.sparkContext
    if context is not None:
        return max(1, int(context.defaultParallelism))
    return int(session.conf.get("spark.sql.shuffle.partitions"))


def start_local() -> Any:
    """Start Spark on all cores of this machine, unless its own configuration names a cluster; return the session.

    Workers run the Python that runs here. What the virtual machine writes to standard error is held back, and
    read for the reason when it does not start. The session lives as long as this process.

    Raises
    ------
    MissingExtraError : no pyspark, or no Java. InputError : Java is there, but Spark does not start.
    """
    require_pyspark()
    require_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("credenza")
    for key, value in (
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.driver.host", "localhost"),
        ("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 1))),
    ):
        builder = builder.config(key, value)
    with tempfile.TemporaryFile() as log, quiet():
        try:
            with _standard_error_to(log.fileno()):
                return builder.getOrCreate()
        except (PySparkException, OSError) as error:
            log.seek(0)
            said = log.read().decode(errors="replace")
            raise InputError(
                f"Spark does not start ({_reason_in_log(said) or cause(error)}); Spark 4 needs Java 17 or later, "
                "and JAVA_HOME names the Java to use"
            ) from error


def require_java() -> None:
    """Raise MissingExtraError when there is no Java; JAVA_HOME goes before the path, as in Spark."""
    home = os.environ.get("JAVA_HOME")
    if home:
        if not (Path(home) / "bin" / "java").exists() and not (Path(home) / "bin" / "java.exe").exists():
            raise MissingExtraError(
                f"the spark engine needs Java, and JAVA_HOME is {home}, which holds no bin/java; correct or unset it"
            )
    elif shutil.which("java") is None and "SPARK_REMOTE" not in os.environ:
        raise MissingExtraError(
            "the spark engine needs Java 17 or later: JAVA_HOME is not set and no java is on the path; "
            "install one (for example: apt install openjdk-17-jre-headless)"
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what pyspark says of versions of pandas; no pandas object is made here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield


@contextlib.contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Turn what Spark raises into InputError or UsageError: one line with the innermost cause."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        with quiet():
            yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        reason = cause(error)
        if "No module named 'credenza" in reason:
            raise UsageError(
                f"{name}: a Spark worker cannot import credenza; install it on the workers, or let PYSPARK_PYTHON name "
                "an environment that has it"
            ) from error
        raise InputError(f"{name}: Spark could not read it ({reason}); mend or drop what fails") from error


def cause(error: BaseException) -> str:
    """Return the innermost cause of a failure on a worker, in one line of at most 200 characters.

    Examples
    --------
    >>> cause(ValueError("Job aborted\\nCaused by: java.io.IOException: disk full\\n  at A.b"))
    'disk full'
    """
    text = str(error)
    lines = [line for line in text.splitlines() if line.strip()]
    caused = _CAUSED.findall(text)
    file = _FILE.search(text)
    if "Traceback (most recent call last)" in text:
        last = text.rpartition("Traceback (most recent call last)")[2].splitlines()[1:]
        named = [line.strip() for line in last if line[:1] not in ("", " ") and _PYTHON_ERROR.match(line)]
        found = named[0] if named else lines[-1]
    elif caused:
        found = _JAVA_NAME.sub("", caused[-1]) or caused[-1]
    else:
        found = _JAVA_NAME.sub("", lines[0]) if lines else type(error).__name__
    found = " ".join(_CODES.sub("", found).split()).rstrip(".")
    if file and file[1] not in found:
        found = f"{file[1]}: {found}"
    return found if len(found) <= 200 else found[:199] + "…"


def _reason_in_log(text: str) -> str:
    """Return the line of a Java virtual machine's last words that says why, or nothing."""
    for line in text.splitlines():
        if "Exception" in line or line.startswith("Error"):
            return " ".join(line.split())[:200].rstrip(".")
    return ""


@contextlib.contextmanager
def _standard_error_to(descriptor: int) -> Iterator[None]:
    """Let processes that start in the block write their standard error elsewhere."""
    sys.stderr.flush()
    saved = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
