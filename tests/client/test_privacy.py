"""What may be read in a log."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest

from restrip.client.job import JobSpec, Output
from restrip.client.privacy import LEFT_OUT, Private, without_paths
from restrip.timeline import ClipRange, Key, Rate

JOB = JobSpec(
    "job-1",
    ClipRange(("/home/ada/Secret Film/Wedding of Bob.mov",), Rate.of(25), 9, name="Wedding, take 3"),
    (Key(0, prompt="a pale horse, by moonlight"), Key(5, image="/home/ada/keys/Griselda.png")),
    "sd:/models/private mix.safetensors",
    settings={"prompt": "oil painting of my neighbour", "negative_prompt": "moustache"},
    project="/edits/divorce.blend",
    output=Output(folder="/home/ada/out"),
).to_json()


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("reading /home/ada/Secret Film/take.mov now", "reading <path>.mov now"),
        ("reading '/home/ada/film/take.mov': truncated", "reading '<path>.mov': truncated"),
        (r"reading C:\Users\ada\take.mov", "reading <path>.mov"),
        ("reading /take.mov, then more", "reading <path>.mov, then more"),
        ("3/4 frames and/or more", "3/4 frames and/or more"),
        ("sd:/models/mix.safetensors loaded", "sd:<path>.safeten loaded"),
    ],
)
def test_paths_are_cut(line: str, clean: str) -> None:
    assert without_paths(line) == clean


@pytest.mark.parametrize(
    "line",
    [
        "ValueError: can't open Wedding of Bob.mov",
        "no index in 'wedding of bob'",
        "The following part of your input was truncated: ['by moonlight, oil painting of my neighbour']",
        "token 7 of 'A PALE HORSE' is unknown",
        "negative: moustache",
        "key Griselda has no alpha",
        "project divorce.blend",
        "loading private mix",
    ],
)
def test_the_jobs_own_words_are_left_out(line: str) -> None:
    seen = Private(JOB).hide(line).casefold()
    assert LEFT_OUT in seen
    for word in ("wedding", "bob", "moonlight", "neighbour", "horse", "moustache", "griselda", "divorce", "private"):
        assert word not in seen


def test_the_rest_stays() -> None:
    line = "RuntimeError: size of tensor a (77) must match b (231) in clip h264 at 25 of job-1"
    assert Private(JOB).hide(line) == line


@pytest.mark.parametrize("line", ["", "...", "~~^^~~", "\u0000", "horse", "pale"])
def test_lines_of_few_words_or_none_are_no_trouble(line: str) -> None:
    assert Private(JOB).hide(line) == line
    assert Private().hide(line) == line


def test_several_places_in_a_line() -> None:
    hidden = Private({"prompt": "pale horse"}).hide("pale horse, then pale Horse and horse pale")
    assert hidden == f"{LEFT_OUT}, then {LEFT_OUT} and horse pale"


def test_questions_without_a_job_are_private_too() -> None:
    assert Private({"paths": ["/x/Take One.mov"]}, None).hide("Take One.mov is empty") == f"{LEFT_OUT} is empty"


def test_short_words_dont_blacken_everything() -> None:
    assert Private({"name": "a", "prompt": ""}).hide("a line with a word") == "a line with a word"


def test_a_trace_names_the_code() -> None:
    try:
        without_paths(None)  # type: ignore[arg-type]
    except AttributeError:
        trace = traceback.format_exc()
    seen = Private(JOB).hide(trace)
    assert "restrip/client/privacy.py" in seen.replace("\\", "/")
    assert not any(str(Path(root)) in seen for root in sys.path if len(root) > 3)


def test_the_kind_of_a_look_is_no_secret_whatever_it_is_called() -> None:
    private = Private({"look": {"name": "engraving:/plates/Griselda.png"}, "source": {"name": "sd:holiday film"}})
    assert private.hide("engraving with Griselda") == f"engraving with {LEFT_OUT}"
    assert "holiday" not in private.hide("sd holiday film")
