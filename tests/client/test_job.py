"""Jobs as JSON: long sequences fit into a message."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from restrip.client.job import BadJob, JobSpec, Numbered, clip_from_json, clip_to_json, read_checked
from restrip.client.messages import MAX_BYTES, encode
from restrip.timeline import ClipRange, Key, Rate


def sequence(count: int, name: str = "/shots/v2/a_{:04d}.exr", first: int = 1001) -> ClipRange:
    return ClipRange(tuple(name.format(n) for n in range(first, first + count)), Rate.of(24), count)


@pytest.mark.parametrize(
    ("clip", "numbered"),
    [
        (sequence(200), True),
        (sequence(200, "/a/frame{}.png", first=1), True),
        (sequence(200, "/a/{:03d}", first=0), True),
        (sequence(20), False),
        (ClipRange(tuple(f"/a/{n * n}.png" for n in range(200)), Rate.of(24), 200), False),
        (ClipRange(tuple(f"/a/{'x' * n}.png" for n in range(200)), Rate.of(24), 200), False),
        (ClipRange(("/a/clip.mp4",), Rate.of(24), 200), False),
    ],
)
def test_a_sequence_is_told_in_few_words_and_read_back(clip: ClipRange, numbered: bool) -> None:
    body = clip_to_json(clip)
    assert ("numbered" in body) is numbered
    assert clip_from_json(body) == clip


def test_an_hour_of_pictures_fits_into_a_message() -> None:
    spec = JobSpec("job-1", sequence(90_000), tuple(Key(n) for n in range(0, 90_000, 50)), "neural:1")
    assert len(encode(spec.to_json())) < MAX_BYTES // 2
    assert JobSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    "numbered",
    [
        {"before": "/a", "digits": 4, "first": 1, "count": 10**12, "after": ""},
        {"before": "/a", "digits": 10**9, "first": 1, "count": 2, "after": ""},
        {"before": "/a", "digits": 4, "first": -1, "count": 2, "after": ""},
        {"before": 3, "digits": 4, "first": 1, "count": 2, "after": ""},
        {"before": "/a", "digits": "4", "first": 1, "count": 2, "after": ""},
        {"before": "/a"},
        {"more": 1},
        3,
    ],
)
def test_a_numbering_that_is_none(numbered: object) -> None:
    body = {**JobSpec("job-1", sequence(100), (), "neural:1").to_json()}
    body["source"]["numbered"] = numbered
    with pytest.raises(BadJob):
        JobSpec.from_json(body)


def test_pictures_named_by_times_in_nanoseconds_are_told_one_by_one() -> None:
    for first in (1_700_000_000_123_456_789, 10**50):
        clip = ClipRange(tuple(f"/a/{first + n}.png" for n in range(70)), Rate.of(24), 70)
        body = clip_to_json(clip)
        assert len(body["paths"]) == 70 and clip_from_json(json.loads(json.dumps(body))) == clip


def test_numbered_of_mixed_names_is_none() -> None:
    assert Numbered.of(tuple(["/a/1.png"] * 100)) is None


def test_a_file_that_was_changed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{"a": 1}')
    good = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_checked(str(path), good) == {"a": 1}
    path.write_text('{"a": 2}')
    with pytest.raises(BadJob, match="was changed"):
        read_checked(str(path), good)
    path.unlink()
    with pytest.raises(BadJob):
        read_checked(str(path), good)
