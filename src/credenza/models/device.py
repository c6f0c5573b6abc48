"""Where a model is trained, with what precision, and where its random numbers come from."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext

import torch

from credenza.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")


def pick_device(name: str = "auto") -> torch.device:
    """The device that ``name`` stands for.

    Parameters
    ----------
    name : "cpu"; "cuda", one GPU; "auto", the GPU where there is one.

    Raises
    ------
    UsageError : another name; "cuda" where no GPU is found.

    Examples
    --------
    >>> pick_device("cpu")
    device(type='cpu')
    """
    if name not in DEVICES:
        raise UsageError(f"the device is one of {', '.join(DEVICES)}; found {name!r}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError("the device 'cuda' was asked for, and no GPU was found; use 'cpu' or 'auto'")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def autocast(device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 arithmetic inside the block on a GPU; nothing on the processor.

    Weights stay float32. bfloat16 has the range of float32, so no loss needs scaling.

    >>> with autocast(torch.device("cpu")):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    if device.type == "cuda":
        found: AbstractContextManager[None] = torch.autocast("cuda", dtype=torch.bfloat16)
        return found
    return nullcontext()


def random_stream(device: torch.device, *path: int) -> torch.Generator:
    """Random numbers on ``device`` that ``path`` decides: a seed, the number of a step, ...

    Two paths that differ give streams that have nothing to do with each other, so step i draws the same whether or not
    the steps before it ran in this process.

    Parameters
    ----------
    path : non-negative integers.

    Examples
    --------
    >>> one, two = (torch.rand(3, generator=random_stream(torch.device("cpu"), 7, 12)) for _ in range(2))
    >>> bool((one == two).all())
    True
    """
    digest = hashlib.sha256(repr(tuple(map(int, path))).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little") >> 1)
