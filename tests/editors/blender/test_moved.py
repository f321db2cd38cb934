"""Where the files of results live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restrip.link.client import Client

Blender = Callable[..., Any]


def test_results_lie_beside_the_file_and_a_packed_project_has_everything(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    painted = tmp_path / "painted.png"
    cv2.imwrite(str(painted), np.full((72, 96, 3), 128, np.uint8))
    told = blender("moved.beside", path=str(carphone), folder=str(tmp_path), painted=str(painted))
    assert Path(told["unsaved"]).is_absolute() and str(tmp_path / "cut") not in told["unsaved"]
    assert (told["astray before"], told["astray"], told["astray after"]) == (0, 1, 0)
    assert told["gathered"].startswith("//restrip/first restyled ")
    assert told["span"] == [["key 1", 8]]
    assert len(told["saved"]) == 2 and told["saved"][1].startswith("//restrip/second ")
    assert told["whole"] and told["untouched"]
    assert all(kept.startswith("//media/") for kept in told["packed"]) and len(told["packed"]) == 3
    assert told["packed whole"]
    assert told["painted"] == [str(tmp_path / "packed" / "media" / "painted.png")] == told["key"]
    assert "Choose one under Output" in told["asked"]
    assert len(told["mine"]) == 1 and told["mine"][0].startswith("//mine/first ")
