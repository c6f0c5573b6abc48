"""What Spark's failures mean in one line, and what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from credenza.engines.spark_session import (
    cause,
    is_spark_frame,
    one_line_errors,
    require_java,
    require_pyspark,
)
from credenza.errors import InputError, MissingExtraError, UsageError

WORKER = """
An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "worker.py", line 9, in run
    raise ValueError("boom") from error
{last}"""
READING = (
    "An error occurred while calling o9.collectToPython.\n"
    ": org.apache.spark.SparkException: [FAILED_READ_FILE.NO_HINT] "
    "Encountered error while reading file file:///data/b.parquet.  SQLSTATE: KD001\n\tat a.B.c(B.scala:1)\n"
    "Caused by: java.lang.RuntimeException: outer\n\tat a.B.c(B.scala:2)\n"
    "Caused by: java.io.IOException: FAILED_TO_UNCOMPRESS(5)\n\tat a.B.c(B.scala:3)\n"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WORKER.format(last="ValueError: boom\nsecond line"), "ValueError: boom"),
        (WORKER.format(last="KeyError: 'x'\n"), "KeyError: 'x'"),
        (WORKER.format(last="package.module.OddError: why"), "package.module.OddError: why"),
        (WORKER.format(last="StopIteration"), "StopIteration"),
        (READING, "/data/b.parquet: FAILED_TO_UNCOMPRESS(5)"),
        (
            "[PATH_NOT_FOUND] Path does not exist: file:/a/b. SQLSTATE: 42K03",
            "Path does not exist: file:/a/b",
        ),
        ("java.lang.IllegalStateException: SparkContext was stopped\n\tat x", "SparkContext was stopped"),
        ("Caused by: java.lang.NullPointerException\n\tat x", "java.lang.NullPointerException"),
        ("x" * 300, "x" * 199 + "…"),
        ("", "ValueError"),
    ],
)
def test_the_innermost_cause_is_one_line(text: str, reason: str) -> None:
    assert cause(ValueError(text)) == reason


def test_a_worker_without_credenza_is_told_how() -> None:
    from pyspark.errors import PythonException

    text = WORKER.format(last="ModuleNotFoundError: No module named 'credenza'")
    with pytest.raises(UsageError) as caught, one_line_errors("suspect"):
        raise PythonException(text)
    assert str(caught.value) == (
        "suspect: a Spark worker cannot import credenza; install it on the workers, or let PYSPARK_PYTHON name an "
        "environment that has it"
    )


def test_other_failures_name_the_table_and_the_cause() -> None:
    from pyspark.errors import PythonException

    with pytest.raises(InputError) as caught, one_line_errors("suspect"):
        raise PythonException(WORKER.format(last="ValueError: boom"))
    assert str(caught.value) == "suspect: Spark could not read it (ValueError: boom); mend or drop what fails"


def test_a_home_of_java_without_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(MissingExtraError) as caught:
        require_java()
    assert str(caught.value) == (
        f"the spark engine needs Java, and JAVA_HOME is {tmp_path}, which holds no bin/java; correct or unset it"
    )


def test_no_java_at_all_is_told_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError) as caught:
        require_java()
    assert str(caught.value) == (
        "the spark engine needs Java 17 or later: JAVA_HOME is not set and no java is on the path; "
        "install one (for example: apt install openjdk-17-jre-headless)"
    )


def test_java_on_the_path_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    fake_java(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    require_java()


def test_pyspark_is_asked_for_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    require_pyspark()
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(
        MissingExtraError, match=r"^the spark engine needs pyspark, .*: pip install 'credenza\[spark\]'$"
    ):
        require_pyspark()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Java is a shell script")
def test_a_java_that_spark_cannot_start_on_is_one_line(tmp_path: Path) -> None:
    fake_java(tmp_path, 'echo "Error: A JNI error has occurred" >&2; echo "	at some.place" >&2; exit 1')
    code = (
        "from credenza.engines.spark_session import start_local\n"
        "try:\n    start_local()\nexcept ValueError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"JAVA_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "Spark does not start (Error: A JNI error has occurred); Spark 4 needs Java 17 or later, "
        "and JAVA_HOME names the Java to use\n"
    )
    assert done.stderr == ""


def test_only_spark_frames_are_spark_frames() -> None:
    class DataFrame:
        __module__ = "elsewhere"

    assert not is_spark_frame(DataFrame())
    assert not is_spark_frame("folder")


def fake_java(home: Path, script: str) -> None:
    java = home / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
