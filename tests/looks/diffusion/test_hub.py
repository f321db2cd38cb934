from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from restrip.looks.diffusion import hub
from restrip.looks.diffusion.checkpoint import find_checkpoint, hub_folder
from restrip.looks.diffusion.hub import DownloadFailed, NotDownloaded, download


def test_naming_a_model_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: pytest.fail("it was fetched"))
    with pytest.raises(NotDownloaded, match="--download owner/model"):
        find_checkpoint("hub:owner/model")
    with pytest.raises(NotDownloaded):
        find_checkpoint("hub:../../etc")


def test_a_model_that_was_fetched_is_used_from_disk(small, monkeypatch: pytest.MonkeyPatch, silent) -> None:
    def fetch(repo: str, local_dir: Path, tqdm_class, allow_patterns, ignore_patterns) -> None:
        small("sd15").save_folder(local_dir)
        assert repo == "owner/model" and "*.safetensors" in allow_patterns
        with pytest.raises(NotDownloaded):  # half a model is none
            hub.find(repo, hub_folder())
        with tqdm_class(total=3, unit="it") as bar, tqdm_class(total=99, unit="B") as bytes_bar:
            for _ in range(3):
                bytes_bar.update(33)
                bar.update(1)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    folder = download("owner/model", hub_folder(), silent.report)
    assert silent.told == [(1, 3), (2, 3), (3, 3)]
    assert find_checkpoint("hub:owner/model").path == folder


def test_failure_is_named(monkeypatch: pytest.MonkeyPatch, silent, tmp_path: Path) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(DownloadFailed, match="no connection"):
        download("owner/model", tmp_path, silent.report)
    with pytest.raises(NotDownloaded):
        hub.find("owner/model", tmp_path)
