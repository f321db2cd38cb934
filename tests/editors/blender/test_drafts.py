"""A draft in Blender: marked in name and colour, over the same area, and replaced in place by the full render."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restrip.client.client import Client

Blender = Callable[..., Any]


def test_a_draft_is_marked_and_rendered_in_full_where_it_lies(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    told = blender(
        "drafts.draft_then_full",
        limit_s=400,
        path=str(carphone),
        values={"look.neural": "19", "style_strength": 0.5},
        size=[192, 144],
        folder=str(tmp_path),
    )
    draft, pulled, full = told["draft"], told["pulled"], told["full"]
    assert "no draft" in told["before"] and told["can"] == "" and "no draft" in told["again"]
    assert (draft["name"], draft["colour"], draft["inner colours"]) == (
        "shot restyled (draft)",
        "COLOR_02",
        ["COLOR_02"],
    )
    assert set(draft["files"]) == {"draft-"} and set(full["files"]) == {"strip-"}
    assert told["asked"] == [[192, 144], None] and told["value"] is False
    assert draft["sizes"][0] == [96, 72] and full["sizes"][0] == [192, 144]
    assert draft["area"] == full["area"], "the same part of the canvas"
    assert told["settings"][0] == told["settings"][1]
    # In place: one result, as the editor trimmed it, and the fade as it was pulled.
    assert told["results"] == 1
    assert (full["name"], full["colour"], full["inner colours"]) == ("shot restyled", "COLOR_05", ["NONE"])
    assert full["span"] == pulled["span"] == [1, 10] and draft["span"] == [1, 11]
    assert full["fade"] == pulled["fade"] != draft["fade"]
    shown, comes = (cv2.imread(told[name][0]) for name in ("draft picture", "full picture"))
    assert shown is not None and comes is not None
    assert float(np.corrcoef(shown.ravel(), comes.ravel())[0, 1]) > 0.95
    # Older takes are marked as what they are.
    assert (told["draft again"]["name"], told["draft again"]["colour"]) == ("shot restyled (draft)", "COLOR_02")
    assert told["full again"] == ["shot restyled", "COLOR_08"]
