"""Images as pixels and back: formats, modes, containers, and what is refused."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from credenza.data.media_bytes import is_file_column
from credenza.data.pictures import MAX_PIXELS, decode_images, encode_images
from credenza.errors import InputError, MissingExtraError, UsageError

RNG = np.random.default_rng(4)
NOISE = RNG.integers(0, 4, (6, 9, 3), dtype=np.uint8) * 80
SHADE = np.dstack([NOISE, np.where(RNG.random((6, 9)) < 0.5, 0, 255).astype(np.uint8)])
KINDS = ["PNG", "JPEG", "WEBP", "BMP", "GIF"]


def packed(pixels: Any, kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


def said(data: bytes, error: type[Exception] = InputError) -> str:
    with pytest.raises(error) as caught:
        decode_images(pa.array([data]))
    message = str(caught.value)
    assert "\n" not in message
    return message.replace("image in row 0 of 1 ", "")


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    channels=st.sampled_from([0, 3, 4]),
    kind=st.sampled_from(["PNG", "BMP", "WEBP"]),
    seed=st.integers(0, 99),
)
def test_pixels_survive_formats_without_loss(
    height: int, width: int, channels: int, kind: str, seed: int
) -> None:
    if (kind, channels) == ("BMP", 4) or (kind, channels) == ("WEBP", 0):
        channels = 3
    shape = (height, width, channels) if channels else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    like = pa.array([packed(np.zeros((1, 1), np.uint8), kind)])
    (again,) = decode_images(encode_images([pixels], like))
    if channels == 4 and pixels[..., 3].min() == 255:
        pixels = again if again.shape[2] == 4 else pixels[..., :3]
    np.testing.assert_array_equal(again, pixels)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (kind, mode)
        for kind in KINDS
        for mode in ("1", "L", "P", "RGB", "RGBA", "LA")
        if mode not in {"JPEG": ("P", "RGBA", "LA"), "BMP": ("LA",)}.get(kind, ())
    ],
)
def test_decoding_what_was_encoded_gives_the_same(kind: str, mode: str) -> None:
    column = pa.array([packed(SHADE, kind, mode)])
    (pixels,) = decode_images(column)
    coded = encode_images([pixels], column)
    (again,) = decode_images(coded)
    assert Image.open(io.BytesIO(coded[0].as_py())).format == kind
    assert again.shape == pixels.shape
    if kind == "GIF" and pixels.shape[2] == 4:  # which has no colours where it is transparent
        pixels[pixels[..., 3] == 0] = 0
    assert np.abs(again.astype(int) - pixels).max() <= (12 if kind == "JPEG" else 0)


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("1", (6, 9)),
        ("L", (6, 9)),
        ("P", (6, 9, 3)),
        ("RGB", (6, 9, 3)),
        ("LA", (6, 9, 4)),
        ("RGBA", (6, 9, 4)),
    ],
)
def test_modes_become_three_shapes(mode: str, shape: tuple[int, ...]) -> None:
    (pixels,) = decode_images(pa.array([packed(SHADE if "A" in mode else NOISE, "PNG", mode)]))
    assert pixels.shape == shape
    assert pixels.dtype == np.uint8
    if mode == "RGBA":
        np.testing.assert_array_equal(pixels, SHADE)


def test_a_transparent_colour_is_transparency() -> None:
    data = packed(np.array([[7, 8]], np.uint8), transparency=7)
    (pixels,) = decode_images(pa.array([data]))
    assert pixels.tolist() == [[[7, 7, 7, 0], [8, 8, 8, 255]]]


def test_gif_keeps_its_transparent_pixels() -> None:
    column = pa.array([packed(SHADE, "GIF")])
    (pixels,) = decode_images(column)
    assert (pixels[..., 3] == SHADE[..., 3]).all()
    pixels[0, 0] = 1, 2, 3, 255
    (again,) = decode_images(encode_images([pixels], column))
    assert (again[..., 3] == pixels[..., 3]).all()
    seen = pixels[..., 3] == 255
    np.testing.assert_array_equal(again[seen], pixels[seen])


def test_jpeg_stays_sharp_in_colour() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[::2, ::2, 0] = 255  # what chroma subsampling would blur
    column = pa.array([packed(pixels, "JPEG")])
    (again,) = decode_images(encode_images([pixels], column))
    assert np.abs(again.astype(int) - pixels).mean() < 8
    assert Image.open(io.BytesIO(encode_images([pixels], column)[0].as_py())).layer[0][1:3] == (1, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_orientation_and_profile_are_kept_and_not_applied(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    column = pa.array([packed(NOISE, kind, exif=exif, icc_profile=b"profile")])
    (pixels,) = decode_images(column)
    assert pixels.shape == NOISE.shape
    again = Image.open(io.BytesIO(encode_images([pixels], column)[0].as_py()))
    assert again.getexif()[0x0112] == 6
    assert again.info["icc_profile"] == b"profile"


FILES = [packed(NOISE), packed(NOISE[..., 0], "BMP")]


@pytest.mark.parametrize(
    "kind",
    [
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.dictionary(pa.int32(), pa.binary()),
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
        pa.struct([("path", pa.string()), ("bytes", pa.large_binary())]),
        pa.struct([("bytes", pa.binary())]),
    ],
    ids=str,
)
def test_the_arrow_type_is_kept(kind: pa.DataType) -> None:
    if pa.types.is_struct(kind):
        rows = [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(FILES)]
        column = pa.array([{name: row[name] for name in (f.name for f in kind)} for row in rows], kind)
    elif pa.types.is_dictionary(kind):
        column = pa.array(FILES).dictionary_encode()
    else:
        column = pa.array(FILES, kind)
    assert is_file_column(kind)
    for like in (column, pa.chunked_array([column[:1], column[1:]]), column[:2]):
        images = decode_images(like)
        assert [image.shape for image in images] == [(6, 9, 3), (6, 9)]
        coded = encode_images(images, like)
        assert coded.type == kind
        for old, new in zip(images, decode_images(coded), strict=True):
            np.testing.assert_array_equal(old, new)
    if pa.types.is_struct(kind) and kind.get_field_index("path") >= 0:
        assert [row["path"] for row in coded.to_pylist()] == ["0.png", "1.png"]
    sliced = encode_images(decode_images(column.slice(1)), column.slice(1))
    assert len(sliced) == 1


def test_an_empty_column_has_no_images() -> None:
    column = pa.array([], pa.binary())
    assert decode_images(column) == []
    assert encode_images([], column).equals(column)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.list_(pa.uint8()), pa.struct([("path", pa.string())])], ids=str
)
def test_other_columns_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(InputError, match=r"^a column of .* holds no images; give bytes of whole files"):
        decode_images(pa.array([], kind))


def test_missing_values_are_named_by_row_path_or_name() -> None:
    with pytest.raises(InputError, match=r"^image in row 1 of 2 is missing; leave such rows out, or embed"):
        decode_images(pa.array([FILES[0], None]))
    with pytest.raises(InputError, match=r"^image 'a/1\.png' is missing"):
        decode_images(pa.array([FILES[0], None]), names=["0.png", "a/1.png"])
    with pytest.raises(InputError, match=r"^image 'x\.png' is missing"):
        decode_images(
            pa.array([{"bytes": None, "path": "x.png"}], pa.struct([("bytes", pa.binary()), ("path", "str")]))
        )
    with pytest.raises(InputError, match=r"^image in row 0 of 1 is missing"):
        decode_images(pa.array([None], pa.struct([("bytes", pa.binary()), ("path", "str")])))


def test_what_is_no_image_is_refused() -> None:
    unknown = "is not an image that we know; give PNG, JPEG, WebP, BMP or GIF, undamaged"
    assert said(b"") == unknown
    assert said(b"hello") == unknown
    assert said(packed(NOISE, "TIFF")) == unknown


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_images_are_one_line(kind: str) -> None:
    data, rng, messages = packed(NOISE, kind), np.random.default_rng(1), []
    for trial in range(150):
        spoiled = np.frombuffer(data, np.uint8).copy()
        spoiled[rng.integers(0, len(spoiled), 3)] = rng.integers(0, 256, 3)
        try:
            decode_images(pa.array([spoiled.tobytes()[: len(data) if trial % 2 else 2 * trial]]))
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert not any("\n" in message for message in messages)
    if kind != "BMP":
        assert "cut short or damaged" in said(packed(np.tile(NOISE, (9, 9, 1)), kind)[:-40])


def bomb(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_193, 10_000, 60_000])
def test_decompression_bombs_are_refused(side: int) -> None:
    message = said(bomb(side, side))
    assert message.startswith(f"has more than {MAX_PIXELS:,} pixels")
    assert message.endswith("; scale it down")


def test_deep_pixels_are_refused() -> None:
    right = "convert it to greyscale, RGB or RGBA of 8 bits"
    assert said(packed(np.zeros((2, 2), np.uint16))) == f"has 16 bits a channel; {right}"
    head = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    body = zlib.compress(bytes(7))
    deep = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert said(deep) == f"has 16 bits a channel; {right}"
    assert said(packed(NOISE, "JPEG", "CMYK")) == f"has mode CMYK; {right}"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_moving_images_are_refused(kind: str) -> None:
    frames = [Image.fromarray(NOISE), Image.fromarray(255 - NOISE)]
    data = packed(frames[0], kind, save_all=True, append_images=frames[1:])
    assert said(data) == "has 2 frames; give still images"


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda image: image.astype(float), "float64 of shape (6, 9, 3)"),
        (lambda image: image[..., :2], "uint8 of shape (6, 9, 2)"),
        (lambda image: image[:0], "uint8 of shape (0, 9, 3)"),
    ],
)
def test_pixels_of_another_kind_are_refused(change: Callable[[Any], Any], shape: str) -> None:
    with pytest.raises(UsageError) as caught:
        encode_images([change(NOISE)], pa.array(FILES[:1]))
    assert str(caught.value) == (
        f"image in row 0 of 1: its new pixels are {shape}; give uint8 of shape (H, W), (H, W, 3) or (H, W, 4)"
    )


def test_one_image_a_row() -> None:
    with pytest.raises(UsageError, match=r"^1 images for 2 rows; give one a row$"):
        encode_images([NOISE], pa.array(FILES))


@pytest.mark.parametrize("kind", ["JPEG", "BMP"])
def test_formats_without_transparency(kind: str) -> None:
    with pytest.raises(InputError, match=f"is {kind}, which holds no transparency; convert it to PNG$"):
        encode_images([SHADE], pa.array([packed(NOISE, kind)]))


def test_gif_holds_256_colours() -> None:
    many = np.arange(300 * 3).reshape(20, 15, 3).astype(np.uint8)
    many[..., 1] = np.arange(20)[:, None]
    with pytest.raises(
        InputError, match=r"is GIF, which holds 256 colours, and has \d+ now; convert it to PNG$"
    ):
        encode_images([many], pa.array([packed(NOISE, "GIF")]))


def test_images_too_large_for_their_format() -> None:
    with pytest.raises(InputError, match=r"^image in row 0 of 1 cannot be written as WEBP \("):
        encode_images([np.zeros((1, 16_384, 3), np.uint8)], pa.array([packed(NOISE, "WEBP")]))


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"needs Pillow, .*: pip install 'credenza\[images\]'$"):
        decode_images(pa.array(FILES))


def test_photographs_as_they_come() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "cifar10_test.parquet"
    if not path.exists():
        pytest.skip("the photographs of CIFAR-10 are not here")
    column = pq.read_table(path, columns=["image"]).slice(0, 200)["image"]
    images = decode_images(column)
    assert {image.shape for image in images} == {(32, 32, 3)}
    again = decode_images(encode_images(images, column))
    assert np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(images, again, strict=True)]) < 2
