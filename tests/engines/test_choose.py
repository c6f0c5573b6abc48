"""From a name to an engine."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest

from credenza.engines import ENGINES, CudaEngine, LocalEngine, SparkEngine, get_engine
from credenza.engines.spark_session import find_session
from credenza.errors import MissingExtraError, UsageError


def test_names() -> None:
    assert ENGINES == ("local", "spark", "cuda")
    for name, kind in zip(ENGINES, (LocalEngine, SparkEngine, CudaEngine), strict=True):
        engine = get_engine(name, "folder")
        assert type(engine) is kind
        assert engine.name == name


def test_without_a_name_the_data_decides() -> None:
    assert get_engine(None, "folder").name == "local"
    assert get_engine(None, pa.table({"a": [1]})).name == "local"


def test_an_engine_is_taken_as_it_is() -> None:
    engine = CudaEngine()
    assert get_engine(engine, "folder") is engine


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sparc", "unknown engine 'sparc'; did you mean 'spark'?"),
        ("ray", "unknown engine 'ray'; there are 'local', 'spark', 'cuda'"),
    ],
)
def test_an_unknown_name_is_one_line(name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        get_engine(name)
    assert str(caught.value) == message


def test_spark_for_data_in_memory_needs_a_session() -> None:
    if find_session() is not None:
        pytest.skip("another test has left a Spark session running in this process")
    with pytest.raises(UsageError) as caught:
        get_engine("spark", pa.table({"a": [1]}))
    assert str(caught.value) == (
        "engine 'spark', but no Spark session is active and the data is in this process's memory; "
        "start a session, or give a path or a Spark frame"
    )


def test_a_missing_pyspark_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(MissingExtraError) as caught:
        get_engine("spark", pa.table({"a": [1]}))
    assert str(caught.value) == (
        "the spark engine needs pyspark, which is not installed: pip install 'credenza[spark]'"
    )
