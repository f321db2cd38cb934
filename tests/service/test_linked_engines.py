"""Two real engines on one machine: one shared, one linked to it, with nothing between them but the wire."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_bench import end_engine, until
from job_bench import FRAMES, Little

from restrip.client import discovery
from restrip.client.client import Client, connect
from restrip.client.job import Output
from restrip.client.status import JobStatus
from restrip.errors import RemoteError
from restrip.media import Frame, write_picture
from restrip.remote.peer import Remote, RemoteClient, RemoteUnreachable, linked
from restrip.storage import processes
from restrip.timeline import Key


class Two:
    """The engine `there` is shared, the one `here` linked to it. Each has a state folder of its own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.folders = {"there": root / "there", "here": root / "here"}
        for folder in self.folders.values():
            folder.mkdir(mode=0o700)
        self.there = self.start("there")
        self.shared = self.there.request("share", {"listen": "127.0.0.1:0"})["share"]
        self.here = self.start("here")
        self.link()

    def at(self, name: str) -> None:
        self._monkeypatch.setenv("RESTRIP_STATE_DIR", str(self.folders[name]))

    def start(self, name: str) -> Client:
        self.at(name)
        return connect(name)

    def link(self, shared_folders: bool = False) -> None:
        """Exchange the keys, as two people with two computers do."""
        asked = {"address": self.shared["address"], "key": self.shared["key"], "shared_folders": shared_folders}
        mine = self.here.request("link", asked)["link"]
        theirs = self.there.request("allow", {"name": "laptop", "key": mine["key"]})["share"]
        assert theirs["guests"] == {"laptop": mine["fingerprint"]}

    @property
    def remote(self) -> Remote:
        found = linked(self.folders["here"])
        assert found is not None
        return found

    def received(self) -> set[str]:
        root = self.folders["there"] / "received"
        return {path.name for path in root.glob("*/files/*/*") if path.is_file()}

    def end(self) -> None:
        for name, client in (("here", self.here), ("there", self.there)):
            client.close()
            self.at(name)
            end_engine()


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    made = Two(tmp_path, monkeypatch)
    yield made
    made.end()


def test_a_job_is_done_there_and_everything_lies_here(two: Two, little: Little, tmp_path: Path) -> None:
    out = tmp_path / "out"
    extras = {"preview": True, "baked": True, "otio": str(out / "cut.otio"), "sheet": str(out / "sheet.png")}
    output = Output(folder=str(out), format="ffv1", **extras)  # type: ignore[arg-type]
    spec = little.job("far-1", 0, 12, 20, output=output)
    phases: set[str] = set()

    def seen(status: JobStatus) -> None:
        phases.add(status.phase)

    two.here.submit(spec)
    status = two.here.watch("far-1", seen)
    assert status.state == "done", status.error
    manifest = two.here.manifest("far-1")
    # It was done there, with files that were sent: the clip and the folder of painted keys.
    assert two.there.status("far-1").state == "done"
    assert two.received() == {"clip.mkv", *(f"{n:05d}.png" for n in range(24))}
    assert manifest.clip == spec.clip
    named = [*(strip.file for strip in manifest.strips), manifest.baked, manifest.preview]
    named += [manifest.otio, manifest.sheet]
    assert {Path(path).parent for path in named} == {out}
    assert all(Path(path).is_file() for path in [*named, *(key.picture for key in manifest.keys)])
    # The same job on the other computer itself: the same strips to the last bit.
    two.there.submit(replace(spec, job_id="near-1", output=Output(format="ffv1", baked=True)))
    assert two.there.watch("near-1").state == "done"
    there = two.there.manifest("near-1")
    assert [strip.sha256 for strip in there.strips] == [strip.sha256 for strip in manifest.strips]
    assert Path(there.baked).read_bytes() == Path(manifest.baked).read_bytes()
    assert two.there.status("near-1").placed_by == ""


def test_a_moved_key_sends_nothing_again(two: Two, little: Little) -> None:
    two.here.submit(little.job("far-1", 0, 12, 20))
    assert two.here.watch("far-1").state == "done"
    clip = next(two.folders["there"].glob("received/*/files/*/clip.mkv"))
    before = clip.stat().st_mtime_ns
    two.here.submit(little.job("far-2", 0, 12, 21))
    assert two.here.watch("far-2").state == "done"
    assert clip.stat().st_mtime_ns == before
    assert two.here.manifest("far-2").counts["segments_rendered"] == 2


def test_shared_folders_send_nothing(two: Two, little: Little) -> None:
    two.link(shared_folders=True)
    two.here.submit(little.job("far-1", 0, 12, look="neural:19", settings={"stroke_size": 4.0}))
    assert two.here.watch("far-1").state == "done"
    assert two.received() == set()


def test_seeds_and_questions_go_there_too(two: Two, little: Little) -> None:
    spec = little.job("check-1", 0, 12)
    told = two.here.check(spec)
    assert told["fits"] and "sent first" in told["warnings"][0] and two.received() == set()
    assert [(file["role"], Path(file["path"]).name, file["files"]) for file in told["travels"]] == [
        ("source", "clip.mkv", 1),
        ("look", "painted", FRAMES),
    ]
    assert "clip.mkv" in told["warnings"][1] and "painted" in told["warnings"][1]
    result = two.here.seeds(spec.clip, 3, look=spec.look, count=2)
    assert Path(result["sheet"]).is_file() and str(two.folders["here"]) in result["sheet"]
    assert Path(result["source"]).is_file() and str(two.folders["here"]) in result["source"]
    assert [job.kind for job in two.there.jobs("*")] == ["seeds"]
    assert two.here.check(spec)["segments"] == 2
    assert two.here.models(str(little.painted)) == []


def test_the_files_that_a_job_names_arrive_and_no_others(
    two: Two, little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matte with a comma in its name, a LoRA by name and by path, a ControlNet's folder; and a prompt that happens to
    hold the path of a private folder.
    """
    from diffusers import ControlNetModel, UNet2DConditionModel
    from safetensors.torch import save_file

    from restrip.looks.diffusion.checkpoints.finding import TINY

    models, secret = tmp_path / "models" / "Lora", tmp_path / "SECRET-FOLDER"
    models.mkdir(parents=True)
    secret.mkdir()
    for name in ("private.txt", "private.safetensors", "00001.png"):
        (secret / name).write_text("nobody's business")
    layer = "lora_unet_down_blocks_1_attentions_0_proj_in"
    for name in ("grain.safetensors", "in, k.safetensors"):
        save_file(
            {f"{layer}.lora_down.weight": torch.ones(2, 128), f"{layer}.lora_up.weight": torch.ones(128, 2)},
            models / name,
        )
    unet = UNet2DConditionModel.from_pretrained(TINY / "unet")
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 32, 64))
    net.save_pretrained(tmp_path / "net")
    (tmp_path / "net" / "diary.pdf").write_text("mine")
    write_picture(tmp_path / "m,atte.png", Frame(np.full((48, 64, 3), 255, np.uint8)))
    monkeypatch.setenv("RESTRIP_MODELS", str(tmp_path / "models"))
    two.here.close()
    two.at("here")
    end_engine()
    two.here = two.start("here")  # It has these models, the other one has none.
    prompt = f"oil painting, {secret}, blue <lora:grain:0.3>"
    asked = {
        "prompt": prompt,
        "negative_prompt": f"{secret}/private.txt",
        "lora": f"{models}/in, k.safetensors:0.2",
        "controlnet": f"tile={tmp_path / 'net'}:0.5",
        "steps": 2,
        "anchor": False,
    }
    spec = little.job("far-1", 1, length=2, look="sd:tiny", settings=asked, matte=str(tmp_path / "m,atte.png"))
    notes: list[str] = []
    told = two.here.check(spec)
    assert {file["role"] for file in told["travels"]} == {"source", "matte", "prompt 0", "lora 0", "controlnet 0"}
    two.here.submit(spec)
    status = two.here.watch("far-1", lambda status: notes.append(status.note))
    assert status.state == "done", status.error
    assert two.received() == {
        "clip.mkv",
        "m,atte.png",
        "grain.safetensors",
        "in, k.safetensors",
        "config.json",
        "diffusion_pytorch_model.safetensors",
    }
    there = json.loads((two.folders["there"] / "jobs" / "far-1" / "job.json").read_text())["look"]["settings"]
    assert there["prompt"].startswith(f"oil painting, {secret}, blue <lora:/") and there["prompt"].endswith(":0.3>")
    made = two.here.manifest("far-1")
    assert (made.settings["prompt"], made.settings["lora"], made.look) == (prompt, asked["lora"], "sd:tiny")
    assert len(made.facts["look"]["lora"]) == 2 and len(made.facts["look"]["controlnet"]) == 1


def test_what_fails_there_fails_here_and_can_be_tried_again(two: Two, little: Little, tmp_path: Path) -> None:
    empty = tmp_path / "painted"
    empty.mkdir()
    (empty / "00000.png").write_bytes(b"no picture")
    two.here.submit(little.job("far-1", 0, look=f"keys:{empty}"))
    status = two.here.watch("far-1")
    assert status.state == "failed" and status.error is not None
    assert status.error["code"] == (two.there.status("far-1").error or {})["code"]
    assert two.here.retry("far-1")["state"] == "queued"
    assert two.here.watch("far-1").state == "failed"


def test_the_other_computer_goes_away_and_comes_back(two: Two, little: Little) -> None:
    two.at("there")
    pid = discovery.read_connection().pid  # type: ignore[union-attr]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not processes.alive(pid))
    two.here.submit(little.job("far-1", 0, 12))
    status = two.here.watch("far-1")
    assert status.state == "failed" and (status.error or {})["code"] == "remote-unreachable"
    two.there.close()
    two.there = two.start("there")  # It is shared at the same address, with the same key and guests.
    assert two.there.request("links")["share"] == {**two.shared, "guests": {"laptop": two.remote.fingerprint}}
    two.here.retry("far-1")
    assert two.here.watch("far-1").state == "done"


def test_a_cancelled_job_is_cancelled_there(two: Two, little: Little) -> None:
    two.here.submit(little.job("far-1", *range(0, 24, 2), look="neural:3", settings={"stroke_size": 0.5}))
    until(lambda: two.there.status("far-1").state == "running")
    two.here.cancel("far-1")
    assert two.here.watch("far-1").state == "cancelled"
    until(lambda: two.there.status("far-1").state == "cancelled")
    assert two.here.resume("far-1")["state"] == "queued"
    two.here.cancel("far-1")
    until(lambda: two.here.status("far-1").ended and two.there.status("far-1").ended)


def code_of(client: Client, kind: str, body: dict[str, object]) -> str:
    with pytest.raises(RemoteError) as caught:
        client.request(kind, body)
    return caught.value.code


def test_a_guest_is_a_guest(two: Two, little: Little, tmp_path: Path) -> None:
    two.there.submit(little.job("own-1", 0))
    assert two.there.watch("own-1").state == "done"
    with RemoteClient(two.remote) as guest:
        for kind in (
            "quit",
            "drain",
            "jobs",
            "log_tail",
            "engine_status",
            "share",
            "allow",
            "link",
            "quotas",
            "cache",
            "probe",
            "save_look",
            "read_look",
            "add_look",
            "remove_look",
        ):
            assert code_of(guest, kind, {}) == "not-for-guests"
        for kind in ("status", "cancel", "manifest", "discard", "results", "placed"):
            assert code_of(guest, kind, {"job_id": "own-1"}) == "unknown-job"
        secret = two.folders["there"] / "run" / "share.json"
        assert code_of(guest, "get", {"job_id": "own-1", "path": str(secret), "offset": 0, "bytes": 9}) == "unknown-job"
        spec = little.job("theirs-1", 0, output=Output(folder=str(tmp_path)))
        assert code_of(guest, "submit", spec.to_json()) == "not-for-guests"
        offered = {"group": "0" * 64, "sha256": "0" * 64, "size": 3}
        for name in ("../x", "/etc/x", "a/../b", "", "a\\b", ".hidden", "x" * 500):
            assert code_of(guest, "offer", {**offered, "name": name}) == "bad-file"
        assert guest.request("put", {**offered, "name": "x", "offset": 0, "data": "YWJj"})["offset"] == 3
        assert code_of(guest, "put", {**offered, "name": "x", "offset": 3, "data": "YWJj"}) == "bad-file"
        assert code_of(guest, "keep", {**offered, "name": "x"}) == "file-changed"
        guest.submit(little.job("theirs-1", 0))
        assert guest.watch("theirs-1").state == "done"
        assert code_of(guest, "get", {"job_id": "theirs-1", "path": str(secret), "offset": 0, "bytes": 9}) == "bad-file"
    assert two.there.status("own-1").state == "done"


def test_nobody_else_gets_in(two: Two) -> None:
    stranger = Remote.new(two.shared["address"], two.shared["key"])
    with RemoteClient(stranger) as client, pytest.raises(RemoteUnreachable):
        client.ping()
    with RemoteClient(two.remote) as guest:
        assert guest.ping()["busy"] is False
        two.there.request("allow", {"name": "laptop", "key": ""})
        with pytest.raises(RemoteUnreachable):
            guest.ping()


def test_off_means_off(two: Two, little: Little) -> None:
    assert code_of(two.there, "link", {"address": "otherhost", "key": "0" * 64}) == "in-circles"
    assert code_of(two.here, "share", {"listen": "127.0.0.1:0"}) == "in-circles"
    two.here.request("link", {"address": ""})
    two.there.request("share", {"listen": ""})
    with RemoteClient(Remote.new(two.shared["address"], two.shared["key"])) as client, pytest.raises(RemoteUnreachable):
        client.ping()
    two.here.submit(little.job("here-1", 0))
    assert two.here.watch("here-1").state == "done"
    assert two.there.status("here-1").state == "unknown"
    assert not list(two.folders["there"].glob("run/share.json"))


def test_a_look_file_goes_along_and_its_anchor_comes_back_as_it_was(two: Two, little: Little) -> None:
    first = little.job("look-1", 4, look="neural:4")
    two.here.submit(first)
    assert two.here.watch("look-1").state == "done"
    look = two.here.save_look("look-1", "moody")
    assert look["path"].startswith(str(two.folders["here"])) and two.there.saved_looks() == []
    two.here.submit(replace(first, job_id="look-2", keys=(*first.keys, Key(16)), settings=look["settings"]))
    assert two.here.watch("look-2").state == "done"
    before, after = (two.here.manifest(job_id) for job_id in ("look-1", "look-2"))
    assert Path(before.keys[0].picture).read_bytes() == Path(after.keys[0].picture).read_bytes()
    assert [key.facts["look_file"] for key in after.keys] == ["moody", "moody"]
    assert after.settings["anchor_file"] == look["path"], "the job names what it named"
