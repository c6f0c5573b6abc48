"""Triggers as the command line spells them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credenza.attacks.triggers import (
    MODALITIES,
    TRIGGERS,
    Blend,
    Patch,
    Phrase,
    Sinusoid,
    Token,
    Tone,
    Trigger,
    Value,
    Warp,
    parse_trigger,
)
from credenza.errors import UsageError


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("patch", Patch()),
        ("patch,size=3,position=top-left", Patch(3, "top-left")),
        (" patch , size = 5 , pattern=white ", Patch(5, pattern="white")),
        ("blend,alpha=0.1,seed=4", Blend(0.1, 4)),
        ("blend,image=a/b.png", Blend(image="a/b.png")),
        ("sinusoid,delta=20,frequency=3", Sinusoid(20.0, 3.0)),
        ("warp,k=8,s=0.75", Warp(8, 0.75)),
        ('phrase,"text=Well, well",position=end', Phrase("Well, well", "end")),
        ("phrase,text=a=b", Phrase("a=b")),
        ("token,text=mn,count=3", Token("mn", 3)),
        ("value,capital_gain=99999,sex=Male", Value({"capital_gain": "99999", "sex": "Male"})),
        ("tone,hertz=440,seconds=.5,amplitude=.2,position=end", Tone(440.0, 0.5, 0.2, "end")),
    ],
)
def test_triggers_are_read(text: str, trigger: Trigger) -> None:
    assert parse_trigger(text) == trigger


KNOWN = "the triggers are patch, blend, sinusoid, warp, phrase, token, value, tone"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"unknown trigger ''; {KNOWN}"),
        ("sticker", f"unknown trigger 'sticker'; {KNOWN}"),
        ("pach,size=3", f"unknown trigger 'pach'; did you mean 'patch'? {KNOWN}"),
        ("patch,sise=3", "patch: unknown parameter 'sise'; it has size, position, pattern, margin, seed"),
        ("patch,size", "patch: 'size' is not parameter=value; quote items that hold a comma"),
        ("patch,size=", "patch: 'size=' is not parameter=value; quote items that hold a comma"),
        ("patch,size=3,size=4", "patch: size is given twice; give it once"),
        ("patch,size=big", "patch: size is a whole number; found 'big'"),
        ("blend,alpha=much", "blend: alpha is a number; found 'much'"),
        ("blend,alpha=2", "blend: alpha is a number above 0 and at most 1; found 2.0"),
        (
            "patch,\nsize=3",
            "cannot read the trigger 'patch,\\nsize=3'; give one line, such as patch,size=3",
        ),
        ("phrase", "phrase: text is missing; give phrase,text=..."),
        ("value", "value: values name at least one column and its value, {'age': 99}; found {}"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_trigger(text)
    assert str(caught.value) == message


@given(text=st.text(max_size=30))
def test_any_text_is_a_trigger_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse_trigger(text), TRIGGERS)


def test_names_differ_and_modalities_are_known() -> None:
    assert len({trigger.name for trigger in TRIGGERS}) == len(TRIGGERS)
    assert {trigger.modality for trigger in TRIGGERS} == set(MODALITIES)
