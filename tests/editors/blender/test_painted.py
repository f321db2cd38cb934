"""Keys painted in other programs, from Blender: exported, watched, opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restrip.client.client import Client

Blender = Callable[..., Any]


@pytest.mark.skipif(os.name != "posix", reason="a script with a first line that names its program")
def test_a_saved_key_is_shown_by_the_strips_that_are_there(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    for name, level in (("dark", 60), ("light", 200)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((144, 192, 3), level, np.uint8))
    program = tmp_path / "My Paint"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"open({str(program)!r} + '.part', 'w').write('\\n'.join(sys.argv[1:]))\n"
        f"os.rename({str(program)!r} + '.part', {str(program)!r} + '.told')\n"
    )
    program.chmod(0o755)
    folder = tmp_path / "painted keys"
    told = blender(
        "painted.story",
        movie=str(carphone),
        folder=str(folder),
        dark=str(tmp_path / "dark.png"),
        light=str(tmp_path / "light.png"),
        program=str(program),
        out=str(tmp_path),
    )
    assert "no picture yet" in told["open before"]
    assert told["exported"] == ["FINISHED"] and "3 keys to paint" in told["said"]
    assert told["files"] == ["How to paint these keys.txt", "key_00005.png", "key_00020.png", "key_00035.png"]
    wanted = {"look.family": "keys", "look.keys": str(folder), "keys.watch": True}
    assert told["values"].items() >= wanted.items() and told["watched before a job"] == 0
    assert told["before"] < 90 < 110 < told["after"], "the saved key is seen"
    same, before, after = told["same"]
    assert same, f"what the editor did stays:\n{before}\n{after}"
    assert told["takes"] and told["new files"] and told["jobs"] == 1
    assert told["redone"]["segments_rendered"] == 2 and told["redone"]["keys_rendered"] == 1
    assert told["trouble"] == "key-folder-gone" and told["well"] and told["still"]
    assert told["opens"] == [["FINISHED"], "Open Key in My Paint"]
    assert told["opened"] == ["--new", str(folder / "key_00020.png")]
    assert told["stopped"] and told["after reopening"] and told["takes after reopening"] == 1
    # Of those since the file was saved the newest stays; what that shows still lies with the engine.
    assert told["results"] == [[False, False, False, True], 1]
    assert "/nowhere/krita" in told["missing"] and told["off"]
