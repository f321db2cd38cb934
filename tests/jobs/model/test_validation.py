"""What comes over the wire as a job is a job, or an error with a name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restrip.client.job import JobSpec, Output
from restrip.client.setting import BadSetting
from restrip.errors import RestripError
from restrip.jobs.model.settings_schema import job_settings
from restrip.jobs.model.validation import read_job
from restrip.timeline import ClipRange, Key, Rate

GOOD = JobSpec(
    "job-1",
    ClipRange(("/clip.mp4",), Rate.of(25), 100),
    (Key(0), Key(50, prompt="x", seed=3)),
    "neural:3",
    settings={"lean": 0.2},
    output=Output(folder="/out"),
).to_json()


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the field at a dotted path replaced."""
    import copy

    body = copy.deepcopy(GOOD)
    at: Any = body
    *way, last = path.split(".")
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    return body


def test_a_good_job() -> None:
    assert read_job(GOOD).to_json() == GOOD


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("job_id", "../x", "bad-job-id"),
        ("job_id", 7, "bad-job"),
        ("source", None, "bad-job"),
        ("source.paths", [], "bad-range"),
        ("source.paths", ["relative.mp4"], "relative-path"),
        ("source.paths", ["/a\0b"], "relative-path"),
        ("source.length", 0, "bad-range"),
        ("source.length", 10**12, "bad-job"),
        ("source.trim_in", -1, "bad-job"),
        ("source.rate", "0", "bad-rate"),
        ("source.rate", "1/0", "bad-rate"),
        ("source.offset_s", "1/0", "bad-job"),
        ("keys.0.frame", 100, "key-outside"),
        ("keys.0.frame", -1, "key-outside"),
        ("keys.0.frame", "3", "bad-job"),
        ("keys.0.frame", True, "bad-job"),
        ("keys.0.prompt", 3, "bad-job"),
        ("keys.0.seed", 1.5, "bad-job"),
        ("keys.0.image", "relative.png", "relative-path"),
        ("keys", 3, "bad-job"),
        ("cuts", [1000], "bad-job"),
        ("cuts", ["x"], "bad-job"),
        ("look.name", "nothing:1", "unknown-look"),
        ("look.name", "neural", "unknown-look"),
        ("look.settings", {"lean": 7}, "bad-setting"),
        ("look.settings", {"lean": "x"}, "bad-setting"),
        ("look.settings", {"no such thing": 1}, "bad-setting"),
        ("look.settings", {"prompt": "x" * 100_000}, "bad-setting"),
        ("output.format", "gif", "unknown-format"),
        ("output.fade", "soft", "bad-job"),
        ("output.fade", -1, "bad-job"),
        ("output.fade", 1.5, "bad-job"),
        ("output.folder", "out", "relative-path"),
        ("output.otio", "out.otio", "relative-path"),
        ("output.otio", "/home/me/.bashrc", "bad-job"),
        ("output.sheet", "/home/me/.config/autostart/x.desktop", "bad-job"),
        ("output.long_side", -5, "bad-job"),
        ("output.long_side", "large", "bad-job"),
        ("output.baked", "yes", "bad-job"),
        ("output", 3, "bad-job"),
        ("mode", "some", "bad-job"),
        ("step", 0, "bad-job"),
        ("priority", 10**9, "bad-job"),
        ("matte", "matte.png", "relative-path"),
        ("project", 3, "bad-job"),
    ],
)
def test_bad_jobs_have_names(path: str, value: Any, code: str) -> None:
    with pytest.raises(RestripError) as caught:
        read_job(changed(path, value))
    assert caught.value.code == code
    assert caught.value.bad_input


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    *("job_id", "project", "source", "keys", "cuts", "matte", "mode", "step", "look", "output", "priority"),
    *(f"source.{name}" for name in GOOD["source"]),
    *("source.paths.0", "keys.0", "keys.0.frame", "keys.1.prompt", "keys.1.seed", "keys.0.image", "keys.0.name"),
    *("look.name", "look.settings", "look.settings.lean"),
    *(f"output.{name}" for name in GOOD["output"]),
]


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PATHS), anything)
def test_no_job_is_anything_but_good_or_an_error_with_a_name(path: str, value: Any) -> None:
    try:
        spec = read_job(changed(path, value))
    except RestripError as error:
        assert error.bad_input and error.code != "error"
    else:
        assert read_job(spec.to_json()) == spec


def test_every_number_among_the_settings_has_bounds() -> None:
    numbers = [setting for setting in job_settings() if setting.kind in ("int", "float")]
    assert len(numbers) > 20
    assert [s.key for s in numbers if s.low is None or s.high is None] == []
    for setting in numbers:
        for value in (10**400, -(10**400), float("inf"), float("-inf"), float("nan"), True, "1", [], None):
            with pytest.raises(BadSetting):
                setting.check(value)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("source.offset_s", "9" * 400, "bad-job"),
        ("source.offset_s", "1e400", "bad-job"),
        ("source.offset_s", "1e999999999", "bad-job"),
        ("source.offset_s", "0." + "0" * 400 + "1", "bad-job"),
        ("source.offset_s", 10**400, "bad-job"),
        ("source.offset_s", float("inf"), "bad-job"),
        ("source.offset_s", float("nan"), "bad-job"),
        ("source.offset_s", True, "bad-job"),
        ("source.rate", "1e999999999", "bad-rate"),
        ("source.rate", "1/" + "9" * 400, "bad-rate"),
        ("source.rate", 10**400, "bad-rate"),
        ("source.rate", "-25", "bad-rate"),
        ("source.source_rate", "9" * 5000, "bad-rate"),
        ("source.timeline_start", 10**400, "bad-job"),
        ("source.trim_in", float("inf"), "bad-job"),
        ("source.length", 1.5, "bad-job"),
        ("source.length", 10**400, "bad-job"),
        ("source.name", "x" * 100_000, "bad-job"),
        ("source.name", 3, "bad-job"),
        ("source.paths", ["/a\ud800b"], "relative-path"),
        ("source.paths", ["/" + "a" * 5000], "relative-path"),
        ("keys.0.frame", 10**400, "bad-job"),
        ("keys.0.seed", 10**400, "bad-job"),
        ("keys.1.prompt", "\ud800", "bad-job"),
        ("cuts", [10**400], "bad-job"),
        ("cuts", [float("nan")], "bad-job"),
        ("step", 10**400, "bad-job"),
        ("priority", -(10**400), "bad-job"),
        ("output.fade", 10**400, "bad-job"),
        ("output.long_side", 10**400, "bad-job"),
        ("look.name", "painting:/a\ud800", "bad-job"),
        ("look.name", "painting:/" + "a" * 10_000, "unknown-look"),
        ("look.settings", {"lean": 10**400}, "bad-setting"),
        ("look.settings", {"x" * 10**6: 1}, "bad-setting"),
        ("look.settings", {"lora": "a, " * 1000}, "bad-setting"),
        ("look.settings", {"prompt": "<lora:a>" * 1000}, "bad-setting"),
        ("look.settings", {"vae": "/a\0b"}, "bad-setting"),
        ("look.settings", {"prompt": "\udfff"}, "bad-setting"),
    ],
)
def test_numbers_and_texts_that_are_none_of_a_jobs(path: str, value: Any, code: str) -> None:
    body = changed(path, value)
    with pytest.raises(RestripError) as caught:
        read_job(body)
    assert caught.value.code == code and caught.value.bad_input
    assert len(str(caught.value)) < 3000
    json.dumps(caught.value.to_wire(), allow_nan=False)


def test_a_job_with_too_many_keys_is_refused() -> None:
    body = {**GOOD, "source": {**GOOD["source"], "length": 10_000_000}, "keys": [], "mode": "every", "step": 1}
    with pytest.raises(RestripError, match="keys"):
        read_job(body)
    assert read_job({**body, "step": 1000}).step == 1000
