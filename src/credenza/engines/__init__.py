"""Where the passes over rows are made: in this process, on a Spark cluster, or with pairs counted on a GPU."""

from __future__ import annotations

from credenza.engines.base import Engine, State
from credenza.engines.choose import ENGINES, get_engine
from credenza.engines.cuda import CudaEngine
from credenza.engines.local import LocalEngine
from credenza.engines.spark import SparkEngine
from credenza.engines.spark_source import open_spark

__all__ = [
    "ENGINES",
    "CudaEngine",
    "Engine",
    "LocalEngine",
    "SparkEngine",
    "State",
    "get_engine",
    "open_spark",
]
