"""A few rounds of ``benchmarks/tampering.py``: every way to tamper is found, and what nobody touched passes."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from credenza.provenance.keys import PrivateKey

FILE = Path(__file__).parent.parent.parent / "benchmarks" / "tampering.py"
ROUNDS = 36
pytestmark = pytest.mark.skipif(os.name == "nt", reason="benchmarks are for Unix")


@pytest.fixture(scope="module")
def tampering() -> Iterator[Any]:
    spec = spec_from_file_location("tampering", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["tampering"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["tampering"]


@pytest.fixture(scope="module")
def stage(tampering: Any, keys: dict[str, PrivateKey], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tampering.scene(tmp_path_factory.mktemp("stage"), keys["mine"], keys["other"])


def test_every_way_to_tamper_is_found(tampering: Any, stage: Any) -> None:
    ways = list(tampering.TAMPERINGS)
    for number in range(ROUNDS):
        place = stage.copy()
        way = ways[number % len(ways)]
        said = tampering.TAMPERINGS[way](place, random.Random(number), stage)
        assert stage.detected(place), (way, said)
        shutil.rmtree(place)


def test_what_nobody_touched_passes(stage: Any) -> None:
    for _ in range(3):
        place = stage.copy()
        assert not stage.detected(place)
        shutil.rmtree(place)
