"""What `restrip doctor` says."""

from __future__ import annotations

import importlib.util
import json

import pytest

from restrip.cli import doctor
from restrip.cli.doctor import _deaths, _rights, carried_by
from restrip.client.discovery import state_dir
from restrip.client.worker_crashes import deaths_file


@pytest.mark.parametrize(
    ("api", "triton", "expected"),
    [
        ("cuda", True, "propagation by Triton"),
        ("cuda", False, "propagation by torch operations, without Triton's kernels"),
        ("hip", True, "propagation by torch operations, without Triton's kernels"),
        ("mps", True, "propagation runs on the CPU"),
    ],
)
def test_how_keys_are_carried(api: str, triton: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if triton else None)
    assert carried_by(api) == expected


def test_the_last_worker_deaths_are_named_and_the_newest_has_its_remedy() -> None:
    assert (_deaths().ok, _deaths().value) == (True, "none")
    known = {"task": "keys", "job": "job-1", "machine": ""}
    deaths = [
        {"time": 1e9 + n, "cause": "memory", "what": f"The worker ended ({n}).", "remedy": f"Do {n}.", **known}
        for n in range(5)
    ]
    deaths_file(state_dir()).write_text(json.dumps({"deaths": deaths}))
    found = _deaths(now=1e9 + 60)
    assert not found.ok and not found.needed and found.remedy == "Do 4."
    assert found.value.splitlines()[0].endswith("The worker ended (4). (keys, job job-1)")
    assert len(found.value.splitlines()) == 3
    assert _deaths(now=1e9 + 5 * 24 * 3600).ok


@pytest.mark.parametrize(("root", "ok"), [(True, False), (False, True)])
def test_root_is_a_warning(root: bool, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_root", lambda: root)
    found = _rights()
    assert (found.ok, found.needed) == (ok, False) and "ordinary user" in found.remedy
