"""The controls of propagation, as front-ends draw them, and as the stages take them. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.client.setting import Setting, own
from restrip.timeline import FrameRange

ON = "propagate_on"
"""The setting that says where; what it comes to is `restrip.propagate.device_choice.chosen`'s to say."""

STROKES = "strokes"
GRAPHS = "propagate_graphs"

PROPAGATE_SETTINGS = (
    Setting(
        "lean",
        "float",
        0.1,
        "Borrow from neighbour",
        "Where a keyframe can't know what comes into the picture later, its strip may take so much from the keyframe "
        "on the other side, outside the crossfade too. 0 keeps every strip independent, for mixing by hand.",
        0.0,
        1.0,
        group="motion",
    ),
    Setting(
        "shading",
        "float",
        1.0,
        "Follow light",
        "How far the look follows light and colour that change after the key. 0 for looks that should not.",
        0.0,
        1.0,
        group="motion",
    ),
    Setting(
        STROKES,
        "choice",
        "auto",
        "Strokes",
        "What is shown where two keyframes are painted with different strokes. Crisp: one keyframe's strokes, whole, "
        "and each place changes over to the other's at a time of its own. Smooth: both averaged, softer and quicker. "
        "Automatic compares the two keyframes.",
        choices=(("auto", "Automatic"), ("crisp", "Crisp"), ("smooth", "Smooth")),
        group="motion",
    ),
    Setting(
        ON,
        "choice",
        "auto",
        "Motion runs on",
        "Which processor carries the keyframes along the motion. Automatic takes an NVIDIA or AMD GPU that torch can "
        "use and that has the memory; the pictures of CPU and GPU differ slightly.",
        choices=(("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "GPU")),
        group="motion",
    ),
    Setting(
        GRAPHS,
        "bool",
        True,
        "GPU graphs",
        "An NVIDIA GPU plays a frame's work as a whole instead of being started for each of its steps: for frames up "
        "to 2048x1152, where that is quicker, and where there is the memory for it. Pictures are the same. Off starts "
        "every step by itself.",
        group="motion",
        when=(ON, ("auto", "cuda")),
    ),
)


@dataclass(frozen=True)
class PropagateSettings:
    """What `propagate` needs beside frames and keys.

    `lean`, `shading` and `strokes` are the settings of those keys. `fade` is the proposed hand-over inside the
    segment, around which the two renditions lean on each other; None leans over the whole segment. `baked` asks for
    the baked rendition too. `device` is "auto", "cpu" or "cuda", as the setting `propagate_on`. `scratch` is a folder
    for temporary files ("" is the system's); they hold the motion of a segment and vanish with the work. `quick` is for
    drafts: less searching. `graphs` has a GPU play a frame's work as a whole.
    """

    lean: float = 0.1
    shading: float = 1.0
    fade: FrameRange | None = None
    baked: bool = False
    device: str = "cpu"
    scratch: str = ""
    strokes: str = "auto"
    quick: bool = False
    graphs: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], **more: Any) -> PropagateSettings:
        """From settings by `Setting.key`; those of others are left alone. Raises BadSetting."""
        values = own(PROPAGATE_SETTINGS, given)
        return cls(**{"device": values.pop(ON), "graphs": values.pop(GRAPHS), **values, **more})
