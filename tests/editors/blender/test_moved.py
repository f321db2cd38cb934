"""Where the files of results live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restrip.client.client import Client

Blender = Callable[..., Any]


def test_results_lie_beside_the_file_and_a_packed_project_has_everything(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    painted = tmp_path / "painted.png"
    cv2.imwrite(str(painted), np.full((72, 96, 3), 128, np.uint8))
    rows = [tmp_path / "a" / "row", tmp_path / "b" / "row"]
    for number, folder in enumerate(rows):
        folder.mkdir(parents=True)
        for name, grey in (("p_1.png", 40), ("p_2.png", 80 + 40 * number)):  # The first is the same picture.
            cv2.imwrite(str(folder / name), np.full((72, 96, 3), grey, np.uint8))
    given = {"path": str(carphone), "folder": str(tmp_path), "painted": str(painted)}
    told = blender("moved.beside", pictures=[str(folder / "p_1.png") for folder in rows], **given)
    assert told["rows"] == 3
    assert Path(told["unsaved"]).is_absolute() and str(tmp_path / "cut") not in told["unsaved"]
    assert (told["astray before"], told["astray"], told["astray after"]) == (0, 1, 0)
    assert len(told["gathered"]) == 2 and len(set(told["gathered"])) == 2
    assert all(kept.startswith("//restrip/first restyled ") for kept in told["gathered"])
    assert told["each its own"]
    assert [length for _, length in told["span"]] == [8]
    assert len(told["saved"]) == 3 and told["saved"][2].startswith("//restrip/second ")
    assert told["whole"] and told["untouched"]
    assert all(kept.startswith("//media/") for kept in told["packed"]) and len(told["packed"]) == 4
    assert told["packed whole"]
    assert told["painted"] == [str(tmp_path / "packed" / "media" / "painted.png")] == told["key"]
    assert "Choose one under Output" in told["asked"]
    assert len(told["mine"]) == 1 and told["mine"][0].startswith("//mine/first ")
