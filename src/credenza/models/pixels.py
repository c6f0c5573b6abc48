"""Images as networks take them: checked, as floats in [-1, 1], channels first; and back to bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from credenza.errors import InputError
from credenza.models.base import Images

Tensor = Any


def require_images(images: object, *, shape: tuple[int, ...] | None = None, least: int = 1) -> None:
    """Raise InputError unless ``images`` are such as models take.

    Parameters
    ----------
    images : anything. shape : (H, W, C) that they must have; any with C 1 or 3 if None.
    least : pixels a side, at least.

    Examples
    --------
    >>> require_images(np.zeros((2, 16, 16, 3), np.uint8))
    """
    wanted = "images are a uint8 array of shape (n, H, W, 3), or (n, H, W, 1) for grey"
    if not isinstance(images, np.ndarray):
        raise InputError(f"{wanted}; found a {type(images).__name__}")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise InputError(f"{wanted}; found {images.dtype} of shape {images.shape}")
    if min(images.shape[1:3]) < least:
        raise InputError(
            f"images have {least} pixels a side or more; found {images.shape[1]} x {images.shape[2]}"
        )
    if shape is not None and images.shape[1:] != shape:
        raise InputError(f"images of shape {shape} are needed; found {images.shape[1:]}: resize them")


def to_unit(images: Images, device: torch.device) -> Tensor:
    """Images (n, H, W, C) as floats in [-1, 1], (n, C, H, W), channels last in memory.

    >>> to_unit(np.array([[[[0], [255]]]], np.uint8), torch.device("cpu")).flatten().tolist()
    [-1.0, 1.0]
    """
    values = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2)
    return (values.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def to_bytes(values: Tensor) -> Images:
    """What :func:`to_unit` was made of, values outside [-1, 1] cut off.

    >>> to_bytes(torch.tensor([[[[-1.0, 0.5, 7.0]]]])).ravel().tolist()
    [0, 191, 255]
    """
    scaled = ((values.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    found: Images = scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return found
