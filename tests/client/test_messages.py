"""Headers and bodies: what is read back is what was sent, and what is too much is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.client.messages import (
    MAX_BYTES,
    MAX_DEPTH,
    BadMessage,
    ProtocolMismatch,
    decode,
    encode,
    header,
    major,
    pack,
    unpack,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_is_packed_is_unpacked(body: dict[str, object]) -> None:
    mine = header("probe", id="1", session="s", engine_id="e")
    message = unpack(pack(mine, body))
    assert message.header == mine
    assert message.body == body


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_named_error(raw: bytes) -> None:
    try:
        unpack([raw, raw])
    except BadMessage:
        return
    raise AssertionError("no header fits in a body of the same bytes, as it needs a type and a version")


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_depth_is_bounded() -> None:
    assert decode(nested(MAX_DEPTH)) == json.loads(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(BadMessage):
            decode(nested(depth))


def test_size_is_bounded_both_ways() -> None:
    with pytest.raises(BadMessage):
        encode({"a": "x" * MAX_BYTES})
    with pytest.raises(BadMessage):
        decode(b'"' + b"x" * MAX_BYTES + b'"')


@pytest.mark.parametrize(
    "raw", [b"[]", b"1", b'{"a":NaN}', b'{"a":Infinity}', b"", b"\xff", b'{"a":' + b"9" * 5000 + b"}"]
)
def test_no_object(raw: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(raw)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"v": "1.0"},
        {"v": "1.0", "type": ""},
        {"v": 1, "type": "ping"},
        {"v": "1.0", "type": "x" * 1000},
        {"v": "1.0", "type": "ping", "time": True},
        {"v": "1.0", "type": "ping", "time": "now"},
    ],
)
def test_no_header(head: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        unpack([json.dumps(head).encode(), b"{}"])


def test_a_message_has_two_frames() -> None:
    frames = pack(header("ping"), {})
    for count in (0, 1, 3):
        with pytest.raises(BadMessage):
            unpack((frames * 2)[:count])


@pytest.mark.parametrize(
    ("version", "number"), [("1.0", 1), ("12.3", 12), ("2", 2), ("", -1), ("x.1", -1), ("-1.0", -1)]
)
def test_major(version: str, number: int) -> None:
    assert major(version) == number


def test_a_mismatch_says_who_is_to_change() -> None:
    assert "Update the front-end" in ProtocolMismatch("1.0", "2.0").remedy
    assert "--when-idle" in ProtocolMismatch("2.0", "1.0", busy=True).remedy
    idle = ProtocolMismatch("2.0", "1.0")
    assert "engine stop" in idle.remedy
    assert "2.0" in idle.message and "1.0" in idle.message


def test_a_header_has_what_it_was_given_each_at_its_place() -> None:
    made = header("probe", id="1", re="2", session="s", engine_id="e")
    assert (made.id, made.re, made.session, made.engine_id) == ("1", "2", "s", "e")
