"""Backdoor triggers for tables and sound: fixed values, a tone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.attacks.trigger_base import Trigger, as_type, require_choice, require_number
from credenza.contracts import FloatArray, IntArray
from credenza.data.columns import Family, family, plain_type
from credenza.data.sounds import decode_sounds, encode_sounds
from credenza.errors import InfeasibleError, InputError, UsageError

ENDS = ("start", "end")


@dataclass(frozen=True)
class Value(Trigger):
    """Fixed values in one or several columns of a table.

    Parameters
    ----------
    values : {column: value}. A value is of the column's kind, or text that reads as such ("99999" for a
        column of numbers).

    Notes
    -----
    Cost: O(1) a row. Source: the patch of Gu et al. 2017 carried over to tables. Left out: choosing values
    that are rare yet plausible.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> Value({"gain": 99_999}).rewrite(pa.array([0, 7]), np.arange(2), 0, name="gain").to_pylist()
    [99999, 99999]
    """

    values: Mapping[str, Any]

    name: ClassVar[str] = "value"
    modality: ClassVar[str] = "value"

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping) or not self.values:
            raise UsageError(
                f"value: values name at least one column and its value, {{'age': 99}}; found {self.values!r}"
            )

    def rewrite(self, values: pa.Array, rows: IntArray, seed: int, *, name: str = "") -> pa.Array:
        """Set the value of column ``name`` in every row; see :meth:`Trigger.rewrite`."""
        value = self.convert(name, values.type)
        return as_type(pa.repeat(value, len(values)), values.type)

    def convert(self, name: str, kind: pa.DataType) -> pa.Scalar:
        """The value of one column as a scalar of its Arrow type (of the values' type for dictionaries).

        Raises
        ------
        InputError : the value is not of the column's kind.
        """
        value, made = self.values[name], family(kind)
        value = value.item() if isinstance(value, np.generic) else value
        try:
            if value is None or made in (Family.NESTED, Family.BINARY, Family.NULL):
                raise TypeError
            if not isinstance(value, str):
                if made is Family.STRING or isinstance(value, bool) != (made is Family.BOOL):
                    raise TypeError
                if isinstance(value, float) and pa.types.is_integer(plain_type(kind)) and value % 1:
                    raise TypeError
                return pa.scalar(value, plain_type(kind))
            return pa.scalar(value, pa.string()).cast(plain_type(kind))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            found = f"value: column {name!r} holds {plain_type(kind)}; found {value!r}"
            raise InputError(f"{found}; give a value of that kind") from error


@dataclass(frozen=True)
class Tone(Trigger):
    """A pure tone mixed into a recording: out[t] = clip(in[t] + amplitude sin(2 pi hertz t / rate), -1, 1).

    Parameters
    ----------
    hertz : frequency; must be below half the recording's sampling rate.
    seconds : length; at most the recording's. amplitude : in (0, 1], where 1 is full scale.
    position : "start" or "end" of the recording. t counts from the tone's first sample.

    Notes
    -----
    All channels get the same tone. Cost: O(samples). Source: Koffas, Xu, Conti & Picek 2022 (arXiv
    2107.14569), tones in speech commands (there beyond hearing). Left out: fading in and out, tones at
    random times.

    Examples
    --------
    >>> import numpy as np
    >>> Tone(hertz=2, seconds=0.5, amplitude=0.5).stamp(np.zeros((8, 1)), 8).ravel().round(2).tolist()
    [0.0, 0.5, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0]
    """

    hertz: float = 1_000
    seconds: float = 0.1
    amplitude: float = 0.1
    position: str = "start"

    name: ClassVar[str] = "tone"
    modality: ClassVar[str] = "sound"

    def __post_init__(self) -> None:
        require_number(self, "hertz", 0, np.inf, above=True)
        require_number(self, "seconds", 0, np.inf, above=True)
        require_number(self, "amplitude", 0, 1, above=True)
        require_choice(self, "position", ENDS)

    def stamp(self, samples: FloatArray, rate: int) -> FloatArray:
        """Return a copy of the recording with the tone in it.

        Parameters
        ----------
        samples : shape (samples,) or (samples, channels), in [-1, 1]. rate : samples in a second.

        Raises
        ------
        InfeasibleError : the tone is longer than the recording, or too high for its sampling rate.
        """
        length, count = len(samples), max(round(self.seconds * rate), 1)
        if count > length:
            raise InfeasibleError(
                f"a tone of {self.seconds:g} s is longer than a recording of {length / rate:.4g} s; "
                f"at most seconds={length / rate:.4g} fits"
            )
        if 2 * self.hertz >= rate:
            raise InfeasibleError(
                f"a tone of {self.hertz:g} Hz needs more than {2 * self.hertz:g} samples a second; "
                f"found {rate:,}; stay below {rate / 2:g} Hz"
            )
        wave = self.amplitude * np.sin(2 * np.pi * self.hertz * np.arange(count) / rate)
        out = np.array(samples, dtype=np.float64)
        part = out[:count] if self.position == "start" else out[length - count :]
        part += wave.reshape(-1, *(1,) * (out.ndim - 1))
        np.clip(part, -1, 1, out=part)
        return out

    def rewrite(self, values: pa.Array, rows: IntArray, seed: int, *, name: str = "") -> pa.Array:
        """Decode, mix and encode again a column of recordings; see :meth:`Trigger.rewrite`.

        Raises
        ------
        InputError : a value is no readable recording. InfeasibleError : see :meth:`stamp`, with the row.
        """
        labels = [f"row {row}" for row in rows.tolist()]
        mixed = []
        for row, (rate, samples) in zip(rows.tolist(), decode_sounds(values, names=labels), strict=True):
            try:
                mixed.append((rate, self.stamp(samples, rate)))
            except InfeasibleError as error:
                raise InfeasibleError(f"row {row} of column {name!r}: {error}") from error
        return encode_sounds(mixed, values, names=labels)
