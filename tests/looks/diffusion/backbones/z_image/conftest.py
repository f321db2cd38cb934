"""A small Z-Image, built once, in ComfyUI's folders and as a diffusers folder."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from restrip.looks import open_look
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.runtime import model_cache

sys.path.insert(0, str(Path(__file__).parent))
import small_z_image as small

FAST = {"steps": 4, "cfg_scale": 1.0, "prompt": "a photo", "width": 64, "height": 48, "denoising_strength": 0.6}


@pytest.fixture(scope="session")
def z_image() -> SimpleNamespace:
    return small.made()


@pytest.fixture(scope="session")
def places(z_image, tmp_path_factory) -> SimpleNamespace:
    """Its `configs`, its diffusers `folder`, and its `file` in ComfyUI's folders."""
    root = tmp_path_factory.mktemp("z-image")
    return SimpleNamespace(
        configs=small.save_configs(root / "configs"),
        folder=small.save_folder(z_image, root / "folder"),
        file=small.save_comfy(z_image, root / "ComfyUI"),
    )


@pytest.fixture
def z_look(places, monkeypatch):
    """z_look(**settings) opens the small model's file, or another `path`."""
    monkeypatch.setattr(loader, "CONFIGS", places.configs)
    yield lambda path=places.file, **settings: open_look(f"sd:{path}", {**FAST, **settings})
    model_cache.unload()
