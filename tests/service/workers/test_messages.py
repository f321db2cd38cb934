"""What a worker may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restrip.service.workers.messages import KINDS, MOST_BYTES, BadReport, Report, check_report, check_result, read_line


def read_report(line: bytes) -> Report:
    said = read_line(line)
    check_report(said)
    return said


GOOD: list[dict[str, Any]] = [
    {"t": "ready", "pid": 3},
    {"t": "progress", "id": "x", "phase": "keys", "done": 1, "total": 2, "segment": 0, "frame": 7, "seed": -1},
    {"t": "progress", "id": "x", "phase": "keys", "done": 0, "total": 0, "preview": "A" * 87_384, "seed": None},
    {"t": "result", "id": "x", "result": {"rendered": 2}, "loaded": "neural:1", "facts": {"gpu": None}},
    {"t": "error", "id": "x", "error": {"code": "c", "message": "m"}, "loaded": ""},
    {"t": "crash", "id": "x", "what": "ValueError: x"},
]


@pytest.mark.parametrize("said", GOOD, ids=lambda said: said["t"])
def test_what_workers_say_is_read(said: dict[str, Any]) -> None:
    assert read_report(json.dumps(said).encode() + b"\n") == said


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Traceback (most recent call last):",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"{}",
        b'{"t": "dance"}',
        b'{"t": ["ready"]}',
        b'{"t": "progress"}',
        b'{"t": "progress", "phase": "keys", "done": "1"}',
        b'{"t": "progress", "phase": "keys", "done": 1e3}',
        b'{"t": "progress", "phase": "keys", "done": 9999999999999999}',
        b'{"t": "progress", "phase": 3}',
        b'{"t": "progress", "phase": "keys", "note": ["a"]}',
        b'{"t": "result"}',
        b'{"t": "result", "result": [1]}',
        b'{"t": "result", "result": {"x": NaN}}',
        b'{"t": "result", "result": {}, "facts": 3}',
        b'{"t": "error"}',
        b'{"t": "error", "error": "it broke"}',
        b'{"t": "error", "error": {"message": 3}}',
        b'{"t": "ready"}}, "x": {"t": "ready"',
        b'{"t": "result", "result": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
        b'{"t": "result", "result": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"t": "result", "result": {"x": "' + b"y" * MOST_BYTES + b'"}}',
        b'{"t": "crash", "what": "' + b"y" * 200_000 + b'"}',
    ],
    ids=lambda line: line[:40].decode("latin-1"),
)
def test_anything_else_is_its_fault(line: bytes) -> None:
    with pytest.raises(BadReport) as caught:
        read_report(line)
    assert caught.value.detail["why"] and len(caught.value.message) < 300


PLAN = {"missing_keys": [0], "missing_parts": [0, 1], "part_frames": [5, 7]}


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("keys", {"rendered": "many"}),
        ("part", {"rendered": -1}),
        ("part", {"rendered": True}),
        ("prepare", {}),
        ("prepare", {**PLAN, "missing_parts": [2]}),
        ("prepare", {**PLAN, "missing_parts": [-1]}),
        ("prepare", {**PLAN, "missing_keys": {"0": 1}}),
        ("prepare", {**PLAN, "part_frames": 3}),
        ("prepare", {**PLAN, "part_frames": [5, 0.5]}),
    ],
)
def test_results_are_of_their_kind(kind: str, result: dict[str, Any]) -> None:
    with pytest.raises(BadReport, match=kind):
        check_result(kind, result)


def test_good_results() -> None:
    check_result("prepare", PLAN)
    check_result("keys", {"rendered": 2})
    check_result("finish", {"manifest": "/m.json"})


anything = st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.just([1]) | st.just({"code": 3})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(["id", "phase", "done", "total", "segment", "result", "error", "facts"]), anything),
)
def test_whatever_it_says_is_a_report_or_its_fault(kind: str, said: dict[str, Any]) -> None:
    try:
        report = read_report(json.dumps({"t": kind, **said}).encode())
        for of in ("prepare", "keys", "finish"):
            check_result(of, report.get("result", {}))
    except BadReport as error:
        assert error.code == "worker-fault"
