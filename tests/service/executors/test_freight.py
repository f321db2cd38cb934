"""What travels, packed and unpacked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from restrip.jobs.cache import Cache
from restrip.link.job import clip_from_json
from restrip.service.executors import freight


def job(tmp_path: Path) -> dict[str, object]:
    """A job that reads a clip, a matte, a key's picture, a look's file and a text with two files in it."""
    for name in ("clip.mp4", "clip.mp4.png", "matte.png", "looks/wave.jpg", "models/a.safetensors", "models/b.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    at = lambda name: str(tmp_path / name)  # noqa: E731
    return {
        "job_id": "j",
        "source": {"paths": [at("clip.mp4")], "rate": "25", "length": 3, "name": at("clip.mp4")},
        "keys": [{"frame": 0, "image": at("clip.mp4.png")}, {"frame": 2, "image": None}],
        "matte": at("matte.png"),
        "look": {
            "name": f"painting:{at('looks/wave.jpg')}",
            "settings": {"controls": f"canny={at('models/a.safetensors')}:0.8, tile={at('models')}:1.0", "steps": 3},
        },
        "output": {"folder": at("looks")},
        "project": at("clip.mp4"),
    }


def test_everything_that_a_job_reads_is_found(tmp_path: Path) -> None:
    names = ("clip.mp4", "clip.mp4.png", "matte.png", "looks/wave.jpg", "models/a.safetensors", "models")
    assert set(freight.read_by(job(tmp_path))) == {str(tmp_path / name) for name in names}


def test_files_of_one_folder_travel_together(tmp_path: Path) -> None:
    bundles = {Path(b.root).name: b.names for b in freight.bundles_of(freight.read_by(job(tmp_path)))}
    assert bundles == {
        tmp_path.name: ("clip.mp4", "clip.mp4.png", "matte.png"),
        "looks": ("wave.jpg",),
        "models": ("a.safetensors", "b.bin"),
    }


def test_paths_are_led_to_their_new_place_and_nothing_else_is(tmp_path: Path) -> None:
    body = job(tmp_path)
    paths = freight.read_by(body)
    roots = {bundle.root: f"/node/{n}" for n, bundle in enumerate(freight.bundles_of(paths))}
    led = freight.moved(body, paths, roots)
    here, looks, models = (roots[str(tmp_path / name) if name else str(tmp_path)] for name in ("", "looks", "models"))
    assert clip_from_json(led["source"]).paths == (f"{here}/clip.mp4",)
    assert led["keys"][0]["image"] == f"{here}/clip.mp4.png" and led["keys"][1]["image"] is None
    assert led["matte"] == f"{here}/matte.png"
    assert led["look"]["name"] == f"painting:{looks}/wave.jpg"
    assert led["look"]["settings"] == {"controls": f"canny={models}/a.safetensors:0.8, tile={models}:1.0", "steps": 3}
    assert (led["output"], led["project"]) == (body["output"], body["project"])


def test_what_a_task_says_names_the_engines_folders(tmp_path: Path) -> None:
    roots = {"/edits": "/node/1", "/edits/looks": "/node/12", "/state/jobs/j": "/node/tasks/t/jobs/j"}
    said = {"facts": {"file": "/node/12/a.png", "clip": "/node/1/c.mp4"}, "sheet": "/node/tasks/t/jobs/j/sheet.png"}
    assert freight.brought_home(said, roots) == {
        "facts": {"file": "/edits/looks/a.png", "clip": "/edits/c.mp4"},
        "sheet": "/state/jobs/j/sheet.png",
    }


def test_a_sequence_that_is_told_in_few_words_is_led_too(tmp_path: Path) -> None:
    paths = [tmp_path / f"shot_{n:04d}.png" for n in range(80)]
    for path in paths:
        path.write_bytes(b"p")
    numbered = {"before": str(tmp_path / "shot_"), "digits": 4, "first": 0, "count": 80, "after": ".png"}
    body = {"source": {"paths": [], "numbered": numbered, "rate": "25", "length": 80}}
    found = freight.read_by(body)
    (bundle,) = freight.bundles_of(found)
    assert len(bundle.names) == 80
    led = freight.moved(body, found, {bundle.root: "/node"})
    assert clip_from_json(led["source"]).paths[::79] == ("/node/shot_0000.png", "/node/shot_0079.png")


def test_a_bundle_knows_whether_the_files_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (bundle,) = freight.bundles_of([str(tmp_path / "a")])
    assert bundle.same_here()
    before = os.stat(tmp_path / "a")
    os.utime(tmp_path / "a", ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    assert not bundle.same_here()
    (again,) = freight.bundles_of([str(tmp_path / "a")])
    assert again.digest != bundle.digest


def test_what_was_packed_in_pieces_is_whole_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freight, "PIECE_BYTES", 4096)
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "large").write_bytes(os.urandom(100_000))
    (source / "empty").write_bytes(b"")
    pieces: list[bytes] = freight.packed_folder(source, bytes)
    assert len(pieces) > 10
    freight.put_in_place(pieces, target)
    freight.put_in_place([], target)  # It is there: nothing is asked for.
    for name in ("inner/large", "empty"):
        assert (target / name).read_bytes() == (source / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 20_000)
    (piece,) = freight.packed(tmp_path, ["a"], bytes)
    with pytest.raises(Exception, match="unexpected end"):
        freight.put_in_place([piece[:10_000]], tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_an_entry_arrives_as_it_left(tmp_path: Path) -> None:
    ours, theirs = Cache(tmp_path / "ours"), Cache(tmp_path / "theirs")
    with ours.make("segments", "ab" * 32) as draft:
        (draft.folder / "left.mp4").write_bytes(b"movie")
        draft.facts.update(fades=[{"first": 1}], names=["left"])
    made = ours.find("segments", "ab" * 32)
    assert made is not None
    pieces = freight.packed_folder(made.folder, bytes)
    for _ in range(2):
        freight.take_entry(theirs, "segments", "ab" * 32, pieces)
    found = theirs.find("segments", "ab" * 32)
    assert found is not None and found.facts == made.facts
    assert found.file("left.mp4").read_bytes() == b"movie"
