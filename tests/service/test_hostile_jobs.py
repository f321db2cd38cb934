"""Jobs that mean harm, handed in to a real engine: somebody else's job beside them is done as if they weren't there."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from job_bench import Little

from restrip.client.client import Client
from restrip.errors import RestripError


def test_hostile_jobs_hold_up_nobody(client: Client, little: Little, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "noise.mkv").write_bytes(os.urandom(4000))
    (tmp_path / "half.mkv").write_bytes(little.clip.read_bytes()[:1500])
    good = little.job("hostile", 1, length=4).to_json()
    harms: list[tuple[tuple[str | int, ...], Any]] = [
        (("source", "offset_s"), "9" * 400),
        (("source", "offset_s"), "9999999"),
        (("source", "offset_s"), "1/" + "9" * 29),
        (("source", "rate"), "1/100000"),
        (("source", "source_rate"), "1000"),
        (("source", "trim_in"), 10**9),
        (("source", "timeline_start"), 10**12),
        (("source", "length"), 10**6),
        (("source", "paths"), [str(tmp_path / "noise.mkv")]),
        (("source", "paths"), [str(tmp_path / "half.mkv")]),
        (("source", "paths"), ["/dev/zero"]),
        (("source", "paths"), ["/proc/kmsg"]),
        (("source", "paths"), [str(tmp_path / "pipe.png")] * 3),
        (("matte",), str(tmp_path / "pipe.png")),
        (("matte",), "/dev/urandom"),
        (("keys", 0, "image"), "/proc/self/mem"),
        (("keys", 0, "image"), str(tmp_path / "pipe.png")),
        (("look", "name"), "painting:/dev/zero"),
        (("look", "name"), f"painting:{tmp_path / 'pipe.png'}"),
        (("look", "name"), "painted:/proc/self/fd"),
        (("look", "name"), "sd:/dev/zero"),
        (("look", "name"), "neural:3:1e-30"),
        (("look", "settings"), {"first_number": 10**9}),
    ]
    ended: dict[str, str] = {}
    for n, (way, value) in enumerate(harms):
        body = copy.deepcopy(good)
        at: Any = body
        for step in way[:-1]:
            at = at[step]
        at[way[-1]] = value
        body["job_id"] = f"hostile-{n}"
        try:
            client.request("submit", body)
        except RestripError as error:
            assert error.bad_input, error
        else:
            ended[body["job_id"]] = repr(value)
    client.submit(little.job("neighbour", 2, 9))
    assert client.watch("neighbour").state == "done"
    for job_id, value in ended.items():
        status = client.watch(job_id)
        assert status.state in ("done", "failed"), value
        if status.error is not None:
            assert status.error["code"] not in ("worker-died", "task-fault", "quarantined"), (value, status.error)
    shown = client.engine_status()
    assert not shown.get("deaths"), shown
    assert {job.state for job in client.jobs("*")} <= {"done", "failed"}
