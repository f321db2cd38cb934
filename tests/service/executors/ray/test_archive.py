"""What travels, packed and unpacked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from restrip import codec
from restrip.client.job import JobSpec, Output, clip_from_json
from restrip.jobs.cache import Cache
from restrip.jobs.model.input_files import Seen, SourceChanged, look_at
from restrip.jobs.references import files_of, inputs_of, spec_in
from restrip.service.executors.ray import archive
from restrip.timeline import ClipRange, Key, Rate


def job(tmp_path: Path) -> dict[str, Any]:
    """A job that reads a clip, a matte, a key's picture, a checkpoint, two LoRA and a ControlNet's folder."""
    for name in ("clip.mp4", "clip.mp4.png", "m,atte.png", "models/a.safetensors", "models/in, k.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    for name in ("nets/config.json", "nets/weights.bin", "nets/notes.pdf", "secret/private.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    at = lambda name: str(tmp_path / name)  # noqa: E731
    spec = JobSpec(
        "j",
        ClipRange((at("clip.mp4"),), Rate.of(25), 3, name=at("clip.mp4")),
        (Key(0, image=at("clip.mp4.png")), Key(2)),
        f"sd:{at('models/a.safetensors')}",
        {
            "prompt": f"oil painting, {at('secret')}, {at('secret/private.txt')}, blue",
            "original_prompt": at("secret/private.txt"),
            "lora": f"{at('models/in, k.safetensors')}:0.5, {at('models/a.safetensors')}",
            "controlnet": f"tile={at('nets')}:0.8@0-0.6",
        },
        Output(folder=at("secret")),
        matte=at("m,atte.png"),
        project=at("clip.mp4"),
    )
    return {"kind": "render", **spec.to_json()}


def test_everything_that_a_job_names_is_read_and_nothing_else(tmp_path: Path) -> None:
    bundles = {Path(b.root).name: b.names for b in archive.reads_of(job(tmp_path)).bundles}
    assert bundles == {
        tmp_path.name: ("clip.mp4", "clip.mp4.png", "m,atte.png"),
        "models": ("a.safetensors", "in, k.safetensors"),
        "nets": ("config.json", "weights.bin"),
    }


def test_paths_are_led_to_their_new_place_and_nothing_else_is(tmp_path: Path) -> None:
    body = job(tmp_path)
    reads = archive.reads_of(body)
    roots = {bundle.root: f"/node/{n}" for n, bundle in enumerate(reads.bundles)}
    led = archive.moved(body, reads, roots)
    here, models, nets = (roots[str(tmp_path / name) if name else str(tmp_path)] for name in ("", "models", "nets"))
    assert clip_from_json(led["source"]).paths == (f"{here}/clip.mp4",)
    assert led["keys"][0]["image"] == f"{here}/clip.mp4.png" and led["keys"][1]["image"] is None
    assert led["matte"] == f"{here}/m,atte.png"
    assert led["look"]["name"] == f"sd:{models}/a.safetensors"
    assert led["look"]["settings"] == {
        **body["look"]["settings"],
        "lora": f'"{models}/in, k.safetensors":0.5, {models}/a.safetensors',
        "controlnet": f"tile={nets}:0.8@0-0.6",
    }
    assert (led["output"], led["project"]) == (body["output"], body["project"])


def test_a_copy_that_is_another_file_is_told(tmp_path: Path) -> None:
    """The clip was replaced between the plan and its way to this machine."""
    body = job(tmp_path)
    reads = archive.reads_of(body)
    named = inputs_of(files_of(spec_in(body)))
    plan = {"keys": body["keys"], "inputs": codec.write_as(dict[str, Seen], look_at(named))}
    roots = {str(tmp_path): str(tmp_path / "node")}
    shutil.copytree(tmp_path, tmp_path / "node")
    spec = spec_in(archive.moved(body, reads, roots))
    led = archive.moved_plan(plan, spec, reads, roots)
    assert led["keys"][0]["image"] == str(tmp_path / "node" / "clip.mp4.png")
    assert led["inputs"].keys() == plan["inputs"].keys() and led["inputs"] != plan["inputs"]
    (tmp_path / "node" / "clip.mp4").write_bytes(b"else.mp4")
    with pytest.raises(SourceChanged, match="clip"):
        archive.moved_plan(plan, spec, reads, roots)


def test_what_a_task_says_names_the_engines_folders(tmp_path: Path) -> None:
    roots = {"/edits": "/node/1", "/edits/looks": "/node/12", "/state/jobs/j": "/node/tasks/t/jobs/j"}
    said = {"facts": {"file": "/node/12/a.png", "clip": "/node/1/c.mp4"}, "sheet": "/node/tasks/t/jobs/j/sheet.png"}
    assert archive.brought_home(said, roots) == {
        "facts": {"file": "/edits/looks/a.png", "clip": "/edits/c.mp4"},
        "sheet": "/state/jobs/j/sheet.png",
    }


def test_a_sequence_that_is_told_in_few_words_is_led_too(tmp_path: Path) -> None:
    paths = [tmp_path / f"shot_{n:04d}.png" for n in range(80)]
    for path in paths:
        path.write_bytes(b"p")
    numbered = {"before": str(tmp_path / "shot_"), "digits": 4, "first": 0, "count": 80, "after": ".png"}
    body = {"kind": "suggest", "source": {"paths": [], "numbered": numbered, "rate": "25", "length": 80}}
    reads = archive.reads_of(body)
    (bundle,) = reads.bundles
    assert len(bundle.names) == 80
    led = archive.moved(body, reads, {bundle.root: "/node"})
    assert clip_from_json(led["source"]).paths[::79] == ("/node/shot_0000.png", "/node/shot_0079.png")


def test_a_bundle_knows_whether_the_files_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    bundle = archive.Bundle.of(tmp_path, ["a"])
    assert bundle.same_here()
    before = os.stat(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"2")
    os.utime(tmp_path / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "b").rename(tmp_path / "a")
    assert archive.Bundle.of(tmp_path, ["a"]).digest != bundle.digest, "another file of the same size and time"
    os.utime(tmp_path / "a", ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    assert not bundle.same_here()
    again = archive.Bundle.of(tmp_path, ["a"])
    assert again.digest != bundle.digest


def test_what_was_packed_in_pieces_is_whole_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PIECE_BYTES", 4096)
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "large").write_bytes(os.urandom(100_000))
    (source / "empty").write_bytes(b"")
    chunks: list[bytes] = archive.packed_folder(source, bytes)
    assert len(chunks) > 10
    archive.put_in_place(chunks, target)
    archive.put_in_place([], target)  # It is there: nothing is asked for.
    for name in ("inner/large", "empty"):
        assert (target / name).read_bytes() == (source / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 20_000)
    (chunk,) = archive.packed(tmp_path, ["a"], bytes)
    with pytest.raises(Exception, match="unexpected end"):
        archive.put_in_place([chunk[:10_000]], tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_an_entry_arrives_as_it_left(tmp_path: Path) -> None:
    ours, theirs = Cache(tmp_path / "ours"), Cache(tmp_path / "theirs")
    with ours.make("segments", "ab" * 32) as draft:
        (draft.folder / "left.mp4").write_bytes(b"movie")
        draft.facts.update(fades=[{"first": 1}], names=["left"])
    made = ours.find("segments", "ab" * 32)
    assert made is not None
    chunks = archive.packed_folder(made.folder, bytes)
    for _ in range(2):
        archive.take_entry(theirs, "segments", "ab" * 32, chunks)
    found = theirs.find("segments", "ab" * 32)
    assert found is not None and found.facts == made.facts
    assert found.file("left.mp4").read_bytes() == b"movie"
