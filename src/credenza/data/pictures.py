"""Images in Arrow columns: bytes of PNG, JPEG, WebP, BMP or GIF files as pixels, and pixels as such bytes again.

Pillow does the decoding; it is loaded when the first image is.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data.media_bytes import file_contents, require_one_each, with_contents
from credenza.data.write import one_line
from credenza.errors import InputError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MAX_PIXELS = 1 << 26  # 67 million: 8,192 x 8,192; a small file can unpack to any size
JPEG_QUALITY = 95
_DECODED = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA", "LA": "RGBA", "PA": "RGBA"}
_TROUBLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
_GIF_COLOURS = 256
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": JPEG_QUALITY, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}


def decode_images(column: pa.Array | pa.ChunkedArray, *, names: Sequence[str] | None = None) -> list[Pixels]:
    """Return the pixels of every image of a column.

    Parameters
    ----------
    column : bytes of whole image files (binary of any width), or Hugging Face structs of bytes and path.
    names : what messages call each image; default: its path, or its row.

    Returns
    -------
    list of uint8 arrays, one a row, values 0-255: (H, W) for greyscale (also of 1 bit), (H, W, 3) for RGB and
    palettes, (H, W, 4) for anything with transparency. Pixels lie as they are stored: an orientation in EXIF is
    not applied (and is kept by :func:`encode_images`).

    Raises
    ------
    InputError : a value is missing, is no image of a known format or a damaged one, has several frames, more than
        ``MAX_PIXELS``, or pixels that 8 bits of grey or RGB cannot hold (16 bits a channel, CMYK, floats).
    MissingExtraError : Pillow is not installed.

    Notes
    -----
    Left out: 16-bit greyscale (rounding it to 8 bits would change every pixel of what should be one edit), TIFF.
    Memory: all images of the column at once; go batch by batch. Cost: 0.2 ms for 32 x 32, 20-80 ms a megapixel.

    Examples
    --------
    >>> grey = np.array([[0, 255]], np.uint8)
    >>> bitmap = b"BM" + bytes([62, 0, 0, 0, 0, 0, 0, 0, 62, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1])
    >>> bitmap = bitmap.ljust(54, b"\\0") + bytes([0, 0, 0, 0, 255, 255, 255, 0]) + bytes([0b01000000, 0, 0, 0])
    >>> decode_images(pa.array([bitmap]))
    [array([[  0, 255]], dtype=uint8)]
    """
    with _bombs_refused():
        return [_pixels(label, data) for label, data in file_contents(column, "image", names)]


def encode_images(
    images: Sequence[Pixels], like: pa.Array | pa.ChunkedArray, *, names: Sequence[str] | None = None
) -> pa.Array:
    """Return images as bytes: the Arrow type of ``like``, and each in the file format of its original there.

    PNG, BMP, WebP and GIF are written without loss, JPEG at quality 95 without chroma subsampling. The colour
    profile and the EXIF block of the original are kept; other metadata (text, resolution) is lost.

    Parameters
    ----------
    images : uint8 arrays of shape (H, W), (H, W, 3) or (H, W, 4), one a row of ``like``.
    like : the original column. names : what messages call each image.

    Raises
    ------
    UsageError : not as many images as rows, or an array of another type or shape.
    InputError : an original is not an image, or its format cannot hold the pixels (transparency in JPEG or BMP,
        more than 256 colours in GIF).
    MissingExtraError : Pillow is not installed.

    Examples
    --------
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (4, 3)).save(file, "PNG")
    >>> column = pa.array([file.getvalue()])
    >>> (pixels,) = decode_images(column)
    >>> pixels[0, 0] = 255, 0, 0
    >>> (again,) = decode_images(encode_images([pixels], column))
    >>> again.shape, again[0, 0].tolist()
    ((3, 4, 3), [255, 0, 0])
    """
    require_one_each(images, like, "image")
    encoded = []
    with _bombs_refused():
        for (label, data), pixels in zip(file_contents(like, "image", names), images, strict=True):
            _require_pixels(pixels, label)
            encoded.append(_file_of(pixels, label, data))
    return with_contents(like, encoded)


def _pillow() -> ModuleType:
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise MissingExtraError(
            "reading images needs Pillow, which is not installed: pip install 'credenza[images]'"
        ) from error


@contextmanager
def _bombs_refused() -> Iterator[None]:
    """Let Pillow's warning of huge images be an error, which :func:`_opened` words as one of ours."""
    bomb = _pillow().DecompressionBombWarning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a corrupt EXIF block, which changes no pixel
        warnings.simplefilter("error", bomb)
        yield


def _opened(label: str, data: bytes) -> Image:
    """Read the head of an image file, and refuse what must not or cannot be decoded."""
    pillow = _pillow()
    try:
        image: Image = pillow.open(io.BytesIO(data), formats=IMAGE_FORMATS)
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise InputError(f"{label} {_too_large('')}") from error
    except pillow.UnidentifiedImageError as error:
        raise InputError(
            f"{label} is not an image that we know; give PNG, JPEG, WebP, BMP or GIF, undamaged"
        ) from error
    except _TROUBLE as error:
        raise InputError(_damaged(label, error)) from error
    if image.width * image.height > MAX_PIXELS:
        raise InputError(f"{label} {_too_large(f' ({image.width:,} x {image.height:,})')}")
    frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
    if frames > 1:
        raise InputError(f"{label} has {frames:,} frames; give still images")
    deep = image.format == "PNG" and data[24:25] == b"\x10"
    if deep or image.mode not in _DECODED:
        held = "16 bits a channel" if deep or image.mode.startswith("I") else f"mode {image.mode}"
        raise InputError(f"{label} has {held}; convert it to greyscale, RGB or RGBA of 8 bits")
    return image


def _pixels(label: str, data: bytes) -> Pixels:
    image = _opened(label, data)
    try:
        image.load()
        plain = (
            "RGB" if image.format == "GIF" else _DECODED[image.mode]
        )  # Pillow calls some grey palettes grey
        return np.array(image.convert("RGBA" if image.has_transparency_data else plain))
    except _TROUBLE as error:
        raise InputError(_damaged(label, error)) from error


def _damaged(label: str, error: BaseException) -> str:
    return f"{label} cannot be decoded ({one_line(error).rstrip('.')}); it may be cut short or damaged"


def _too_large(size: str) -> str:
    return f"has more than {MAX_PIXELS:,} pixels{size}; scale it down"


def _require_pixels(pixels: Pixels, label: str) -> None:
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not shaped or pixels.size == 0:
        raise UsageError(
            f"{label}: its new pixels are {pixels.dtype} of shape {pixels.shape}; "
            "give uint8 of shape (H, W), (H, W, 3) or (H, W, 4)"
        )


def _file_of(pixels: Pixels, label: str, data: bytes) -> bytes:
    original = _opened(label, data)
    kind = "JPEG" if original.format == "MPO" else str(original.format)
    if kind in ("JPEG", "BMP") and pixels.shape[2:] == (4,):
        raise InputError(f"{label} is {kind}, which holds no transparency; convert it to PNG")
    options: dict[str, Any] = {
        name: original.info[name] for name in ("exif", "icc_profile") if original.info.get(name)
    }
    options.update(_OPTIONS.get(kind, {}))
    image = _paletted(pixels, label) if kind == "GIF" else _pillow().fromarray(np.ascontiguousarray(pixels))
    file = io.BytesIO()
    try:
        image.save(file, kind, **options)
    except _TROUBLE as error:
        raise InputError(f"{label} cannot be written as {kind} ({one_line(error).rstrip('.')})") from error
    return file.getvalue()


def _paletted(pixels: Pixels, label: str) -> Image:
    """An image of palette entries with exactly these colours; everything transparent is one of them."""
    height, width = pixels.shape[:2]
    flat = pixels.reshape(height * width, -1)
    colours = np.full((len(flat), 4), 255, np.uint8)
    colours[:, : max(flat.shape[1], 3)] = flat
    colours[:, 3] = np.where(colours[:, 3] < 128, 0, 255)
    colours[colours[:, 3] == 0] = 0
    palette, codes = np.unique(colours.view("<u4").ravel(), return_inverse=True)
    if len(palette) > _GIF_COLOURS:
        raise InputError(
            f"{label} is GIF, which holds {_GIF_COLOURS} colours, and has {len(palette):,} now; convert it to PNG"
        )
    image: Image = _pillow().fromarray(codes.astype(np.uint8).reshape(height, width))
    image.putpalette(
        palette.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    )  # turns grey into a palette's codes
    if palette[0] == 0:
        image.info["transparency"] = 0
    return image
