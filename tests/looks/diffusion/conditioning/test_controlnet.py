from __future__ import annotations

import numpy as np
import pytest
import torch

from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures
from restrip.looks.diffusion.conditioning.controlnet import COMPUTED, canny, hint, lineart, softedge
from restrip.media.frame import Frame

NONE = ControlPictures(None)


def square() -> np.ndarray:
    picture = np.full((64, 64, 3), 40, np.uint8)
    picture[16:48, 16:48] = (220, 200, 180)
    return picture


@pytest.mark.parametrize("find", [canny, lineart, softedge])
def test_edges_are_white_on_the_border_and_black_elsewhere(find) -> None:
    edges = find(square())
    assert edges.shape == (64, 64) and edges.dtype == np.uint8
    assert edges[15:18, 24:40].max(axis=0).min() > 100
    assert edges[28:36, 28:36].max() < 30 and edges[:6].max() < 30
    assert find(np.full((32, 32, 3), 128, np.uint8)).max() == 0


def write(path, value: int) -> None:
    import cv2

    cv2.imwrite(str(path), np.full((48, 64, 3), value, np.uint8))


def test_hints_from_the_frame_and_from_files(tmp_path) -> None:
    frame = Frame(square())
    for kind in COMPUTED:
        seen = hint(kind, frame, 0, (32, 48), NONE)
        assert seen.shape == (3, 48, 32) and torch.equal(seen[0], seen[2])
    tile = hint("tile", frame, 0, (64, 64), NONE)
    assert torch.allclose(tile.permute(1, 2, 0) * 255, torch.from_numpy(square()).float())
    write(tmp_path / "one.png", 51)
    one = ControlPictures(tmp_path / "one.png")
    assert float(hint("depth", frame, 3, (64, 48), one).mean()) == pytest.approx(0.2)
