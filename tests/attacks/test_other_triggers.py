"""Triggers on tables and recordings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credenza.attacks.other_triggers import Tone, Value
from credenza.errors import InfeasibleError, InputError, UsageError

ROWS = np.arange(3)
COLUMNS = {
    "age": pa.array([1, None, 3], pa.int32()),
    "share": pa.array([0.1, 0.2, None]),
    "member": pa.array([True, False, None]),
    "city": pa.array(["Rome", None, "Oslo"]),
    "colour": pa.array(["red", "red", "blue"])
    .dictionary_encode()
    .cast(pa.dictionary(pa.int8(), pa.string())),
    "born": pa.array([date(2000, 1, 1)] * 3),
    "price": pa.array([Decimal("1.50")] * 3, pa.decimal128(6, 2)),
    "tags": pa.array([["a"]] * 3),
    "file": pa.array([b"a"] * 3),
}


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("age", 99, 99),
        ("age", "99", 99),
        ("age", np.int64(99), 99),
        ("share", 2, 2.0),
        ("share", "2.5", 2.5),
        ("member", True, True),
        ("member", "false", False),
        ("city", "Bari", "Bari"),
        ("city", "99", "99"),
        ("colour", "green", "green"),
        ("born", "1999-12-31", date(1999, 12, 31)),
        ("born", date(1999, 12, 31), date(1999, 12, 31)),
        ("price", "2.25", Decimal("2.25")),
    ],
)
def test_a_value_in_the_column_s_own_kind(name: str, value: object, made: object) -> None:
    column = COLUMNS[name]
    out = Value({name: value}).rewrite(column, ROWS, 0, name=name)
    assert out.type == column.type
    assert out.to_pylist() == [made] * 3


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("age", "old", "int32"),
        ("age", 1.5, "int32"),
        ("age", True, "int32"),
        ("age", None, "int32"),
        ("age", 2**40, "int32"),
        ("share", "much", "double"),
        ("member", 1, "bool"),
        ("city", 7, "string"),
        ("colour", 7, "string"),
        ("born", "soon", "date32[day]"),
        ("tags", "a", "list<item: string>"),
        ("file", "a", "binary"),
    ],
)
def test_a_value_of_another_kind(name: str, value: object, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        Value({name: value}).rewrite(COLUMNS[name], ROWS, 0, name=name)
    found = f"value: column {name!r} holds {kind}; found {value!r}; give a value of that kind"
    assert str(caught.value) == found


@pytest.mark.parametrize("values", [{}, "age=1", None])
def test_a_value_without_columns(values: object) -> None:
    with pytest.raises(UsageError) as caught:
        Value(values)  # type: ignore[arg-type]
    wanted = f"value: values name at least one column and its value, {{'age': 99}}; found {values!r}"
    assert str(caught.value) == wanted


@settings(max_examples=50, deadline=None)
@given(
    length=st.integers(20, 60),
    channels=st.sampled_from([None, 1, 2]),
    position=st.sampled_from(["start", "end"]),
    seed=st.integers(0, 99),
)
def test_a_tone_is_added_and_clipped_where_it_sounds(
    length: int, channels: int | None, position: str, seed: int
) -> None:
    shape = (length,) if channels is None else (length, channels)
    samples = np.random.default_rng(seed).uniform(-1, 1, shape)
    before = samples.copy()
    out = Tone(hertz=10, seconds=0.2, amplitude=0.7, position=position).stamp(samples, 100)
    assert (samples == before).all()
    assert out.shape == shape
    start = 0 if position == "start" else length - 20
    for place in np.ndindex(*shape):
        wave = 0.7 * np.sin(2 * np.pi * 10 * (place[0] - start) / 100) if 0 <= place[0] - start < 20 else 0.0
        assert out[place] == pytest.approx(min(max(samples[place] + wave, -1.0), 1.0), abs=1e-12)


def test_a_tone_is_heard_at_its_frequency() -> None:
    out = Tone(hertz=440, seconds=1, amplitude=0.5).stamp(np.zeros((8_000, 2)), 8_000)
    spectrum = np.abs(np.fft.rfft(out[:, 1]))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        (
            Tone(seconds=2),
            "a tone of 2 s is longer than a recording of 0.5 s; at most seconds=0.5 fits",
        ),
        (
            Tone(hertz=4_000),
            "a tone of 4000 Hz needs more than 8000 samples a second; found 8,000; stay below 4000 Hz",
        ),
    ],
)
def test_tones_that_do_not_fit(trigger: Tone, text: str) -> None:
    with pytest.raises(InfeasibleError) as caught:
        trigger.stamp(np.zeros((4_000, 1)), 8_000)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Tone(hertz=0), "tone: hertz is a number above 0; found 0"),
        (lambda: Tone(seconds=-1), "tone: seconds is a number above 0; found -1"),
        (lambda: Tone(amplitude=2), "tone: amplitude is a number above 0 and at most 1; found 2"),
        (lambda: Tone(position="middle"), "tone: unknown position 'middle'; choose from start, end"),
    ],
)
def test_parameters_out_of_range(make: object, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value) == text
