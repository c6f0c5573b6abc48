"""Sounds as samples and back: every sample format, chunks that are kept, and what is refused."""

from __future__ import annotations

import io
import struct
import wave
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from credenza.data.sounds import decode_sounds, encode_sounds
from credenza.errors import InputError, UsageError

FORMATS = [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)]
RIGHT = "convert it to WAV with PCM of 8, 16, 24 or 32 bits, or float"


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def form(
    tag: int = 1, channels: int = 1, rate: int = 8_000, bits: int = 16, frame: int | None = None
) -> bytes:
    frame = channels * bits // 8 if frame is None else frame
    return struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def sound(samples: bytes, **what: Any) -> bytes:
    return riff(chunk(b"fmt ", form(**what)), chunk(b"data", samples))


def said(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode_sounds(pa.array([data]))
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix("sound in row 0 of 1 ")


@settings(deadline=None)
@given(
    layout=st.sampled_from(FORMATS),
    channels=st.integers(1, 3),
    frames=st.integers(0, 30),
    seed=st.integers(0, 99),
)
def test_what_is_not_changed_comes_out_bit_for_bit(
    layout: tuple[int, int], channels: int, frames: int, seed: int
) -> None:
    tag, bits = layout
    rng = np.random.default_rng(seed)
    if tag == 3:
        samples = rng.normal(size=frames * channels).astype(f"<f{bits // 8}").tobytes()
    else:
        samples = rng.bytes(frames * channels * bits // 8)
    column = pa.array([sound(samples, tag=tag, channels=channels, bits=bits)])
    ((rate, values),) = decode_sounds(column)
    assert (rate, values.shape, values.dtype) == (8_000, (frames, channels), np.float64)
    if tag == 1:
        assert np.abs(values).max(initial=0) <= 1
    assert encode_sounds([(rate, values)], column).equals(column)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_values_are_those_of_scipy(dtype: type) -> None:
    rng, file = np.random.default_rng(2), io.BytesIO()
    if issubclass(dtype, np.integer):
        limits = np.iinfo(dtype)
        samples = rng.integers(limits.min, limits.max, (50, 2), dtype=dtype, endpoint=True)
        wanted = samples / 128.0 - 1 if dtype is np.uint8 else samples / -float(limits.min)
    else:
        wanted = samples = rng.normal(size=(50, 2)).astype(dtype)
    wavfile.write(file, 16_000, samples)
    ((rate, values),) = decode_sounds(pa.array([file.getvalue()]))
    assert rate == 16_000
    np.testing.assert_array_equal(values, wanted)


def test_24_bits_are_those_of_scipy() -> None:
    data = sound(np.random.default_rng(3).bytes(300), bits=24)
    ((_, values),) = decode_sounds(pa.array([data]))
    np.testing.assert_array_equal(values[:, 0], wavfile.read(io.BytesIO(data))[1] / 2.0**31)


@pytest.mark.parametrize("layout", FORMATS)
def test_the_standard_library_reads_what_is_written(layout: tuple[int, int]) -> None:
    tag, bits = layout
    column = pa.array([sound(bytes(bits // 8 * 4), tag=tag, bits=bits)])
    tone = np.sin(np.arange(4.0))[:, None]
    (data,) = encode_sounds([(8_000, tone)], column).to_pylist()
    ((_, again),) = decode_sounds(pa.array([data]))
    assert np.abs(again - tone).max() <= (0.5 / 2 ** (bits - 1) if tag == 1 else 1e-7)
    if tag == 1:
        with wave.open(io.BytesIO(data)) as file:
            assert (file.getnframes(), file.getsampwidth(), file.getframerate()) == (4, bits // 8, 8_000)


def test_whole_numbers_are_clipped_and_floats_are_not() -> None:
    loud = (8_000, np.array([[2.0], [-2.0], [0.0]]))
    for tag, bits in FORMATS:
        column = pa.array([sound(bytes(bits // 8 * 3), tag=tag, bits=bits)])
        ((_, values),) = decode_sounds(encode_sounds([loud], column))
        top = 2.0 if tag == 3 else 1 - 2.0 ** (1 - bits)
        assert values.ravel().tolist() == [top, -2.0 if tag == 3 else -1.0, 0.0]


def test_other_chunks_stay_and_sizes_follow() -> None:
    before, after = chunk(b"LIST", b"odd"), chunk(b"cue ", b"after")
    data = riff(
        chunk(b"JUNK", b"123"), chunk(b"fmt ", form(bits=8)), before, chunk(b"data", b"\x80\x80\x80"), after
    )
    for frames in (2, 3, 4):
        (new,) = encode_sounds([(8_000, np.zeros((frames, 1)))], pa.array([data])).to_pylist()
        assert struct.unpack_from("<I", new, 4)[0] == len(new) - 8
        assert before in new
        assert new.endswith(after)
        assert decode_sounds(pa.array([new]))[0][1].shape == (frames, 1)
        if frames == 3:
            assert new == data


def test_extensible_headers_are_read() -> None:
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    long = form(tag=0xFFFE, bits=24) + struct.pack("<HHI", 22, 24, 4) + guid
    column = pa.array([riff(chunk(b"fmt ", long), chunk(b"data", bytes(5) + b"\x40"))])
    ((_, values),) = decode_sounds(column)
    assert values.ravel().tolist() == [0.0, 0.5]
    assert encode_sounds([(8_000, values)], column).equals(column)


def test_a_stream_of_unknown_length_ends_with_the_file() -> None:
    data = riff(chunk(b"fmt ", form()), chunk(b"data", bytes(6), 0xFFFFFFFF))
    column = pa.array([data])
    ((_, values),) = decode_sounds(column)
    assert values.shape == (3, 1)
    (new,) = encode_sounds([(8_000, values)], column).to_pylist()
    assert new == sound(bytes(6))


def test_half_a_frame_at_the_end_is_none() -> None:
    ((_, values),) = decode_sounds(pa.array([sound(bytes(7), channels=2)]))
    assert values.shape == (1, 2)


def test_structs_keep_their_paths() -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    column = pa.array([{"bytes": sound(bytes(4)), "path": "a.wav"}], kind)
    ((rate, values),) = decode_sounds(column)
    again = encode_sounds([(rate, values + 0.5)], column)
    assert again.type == kind
    assert again.to_pylist()[0]["path"] == "a.wav"
    assert decode_sounds(again)[0][1].tolist() == [[0.5], [0.5]]


def test_what_is_no_wav_is_refused() -> None:
    assert said(b"") == f"is not a WAV file; {RIGHT}"
    assert said(b"fLaC" + bytes(40)) == f"is not a WAV file; {RIGHT}"
    assert said(sound(bytes(4), tag=6, bits=8)) == f"has samples of format 6 with 8 bits; {RIGHT}"
    assert said(sound(bytes(4), bits=12)) == f"has samples of format 1 with 12 bits; {RIGHT}"


def test_damaged_files_are_refused() -> None:
    whole = sound(bytes(40))
    assert said(whole[:-10]) == "is cut short: 40 bytes of samples are announced, 30 are there"
    assert said(whole[:40]).startswith("has no samples (no chunk 'data'); it may be cut short")
    assert said(riff(chunk(b"data", bytes(4)))).startswith(
        "does not say what its samples are (no chunk 'fmt ')"
    )
    for wrong in ({"channels": 0}, {"rate": 0}, {"frame": 3}):
        assert said(sound(bytes(12), **wrong)).endswith(" bytes; write it again")
    endless = sound(np.array([np.nan, 1], "<f4").tobytes(), tag=3, bits=32)
    assert said(endless) == "holds samples that are not finite; write it again without them"
    rng = np.random.default_rng(5)
    for _ in range(300):
        spoiled = np.frombuffer(whole, np.uint8).copy()
        spoiled[rng.integers(0, 44, 3)] = rng.integers(0, 256, 3)
        try:
            decode_sounds(pa.array([spoiled.tobytes()]))
        except InputError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ((8_000, np.zeros(4)), "its new samples have shape (4,); give (samples, 1), one column a channel"),
        (
            (8_000, np.zeros((4, 2))),
            "its new samples have shape (4, 2); give (samples, 1), one column a channel",
        ),
        ((8_000, np.full((4, 1), np.inf)), "its new samples are not all finite; give numbers from -1 to 1"),
    ],
)
def test_samples_of_another_kind_are_refused(new: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        encode_sounds([new], pa.array([sound(bytes(4))]))
    assert str(caught.value) == f"sound in row 0 of 1: {message}"


def test_sounds_longer_than_wav_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credenza.data.sounds._MOST", 50)
    with pytest.raises(
        InputError, match=r"^sound in row 0 of 1 has 56 bytes now, more than WAV allows; cut it"
    ):
        encode_sounds([(8_000, np.zeros((10, 1)))], pa.array([sound(bytes(4))]))


def test_the_rate_is_kept_and_rows_match() -> None:
    column = pa.array([sound(bytes(4))])
    with pytest.raises(
        UsageError, match=r"^sound 'a\.wav' has 8,000 Hz and its new samples 16,000; keep the rate$"
    ):
        encode_sounds([(16_000, np.zeros((4, 1)))], column, names=["a.wav"])
    with pytest.raises(UsageError, match=r"^0 sounds for 1 rows; give one a row$"):
        encode_sounds([], column)
    with pytest.raises(InputError, match=r"^sound in row 0 of 1 is missing; leave such rows out"):
        decode_sounds(pa.array([None], pa.binary()))
