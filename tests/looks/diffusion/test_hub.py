from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from restrip.looks.diffusion import hub
from restrip.looks.diffusion.checkpoint import find_checkpoint, hub_folder
from restrip.looks.diffusion.hub import DownloadFailed, NoHubName, NotDownloaded, download


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


def test_what_has_no_index_is_no_model(monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *args, **kwargs: None)
    with pytest.raises(DownloadFailed, match="diffusers model"):
        download("owner/data", tmp_path, silent.report)


def test_as_a_program_it_tells_in_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    def fetch(repo: str, local_dir: Path, tqdm_class, **more: object) -> None:
        (local_dir / "model_index.json").write_text("{}")
        tqdm_class(total=1).update()

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert hub.main(["owner/model", str(tmp_path)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"done": 1, "total": 1, "unit": "files"}, {"folder": str(tmp_path / "owner--model")}]
    assert hub.main(["owner", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "no-hub-name"
