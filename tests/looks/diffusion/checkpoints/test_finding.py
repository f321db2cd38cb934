from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import (  # fmt: skip
    TINY,
    Checkpoint,
    CheckpointHashes,
    MissingCheckpoint,
    find_checkpoint,
    find_file,
    hub_folder,
    list_models,
)
from restrip.looks.diffusion.checkpoints.folder_walk import FolderUnsearchable
from restrip.looks.diffusion.checkpoints.origin import origin_of


@pytest.fixture
def models(tmp_path: Path, small, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder as A1111 lays it out."""
    root = tmp_path / "webui"
    (root / "models" / "Stable-diffusion").mkdir(parents=True)
    (root / "models" / "Lora").mkdir()
    small("sd15").save_file(root / "models" / "Stable-diffusion" / "dream.safetensors")
    small("sd15-inpaint").save_file(root / "models" / "Stable-diffusion" / "paint.ckpt")
    small("sdxl").save_folder(root / "models" / "Stable-diffusion" / "big")
    torch.save({"lora_unet_a.lora_down.weight": torch.zeros(2, 2)}, root / "models" / "Lora" / "style.pt")
    (root / "models" / "Lora" / "broken.safetensors").write_bytes(b"nothing")
    (root / "models" / "Lora" / "notes.txt").write_text("not a model")
    monkeypatch.setenv("RESTRIP_MODELS", str(root))
    return root


def test_the_list(models: Path) -> None:
    read: list[Path] = []
    found = {entry["name"]: entry for entry in list_models(models, read.append)}
    assert {name: entry["family"] for name, entry in found.items()} == {
        "dream.safetensors": "sd15", "paint.ckpt": "sd15-inpaint", "big": "sdxl", "style.pt": "lora",
        "broken.safetensors": "unreadable-checkpoint",
    }  # fmt: skip
    path = models / "models" / "Stable-diffusion" / "dream.safetensors"
    assert found["dream.safetensors"]["hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["dream.safetensors"]["path"] == str(path)
    assert len(read) == 4


def test_listing_needs_no_torch(models: Path) -> None:
    code = (
        "import sys; from restrip.looks.diffusion.checkpoints.finding import list_models;"
        f"print(len(list_models({str(models)!r})), 'torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "False", "False"]


def test_finding_by_path_and_by_name(models: Path) -> None:
    path = models / "models" / "Stable-diffusion" / "dream.safetensors"
    for name in (str(path), "dream.safetensors", "dream"):
        found = find_checkpoint(name)
        assert (found.path, found.family, found.name) == (path, "sd15", "dream")
    assert find_checkpoint("big").is_folder
    assert find_file("style").suffix == ".pt"
    assert find_checkpoint("tiny").path == TINY


def test_what_is_not_there_or_no_checkpoint(models: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingCheckpoint, match="nowhere") as caught:
        find_checkpoint("nowhere.safetensors")
    assert caught.value.bad_input and "Stable-diffusion" in caught.value.message
    with pytest.raises(MissingCheckpoint):
        find_checkpoint(str(tmp_path / "gone.ckpt"))
    with pytest.raises(UnknownFamily, match="LoRA"):
        find_checkpoint("style")


def test_a_folders_hash_covers_weights_and_configs(small, tmp_path: Path) -> None:
    folder = small("sd15").save_folder(tmp_path / "model")
    book, checkpoint = CheckpointHashes(tmp_path / "hashes.json"), Checkpoint(folder, "sd15", "m")
    before = book.of_checkpoint(checkpoint)
    assert book.of_checkpoint(checkpoint) == before
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("epsilon", "v_prediction"))
    assert book.of_checkpoint(checkpoint) != before


def test_what_is_kept_is_beside_the_engines_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("RESTRIP_STATE_DIR", "~/kept")
    assert CheckpointHashes().path == tmp_path / "kept" / "content-hashes.json"
    assert hub_folder() == tmp_path / "kept" / "models"


def test_the_models_folder_may_be_below_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "fox.safetensors").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("RESTRIP_MODELS", "~/models")
    assert find_file("fox") == tmp_path / "models" / "fox.safetensors"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders there")
def test_pipes_and_circles_among_models_keep_nobody_waiting(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {entry["name"] for entry in list_models(models)}
    origin = origin_of(models / "models" / "Stable-diffusion" / "dream.safetensors")
    for name in ("pipe.safetensors", "pipe.ckpt", "pipe.gguf", "folder/model_index.json"):
        (models / name).parent.mkdir(exist_ok=True)
        os.mkfifo(models / name)
    os.mkfifo(models / "models" / "Stable-diffusion" / "dream.md")
    (models / "models" / "circle").symlink_to(models)
    found = {entry["name"]: entry["family"] for entry in list_models(models)}
    assert set(found) == known | {"pipe.safetensors", "pipe.ckpt", "pipe.gguf", "folder"}
    assert {found[f"pipe.{end}"] for end in ("safetensors", "ckpt", "gguf")} == {"unreadable-checkpoint"}
    assert found["folder"] == "unknown-family"
    assert origin_of(models / "models" / "Stable-diffusion" / "dream.safetensors") == origin
    monkeypatch.setenv("RESTRIP_MODELS", os.pathsep.join(("/proc", str(models))))
    assert find_file("dream").stem == "dream" and find_file("style").suffix == ".pt"
    if sys.platform == "linux":
        with pytest.raises(FolderUnsearchable):
            list_models("/proc/self")
