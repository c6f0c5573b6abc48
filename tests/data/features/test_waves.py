from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_sounds import wav

from credenza.data.features import SoundMeasure, sound_features, sound_names
from credenza.errors import InputError, UsageError

EDGES = (250.0, 500.0, 1_000.0, 2_000.0)


def named(rate: int, samples: np.ndarray, edges: tuple[float, ...] = EDGES) -> dict[str, float]:
    return dict(zip(sound_names(edges), sound_features(rate, samples, edges).tolist(), strict=True))


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([300.0, 440.0, 700.0, 1_500.0, 3_000.0]), st.floats(0.01, 1.0))
def test_a_tone_is_in_its_band(frequency: float, amplitude: float) -> None:
    rate = 16_000
    time = np.arange(rate) / rate
    found = named(rate, amplitude * np.sin(2 * np.pi * frequency * time + 0.3)[:, None])
    bands = {name: value for name, value in found.items() if name.startswith("band")}
    loudest = max(bands, key=bands.__getitem__)
    low, high = loudest.removeprefix("band:").split("-")
    assert float(low) <= frequency < (np.inf if high == "up" else float(high))
    wanted = 10 * np.log10(amplitude**2 / 2)
    assert bands[loudest] == pytest.approx(wanted, abs=0.05)
    assert found["loudness"] == pytest.approx(wanted, abs=0.01)
    assert found["crossings"] == pytest.approx(2 * frequency, abs=2)
    assert found["seconds"] == 1


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 9), st.integers(1, 3), st.sampled_from([8_000, 44_100]))
def test_bands_add_up_to_the_whole(seed: int, channels: int, rate: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.1, (30_000, channels))
    found = sound_features(rate, noise, EDGES)
    assert 10 * np.log10(np.sum(10 ** (found[3:] / 10))) == pytest.approx(found[1], abs=0.2)


@pytest.mark.parametrize("count", [1, 2, 100, 2_047, 2_049])
def test_short_sounds_have_all_features(count: int) -> None:
    found = sound_features(8_000, np.full((count, 1), 0.5), EDGES)
    assert np.isfinite(found).all()
    assert found[2] == 0


def test_silence_and_nothing() -> None:
    silence = named(8_000, np.zeros((4_000, 2)))
    assert silence["loudness"] == silence["band:0-250"] == -120
    nothing = named(8_000, np.zeros((0, 1)))
    assert nothing.pop("seconds") == 0
    assert np.isnan(list(nothing.values())).all()


def test_bands_that_the_rate_does_not_reach_are_missing() -> None:
    measure = SoundMeasure(bands=(1_000.0, 6_000.0))
    columns = measure.arrays([measure.read("a.wav", wav(np.zeros(50), 8_000))])
    assert [column.to_pylist()[0] is None for column in columns] == [False] * 5 + [True]


@pytest.mark.parametrize(
    "bands", [(), (0.0,), (500.0, 500.0), (2_000.0, 500.0), (float("inf"),), (float("nan"),)]
)
def test_bands_rise(bands: tuple[float, ...]) -> None:
    with pytest.raises(
        UsageError, match=r"^edges of bands are rising numbers of Hz above 0: found .*500,2000$"
    ):
        SoundMeasure(bands=bands)


def test_what_is_no_sound_is_named() -> None:
    with pytest.raises(InputError, match=r"^sound 'a\.wav' is not a WAV file"):
        SoundMeasure().read("a.wav", b"nothing")
