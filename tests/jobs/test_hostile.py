"""Jobs that mean harm, through all that an engine does with one: each is refused, fails by name, or is done.

Every field of a job is changed, alone and with others; what gets past intake is planned, painted, carried and written.
"""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from job_bench import Hand, Little

from restrip.client.messages import decode
from restrip.errors import RestripError
from restrip.jobs.model.settings_schema import job_settings
from restrip.jobs.model.validation import read_job
from restrip.media import Frame, write_picture
from restrip.storage import json_files
from restrip.timeline import Key

NUMBERS = [0, 1, -1, 7, 2**31, -(2**31), 2**63, 10**15, 10**400, -(10**400), 0.5, 1e15, 1e308, float("inf"), -1e-300]
TEXTS = [
    "",
    "x",
    "0",
    "1e400",
    "1e999999999",
    "9" * 3000,
    "1/0",
    "-1/3",
    "\ud800",
    "a\0b",
    "ä\n\t",
    "x" * 30_000,
    "~nobody",
]
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([*NUMBERS, *TEXTS, None, True, [], {}, [[]], {"a": {"b": [{}]}}]),
    st.integers(),
    st.text(max_size=12),
)


AT_THE_EDGE: dict[tuple[Any, ...], list[Any]] = {
    ("source", "trim_in"): [0, 3, 23, 10**9],
    ("source", "offset_s"): ["1/48", "-1/48", "9999999", "-9999999", "1/" + "9" * 29, 0.02],
    ("source", "rate"): ["1000", "1/100000", "23.976", "999999999999999999/999999999999999998"],
    ("source", "source_rate"): ["1000", "1/100000", "1/" + "9" * 5],
    ("source", "timeline_start"): [10**12, -(10**12)],
    ("source", "untagged"): ["bt709", "bt2020nc"],
    ("source", "name"): ["x" * 20_000, "a/../b", "\x1b[31m"],
    ("cuts",): [[], [0], [4, 4, 2], [1, 2, 3, 4]],
    ("keys",): [[], [vars(Key(0, prompt="x" * 20_000, seed=2**64 - 1))], [vars(Key(n)) for n in (0, 0, 4)]],
    ("keys", 0, "name"): ["\x00", "x" * 20_000, "../../x"],
    ("mode",): ["every"],
    ("step",): [1, 2, 10**7],
    ("priority",): [1000, -1000],
    ("output", "fade"): [0, 1, 10**7, "gap"],
    ("output", "long_side"): [2, 3, 16, 16384],
    ("output", "format"): ["ffv1", "prores4444", "png16", "h265"],
    ("output", "baked"): [True],
    ("output", "preview"): [True],
    ("output", "look_only"): [True],
}


def near(way: tuple[Any, ...]) -> list[Any]:
    """Values that a field may just have."""
    setting = next((setting for setting in job_settings() if way == ("look", "settings", setting.key)), None)
    if setting is None:
        return AT_THE_EDGE.get(way, [])
    ends = [int(end) if setting.kind == "int" else end for end in (setting.low, setting.high) if end is not None]
    return [setting.default, *ends, *(value for value, _ in setting.choices)]


@pytest.fixture(scope="module")
def harm(little: Little, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Paths of what is no movie and no picture, or not what its name says."""
    folder = tmp_path_factory.mktemp("harm")
    (folder / "empty.mp4").touch()
    (folder / "noise.png").write_bytes(os.urandom(5000))
    (folder / "half.mkv").write_bytes(little.clip.read_bytes()[:2000])
    os.mkfifo(folder / "pipe.png")
    (folder / "loop").symlink_to(folder / "loop")
    write_picture(folder / "m,atte.png", Frame(little_matte()))
    named = ["empty.mp4", "noise.png", "half.mkv", "pipe.png", "loop", "m,atte.png", ".", "none.mp4"]
    return [*(str(folder / name) for name in named), "/dev/zero", "/proc/kmsg", "/proc/self/mem", "/", "relative.png"]


def little_matte() -> Any:
    import numpy as np

    return np.full((48, 64, 3), 200, np.uint8)


def good(little: Little) -> dict[str, Any]:
    """A job that takes a moment: 5 frames, two keys."""
    body = little.job("job-1", 1, length=5, cuts=None).to_json()
    body["keys"].append({**vars(Key(3)), "image": str(little.painted / "00003.png")})
    return body


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every field of a job, and to every setting."""
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        found += places(child, (*at, name))
    return found


def changed(body: dict[str, Any], way: tuple[Any, ...], value: Any) -> None:
    """Change one field, as far as earlier changes left it there."""
    at: Any = body
    for step in way[:-1]:
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(at, dict) or (isinstance(at, list) and isinstance(way[-1], int) and way[-1] < len(at)):
        at[way[-1]] = value


def over_the_wire(body: dict[str, Any]) -> dict[str, Any]:
    """As it comes: JSON has no infinity, but numbers that are read as one."""
    return decode(json.dumps(body).replace("-Infinity", "-1e400").replace("Infinity", "1e400").encode())


@settings(
    max_examples=80,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_job_does_more_than_fail(
    data: st.DataObject, little: Little, harm: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    body = good(little)
    body["look"]["name"] = data.draw(
        st.sampled_from([body["look"]["name"], "neural:3", "sd:tiny", f"painting:{harm[5]}"])
    )
    ways = places(body) + 2 * list(AT_THE_EDGE) + [("look", "settings", setting.key) for setting in job_settings()]
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from(ways))
        # Where it writes is the owner's to say: only into the test's own folder.
        writes = way[0] == "output" and way[-1] in ("folder", "otio", "sheet", "output")
        odd = st.sampled_from([*TEXTS, *harm[:8]]) if writes else ODD | st.sampled_from(harm)
        likely = near(way)
        changed(body, way, data.draw(st.sampled_from(likely) if likely and data.draw(st.integers(0, 3)) else odd))
    try:
        spec = read_job(over_the_wire(copy.deepcopy(body)))
    except RestripError as error:
        assert error.bad_input and error.code not in ("error", "internal-error") and len(error.message) < 6000
        json.dumps(error.to_wire(), allow_nan=False)
        return
    assert read_job(over_the_wire(spec.to_json())) == spec
    json.dumps(spec.to_json(), allow_nan=False)
    if spec.look == "sd:tiny" or spec.clip.length > 50:
        return  # Refused or taken in; a model takes its time.
    hand = Hand(tmp_path_factory.mktemp("state"))
    folder = hand.folder(spec.job_id)
    folder.mkdir(parents=True)
    json_files.write_json(folder / "job.json", {"kind": "render", **spec.to_json()})
    try:
        found = hand.task("prepare", spec.job_id)
        if found["missing_keys"]:
            hand.task("keys", spec.job_id, keys=found["missing_keys"])
        for n in found["missing_parts"]:
            hand.task("part", spec.job_id, part=n)
        hand.task("finish", spec.job_id, retries=[], made={})
    except RestripError as error:
        assert error.code not in ("error", "task-fault", "out-of-memory"), f"{error}: {error.__cause__!r}"
