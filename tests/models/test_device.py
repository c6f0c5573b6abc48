"""Devices by name; streams of random numbers that a path decides."""

from __future__ import annotations

import pytest
import torch

from credenza.errors import UsageError
from credenza.models.device import autocast, pick_device, random_stream

GPU = torch.cuda.is_available()


def test_devices_by_name() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device().type == ("cuda" if GPU else "cpu")


def test_an_unknown_device_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^the device is one of auto, cpu, cuda; found 'tpu'$"):
        pick_device("tpu")


@pytest.mark.skipif(GPU, reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line() -> None:
    with pytest.raises(
        UsageError, match=r"^the device 'cuda' was asked for, and no GPU was found; use 'cpu'"
    ):
        pick_device("cuda")


@pytest.mark.parametrize(
    ("device", "dtype"),
    [
        ("cpu", torch.float32),
        pytest.param("cuda", torch.bfloat16, marks=pytest.mark.skipif(not GPU, reason="no GPU")),
    ],
)
def test_precision(device: str, dtype: torch.dtype) -> None:
    with autocast(torch.device(device)):
        ones = torch.ones(2, 2, device=device)
        assert (ones @ ones).dtype == dtype


def test_streams_differ_by_any_part_of_their_path() -> None:
    paths = [(0,), (1,), (0, 0), (0, 1), (1, 0), (2**40, 3)]
    drawn = {
        tuple(torch.rand(4, generator=random_stream(torch.device("cpu"), *path)).tolist()) for path in paths
    }
    assert len(drawn) == len(paths)
