from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

from restrip.looks.diffusion.checkpoints import hub
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint, hub_folder
from restrip.looks.diffusion.checkpoints.hub import DownloadFailed, NoHubName, NotDownloaded, download


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that the hub lists for any model."""
    files = ["model_index.json", "unet/config.json", "unet/model.fp32.safetensors", "picture.png"]
    info = SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in files])
    monkeypatch.setattr(huggingface_hub, "model_info", lambda repo: info)
    return files


def put(folder: Path) -> None:
    """What a whole download of `listed` leaves."""
    (folder / "unet").mkdir(exist_ok=True)
    for name in ("model_index.json", "unet/config.json"):
        (folder / name).write_text("{}")


def test_naming_a_model_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: pytest.fail("it was fetched"))
    with pytest.raises(NotDownloaded, match="--download owner/model"):
        find_checkpoint("hub:owner/model")
    for name in ("../../etc", "..", "one", "a/b/c", "owner/..", "https://huggingface.co/owner/model", ""):
        with pytest.raises(NoHubName):
            find_checkpoint(f"hub:{name}")


def test_a_model_that_was_fetched_is_used_from_disk(small, monkeypatch: pytest.MonkeyPatch, silent) -> None:
    def fetch(repo: str, local_dir: Path, tqdm_class, allow_patterns, ignore_patterns) -> None:
        small("sd15").save_folder(local_dir)
        assert repo == "owner/model" and "*.safetensors" in allow_patterns
        with pytest.raises(NotDownloaded):  # half a model is none
            hub.find(repo, hub_folder())
        with tqdm_class(total=3, unit="it") as bar, tqdm_class(total=0, unit="B") as bytes_bar:
            bar.update(1)
            bytes_bar.total += 90 << 20  # grows while files are found
            for _ in range(3):
                bytes_bar.update(30 << 20)
                bar.update(1)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    folder = download("owner/model", hub_folder(), silent.report)
    assert silent.told == [(1, 3), (30, 90), (60, 90), (90, 90)]
    assert find_checkpoint("hub:owner/model").path == folder


def test_failure_is_named(monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(DownloadFailed, match="no connection"):
        download("owner/model", tmp_path, silent.report)
    with pytest.raises(NotDownloaded):
        hub.find("owner/model", tmp_path)


def test_no_connection_is_named(monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path) -> None:
    """The hub's library lets the errors of its HTTP library through, and which that is has changed."""

    class HTTPError(Exception):
        """As httpx has it: no OSError."""

    class ConnectError(HTTPError):
        pass

    def unreachable(repo: str) -> None:
        raise ConnectError("Connection refused")

    monkeypatch.setitem(sys.modules, "httpx2", SimpleNamespace(HTTPError=HTTPError))
    monkeypatch.setattr(huggingface_hub, "model_info", unreachable)
    with pytest.raises(DownloadFailed, match="Connection refused"):
        download("owner/model", tmp_path, silent.report)


def test_what_has_no_index_is_no_model(monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub, "model_info", lambda repo: SimpleNamespace(siblings=None))
    with pytest.raises(DownloadFailed, match="diffusers model"):
        download("owner/data", tmp_path, silent.report)


def test_a_model_that_the_hub_lacks(monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path) -> None:
    class Gone(RepositoryNotFoundError):
        def __init__(self) -> None:
            Exception.__init__(self, "404")

    def gone(repo: str) -> None:
        raise Gone

    monkeypatch.setattr(huggingface_hub, "model_info", gone)
    with pytest.raises(DownloadFailed, match="no such model"):
        download("owner/gone", tmp_path, silent.report)
    assert not list(tmp_path.iterdir())


def test_half_a_model_stays_half_when_the_connection_goes(
    monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path
) -> None:
    """The hub's library then returns what is there, without an error."""

    def half(repo: str, local_dir: Path, **more: object) -> None:
        (local_dir / "model_index.json").write_text("{}")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", half)
    with pytest.raises(DownloadFailed, match=r"1 of its 2 files are missing, such as unet/config\.json"):
        download("owner/model", tmp_path, silent.report)
    with pytest.raises(NotDownloaded):
        hub.find("owner/model", tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda repo, local_dir, **more: put(local_dir))
    assert download("owner/model", tmp_path, silent.report) == hub.find("owner/model", tmp_path)


def test_as_a_program_it_tells_in_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    def fetch(repo: str, local_dir: Path, tqdm_class, **more: object) -> None:
        put(local_dir)
        tqdm_class(total=1).update()

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert hub.main(["owner/model", str(tmp_path)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"done": 1, "total": 1, "unit": "files"}, {"folder": str(tmp_path / "owner--model")}]
    assert hub.main(["owner", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "no-hub-name"
