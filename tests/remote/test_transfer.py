"""Files that go to another computer and come back, with a wire that breaks when the test says so."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from restrip.client.client import Client
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.media.files import DiskFull, MediaMissing
from restrip.remote import transfer as transfer_module
from restrip.remote.tasks import TASKS
from restrip.remote.transfer import LaterError, NotThereError, Transfer, TransferJournal
from restrip.remote.upload_store import (
    BLOCK_BYTES,
    SPARE_BYTES,
    BadFile,
    FileChanged,
    OfferedFile,
    UploadStore,
    ends_sha256,
)


class OtherComputer:
    """What the engine there does with these requests; `breaks_after` pieces the wire is gone."""

    def __init__(self, root: Path, breaks_after: int = 1_000_000) -> None:
        self.store = UploadStore(root)
        self.breaks_after = breaks_after
        self.asked: list[str] = []

    def request(self, kind: str, body: dict[str, Any], timeout_s: float = 60.0) -> dict[str, Any]:
        self.asked.append(kind)
        if kind == "locate":
            path = Path(body["path"])
            return {"same": path.is_file() and ends_sha256(path) == body["ends"]}
        if kind == "get":
            if self.asked.count("get") > self.breaks_after:
                raise ConnectionError
            with open(body["path"], "rb") as file:
                file.seek(body["offset"])
                return {"data": base64.b64encode(file.read(body["bytes"])).decode()}
        file = OfferedFile.read(body)
        if kind == "offer":
            there = self.store.has(file)
            path = str(self.store.path(file)) if there else ""
            return {"path": path, "folder": str(self.store.folder(file)), "offset": self.store.offset(file)}
        if kind == "put":
            if self.asked.count("put") > self.breaks_after:
                raise ConnectionError
            return {"offset": self.store.add(file, body["offset"], base64.b64decode(body["data"]))}
        assert kind == "keep"
        return {"path": str(self.store.keep(file)), "folder": str(self.store.folder(file))}


def transfer_to(there: OtherComputer, journal: Path, **more: Any) -> Transfer:
    known: dict[str, Any] = {"shared": False, "report": lambda *_, **__: None, "until": time.monotonic() + 1000, **more}
    return Transfer(cast(Client, there), TransferJournal.load(journal), **known)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherComputer:
    monkeypatch.setattr(transfer_module, "PIECE_BYTES", 1000)
    return OtherComputer(tmp_path / "there")


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "näme with space.mov"
    path.write_bytes(np.random.default_rng(1).bytes(10_500))
    return path


def test_a_file_arrives_and_is_sent_once(there: OtherComputer, movie: Path, tmp_path: Path) -> None:
    path = transfer_to(there, tmp_path / "a.json").send(str(movie))
    assert Path(path).read_bytes() == movie.read_bytes() and Path(path).name == movie.name
    assert there.asked.count("put") == 11
    # Another job, which remembers nothing: the other computer does.
    assert transfer_to(there, tmp_path / "b.json").send(str(movie)) == path
    assert there.asked.count("put") == 11
    # The same job: it doesn't even ask.
    before = len(there.asked)
    assert transfer_to(there, tmp_path / "a.json").send(str(movie)) == path
    assert len(there.asked) == before


def test_a_broken_wire_goes_on_where_it_stopped(there: OtherComputer, movie: Path, tmp_path: Path) -> None:
    there.breaks_after = 4
    with pytest.raises(ConnectionError):
        transfer_to(there, tmp_path / "a.json").send(str(movie))
    there.breaks_after = 1_000_000
    path = transfer_to(there, tmp_path / "a.json").send(str(movie))
    assert Path(path).read_bytes() == movie.read_bytes()
    assert there.asked.count("put") == 5 + 7  # The fifth was lost.


def test_a_turn_ends_and_the_next_goes_on(there: OtherComputer, movie: Path, tmp_path: Path) -> None:
    with pytest.raises(LaterError):
        transfer_to(there, tmp_path / "a.json", until=time.monotonic() - 1).send(str(movie))
    path = transfer_to(there, tmp_path / "a.json").send(str(movie))
    assert Path(path).read_bytes() == movie.read_bytes()


def test_a_file_that_changes_on_the_way_is_refused(there: OtherComputer, movie: Path, tmp_path: Path) -> None:
    there.breaks_after = 4
    with pytest.raises(ConnectionError):
        transfer_to(there, tmp_path / "a.json").send(str(movie))
    part = next((tmp_path / "there").rglob("parts/*"))
    part.write_bytes(b"x" * part.stat().st_size)
    there.breaks_after = 1_000_000
    with pytest.raises(FileChanged):
        transfer_to(there, tmp_path / "a.json").send(str(movie))
    assert Path(transfer_to(there, tmp_path / "a.json").send(str(movie))).read_bytes() == movie.read_bytes()


def test_sequences_and_folders_keep_their_names(there: OtherComputer, tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "unet").mkdir(parents=True)
    (model / "model_index.json").write_text("{}")
    (model / "unet" / "config.json").write_text("{1}")
    (model / "empty.txt").touch()
    named = [str(path) for path in model.rglob("*") if path.is_file()]
    sent = Path(transfer_to(there, tmp_path / "a.json").send_folder(str(model), named))
    found = {path.relative_to(sent).as_posix(): path.read_text() for path in sent.rglob("*") if path.is_file()}
    assert found == {"model_index.json": "{}", "unet/config.json": "{1}", "empty.txt": ""}
    frames = [tmp_path / f"frame_{n:04d}.png" for n in range(5)]
    for n, frame in enumerate(frames):
        frame.write_bytes(bytes([n % 2]))  # Equal contents under several names.
    paths = transfer_to(there, tmp_path / "b.json").send_all([str(frame) for frame in frames])
    assert len({Path(path).parent for path in paths}) == 1
    assert [Path(path).name for path in paths] == [frame.name for frame in frames]


def test_the_same_path_there_is_taken_when_the_file_is_the_same(
    there: OtherComputer, movie: Path, tmp_path: Path
) -> None:
    assert transfer_to(there, tmp_path / "a.json", shared=True).send(str(movie)) == str(movie)
    assert there.asked == ["locate"]
    with pytest.raises(NotThereError):
        transfer_to(there, tmp_path / "b.json", look_only=True).send(str(movie))
    with pytest.raises(MediaMissing):
        transfer_to(there, tmp_path / "a.json").send(str(tmp_path / "none.mov"))


def test_results_come_back_and_go_on_where_they_stopped(there: OtherComputer, movie: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(movie.read_bytes()).hexdigest()
    listed = {"path": str(movie), "name": movie.name, "size": movie.stat().st_size, "sha256": sha256}
    here = UploadStore(tmp_path / "here")
    there.breaks_after = 4
    with pytest.raises(ConnectionError):
        transfer_to(there, tmp_path / "a.json").bring("job", listed, here)
    there.breaks_after = 1_000_000
    brought = transfer_to(there, tmp_path / "a.json").bring("job", listed, here)
    assert brought.read_bytes() == movie.read_bytes()
    assert there.asked.count("get") == 5 + 7
    assert transfer_to(there, tmp_path / "a.json").bring("job", listed, here) == brought
    assert there.asked.count("get") == 12


def test_the_shelf_forgets_what_nobody_used(tmp_path: Path) -> None:
    store = UploadStore(tmp_path)
    for text in (b"old", b"new"):
        sha256 = hashlib.sha256(text).hexdigest()
        file = OfferedFile(sha256, "x", 3, sha256)
        assert store.add(file, 0, text) == 3
        assert store.add(file, 0, text) == 3  # Said twice: the reply was lost.
        store.keep(file)
    old = OfferedFile(hashlib.sha256(b"old").hexdigest(), "x", 3, hashlib.sha256(b"old").hexdigest())
    os.utime(store.folder(old), (0, 0))
    store.prune()
    assert not store.has(old)
    assert sorted(path.name for path in store.root.rglob("*") if path.is_file()) == ["x", "x.sha256"]


def test_a_file_is_known_by_its_content_and_whose_it_is(tmp_path: Path) -> None:
    mine, theirs = UploadStore(tmp_path, "mine"), UploadStore(tmp_path, "theirs")
    sha256 = hashlib.sha256(b"one").hexdigest()
    one = OfferedFile("0" * 64, "x", 3, sha256)
    mine.add(one, 0, b"one")
    mine.keep(one)
    assert mine.has(one) and not theirs.has(one)
    assert not mine.has(replace(one, sha256=hashlib.sha256(b"two").hexdigest())), "size and name aren't a content"
    # Looked at before the last piece, or with a piece that came while it was looked at.
    two = OfferedFile("0" * 64, "y", 6, hashlib.sha256(b"twotwo").hexdigest())
    mine.add(two, 0, b"two")
    with pytest.raises(FileChanged):
        mine.keep(two)
    mine.add(two, 0, b"twotwo")
    mine.keep(two, lambda: mine.add(two, 0, b"more") and None)
    assert mine.path(two).read_bytes() == b"twotwo"
    assert mine.bytes_used() == 3 * BLOCK_BYTES


def test_a_disk_never_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, file = UploadStore(tmp_path, "guest"), OfferedFile("0" * 64, "x", 1 << 20, "0" * 64)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=SPARE_BYTES + 10))
    with pytest.raises(DiskFull):
        store.offset(file)
    # Nor for one that doesn't ask.
    assert store.add(file, 0, b"x" * 10) == 10
    with pytest.raises(DiskFull):
        store.add(file, 10, b"x" * 11)


def test_room_is_made_of_what_no_job_needs(tmp_path: Path) -> None:
    store, job = UploadStore(tmp_path, "guest"), tmp_path / "jobs" / "job-1"
    named = {}
    for text in (b"needed", b"old", b"older", b"new"):
        sha256 = hashlib.sha256(text).hexdigest()
        named[text] = OfferedFile(sha256, "x", len(text), sha256)
        store.add(named[text], 0, text)
        store.keep(named[text])
    for text, age_days in ((b"needed", 9), (b"older", 8), (b"old", 7)):
        os.utime(store.folder(named[text]), (time.time() - age_days * 86400,) * 2)
    job.mkdir(parents=True)
    (job / "job.json").write_text(json.dumps({"source": {"paths": [str(store.path(named[b"needed"]))]}}))

    def task(leave: int) -> dict[str, Any]:
        body = {"shelf": store.name, "jobs": ["job-1", "gone-1"], "leave": leave}
        message = {"kind": "make_room", "job": "", "state_dir": str(tmp_path), "body": body}
        return run_task(WorkerMemory(), message, lambda *_, **__: None, TASKS)

    assert task(3 * BLOCK_BYTES) == {"used": {store.name: 3 * BLOCK_BYTES}}
    assert {text for text, file in named.items() if store.path(file).is_file()} == {b"needed", b"old", b"new"}
    assert task(0) == {"used": {store.name: 2 * BLOCK_BYTES}}
    assert {text for text, file in named.items() if store.path(file).is_file()} == {b"needed", b"new"}


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "", "a//b", ".x", "a\\b", "c:x", "x" * 401, "a/" * 9 + "b", " x"]
)
def test_names_stay_inside(name: str) -> None:
    sha256 = "0" * 64
    with pytest.raises(BadFile):
        OfferedFile.read({**asdict(OfferedFile(sha256, "x", 1, sha256)), "name": name})


@pytest.mark.parametrize("lie", [{"name": "../../x"}, {"name": "/etc/x"}, {"sha256": "../../.."}, {"size": -1}])
def test_an_engine_elsewhere_names_no_place_here(
    there: OtherComputer, movie: Path, tmp_path: Path, lie: dict[str, Any]
) -> None:
    sha256 = hashlib.sha256(movie.read_bytes()).hexdigest()
    listed = {"path": str(movie), "name": movie.name, "size": movie.stat().st_size, "sha256": sha256, **lie}
    with pytest.raises(BadFile):
        transfer_to(there, tmp_path / "a.json").bring("job", listed, UploadStore(tmp_path / "here"))
    assert not (tmp_path / "here").exists()
