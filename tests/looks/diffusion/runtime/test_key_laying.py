"""What an edit model moved or recoloured is set right, in its own keys as in given ones; its sizes move nothing."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from restrip.looks.diffusion.backbones.flux2.klein import KleinBackbone
from restrip.looks.diffusion.backbones.flux2.rows import KLEIN
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime.key_laying import laid
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.size import working_size
from restrip.looks.diffusion.spec import LookSpec
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key


class Copier(torch.nn.Module):
    """A network whose every picture is its first reference: a perfect edit model that changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, hidden_states: torch.Tensor, timestep: torch.Tensor, img_ids: torch.Tensor, **more: Any) -> Any:
        made = int((img_ids[:, 0] == 0).sum())
        x, seen = hidden_states[:, :made], hidden_states[:, made : 2 * made]
        return ((x - seen) / timestep[:, None, None],)


class Plain(torch.nn.Module):
    """A VAE that loses nothing; its decoder moves pictures to the right and gives them a cast."""

    def __init__(self, right: int = 0, cast: float = 0.0) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(1), requires_grad=False)
        self.bn = SimpleNamespace(running_mean=torch.zeros(768), running_var=torch.ones(768))
        self.config = SimpleNamespace(block_out_channels=(1,) * 4, batch_norm_eps=0.0)
        self.right, self.cast = right, cast

    def encode(self, x: torch.Tensor) -> Any:
        return SimpleNamespace(latents=F.pixel_unshuffle(x, 8))

    def decode(self, z: torch.Tensor) -> Any:
        picture = F.pixel_shuffle(z, 8)
        tint = torch.tensor([self.cast, 0.0, -self.cast]).reshape(1, 3, 1, 1)
        return SimpleNamespace(sample=torch.roll(picture, self.right, 3) * (1 - abs(self.cast)) + tint)

    def enable_tiling(self) -> None:
        """Nothing to tile."""

    disable_tiling = enable_tiling


class Wordless:
    @property
    def parts(self) -> dict[str, Any]:
        return {}

    def at_work(self, turns: Any) -> Any:
        return nullcontext()

    def encode(self, prompt: str, clip_skip: int = 1, *, negative: bool = False) -> Cond:
        return Cond(torch.zeros(1, 1))


def key_of(frame: Frame, vae: Plain, **settings: Any) -> Any:
    """What comes of a frame whose edit is the frame itself, at the size that klein works at."""
    values = {"steps": 4, "cfg_scale": 1.0, "denoising_strength": 1.0, **settings}
    recipe = Recipe.from_settings(values)
    model = Model("copier", KleinBackbone(KLEIN, Copier()), vae, Wordless())
    spec = LookSpec(Checkpoint(Path("copier"), "klein", "copier"), KLEIN, recipe, 1024, "0" * 64, "copier")
    size = working_size(frame.size, recipe, KLEIN.native_px, KLEIN.multiple_px)
    return Pipeline(spec, model, size, torch.float32).stylize([Task(frame, Key(7, name="rain"))], silent, Round())[0]


@pytest.fixture(scope="module")
def grid() -> Frame:
    """1920x1080 with soft lines two pixels wide every 40, the outermost 8 from the border."""
    wide, high = (np.minimum((np.arange(side) - 8.5) % 40, 40 - (np.arange(side) - 8.5) % 40) for side in (1920, 1080))
    lines = np.maximum(np.exp(-((wide / 3) ** 2))[None], np.exp(-((high / 3) ** 2))[:, None])
    return Frame(np.repeat((20 + 200 * lines).astype(np.uint8)[..., None], 3, axis=2))


def lines_of(rgb: np.ndarray, axis: int) -> np.ndarray:
    """Where lines lie: the middle of the light of each 40 pixels along a cut between the lines of the other way."""
    cut = rgb[28, :, 0] if axis else rgb[:, 28, 0]
    cut = cut[: len(cut) // 40 * 40].astype(float).reshape(-1, 40)[:, :18] - 20
    return (cut * np.arange(18)).sum(1) / cut.sum(1)


@pytest.mark.parametrize("settings", [{}, {"width": 1920}, {"pixel_budget": 700_000}])
def test_no_edge_moves(settings: dict[str, int], grid: Frame) -> None:
    """At klein's own size (1360x768), above the size at which references are shrunk, and at another one."""
    made = key_of(grid, Plain(), edit_correction="off", **settings)
    for axis in (0, 1):
        moved = lines_of(made.picture.rgb, axis) - lines_of(grid.rgb, axis)
        assert float(np.abs(moved).max()) < 0.05, made.facts["size"]
    assert all(side % 16 == 0 for side in made.facts["size"]) and made.picture.size == grid.size
    assert np.abs(made.picture.rgb.astype(int) - grid.rgb).mean() < 2


def test_a_shift_of_the_models_is_set_back_and_said(bunny: Frame) -> None:
    frame = Frame(cv2.resize(bunny.rgb, (480, 272), interpolation=cv2.INTER_AREA))
    moved = key_of(frame, Plain(right=3), edit_correction="off", width=480, height=272)
    made = key_of(frame, Plain(right=3), width=480, height=272)
    inside = (slice(None), slice(8, -8))
    errors = [float(np.abs(one.picture.rgb.astype(int) - frame.rgb)[inside].mean()) for one in (moved, made)]
    assert errors[1] < 0.2 < 3 < errors[0]
    assert made.notes == ("The picture of the key rain was moved 3.0 px right: set back.",) and not moved.notes
    still = key_of(frame, Plain(), width=480, height=272)
    assert not still.notes and np.abs(still.picture.rgb.astype(int) - frame.rgb).max() <= 1


def test_pixels_are_those_of_the_frame(bunny: Frame) -> None:
    """The model works at half of the frame's size: what it moves by 3 px is 6 px there."""
    made = key_of(bunny, Plain(right=3), width=bunny.size[0] // 32 * 16)
    ratio = bunny.size[0] / made.facts["size"][0]
    assert f"moved {3 * ratio:.1f} px right" in made.notes[0]


def test_a_cast_goes_where_a_part_was_meant_alone(bunny: Frame) -> None:
    frame = Frame(cv2.resize(bunny.rgb, (480, 272), interpolation=cv2.INTER_AREA))
    errors = {}
    for how in ("shifts", "parts"):
        made = key_of(frame, Plain(cast=0.06), edit_correction=how, width=480, height=272)
        errors[how] = float(np.abs(made.picture.rgb.astype(int) - frame.rgb).mean())
    assert errors["parts"] < 0.5 < 2 < errors["shifts"]


def test_what_is_too_small_to_compare_is_left(bunny: Frame) -> None:
    small = np.zeros((40, 64, 3), np.float32)
    assert laid(Task(bunny, Key(0)), small, "shifts") == (None, ())
