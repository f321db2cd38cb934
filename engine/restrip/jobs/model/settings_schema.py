"""Everything that can be set, in one table that front-ends draw. Loads no numerics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from restrip.client.setting import Setting
from restrip.looks.diffusion.backbones.abilities import told_families
from restrip.looks.families import FAMILIES, look_settings
from restrip.media.formats import FORMATS
from restrip.propagate.settings import PROPAGATE_SETTINGS
from restrip.registration.settings import KEY_SETTINGS
from restrip.storage.json_files import digest

MATTE_SETTINGS = (
    Setting(
        "matte_feather",
        "float",
        4.0,
        "Feather",
        "Softens the matte's edge.",
        0.0,
        200.0,
        unit="px",
        group="matte",
        when=("matte", ()),
    ),
)

HIGHLIGHTS = Setting(
    "highlights",
    "choice",
    "auto",
    "Highlights",
    "What becomes of light beyond white in HDR movies (PQ, HLG) and OpenEXR. Kept: looks and keys see a picture for a "
    "display, and the highlights come back onto the result, as strong as they were. Off: looks see the code values. "
    "Other footage stays as it is.",
    choices=(("auto", "Keep"), ("off", "Off")),
    group="source",
)

ENCODE_ON = Setting(
    "encode_on",
    "choice",
    "cpu",
    "Encode movies on",
    "Which processor encodes H.264 and HEVC. Automatic tries the encoders of the graphics hardware (NVENC, "
    "VideoToolbox, Quick Sync, AMF, VA-API) on frames of the clip and takes the first whose pictures are as good as "
    "the CPU's; files may be larger. Where there is none, or one fails, the CPU does it.",
    choices=(("cpu", "CPU"), ("auto", "Automatic")),
    group="motion",
)

SOURCE_SETTINGS = (
    Setting(
        "strict",
        "bool",
        False,
        "Stop at damaged frames",
        "Stop at a frame that is damaged in the source file. Off, the frame before is shown in its place, and the "
        "result lists where.",
        group="source",
    ),
    Setting(
        "video_stream",
        "int",
        0,
        "Video stream",
        "Which of a movie's video streams is restyled, counted from 1; 0 takes the one that players show. Covers and "
        "thumbnails don't count.",
        0,
        99,
        group="source",
    ),
    Setting(
        "gaps",
        "choice",
        "hold",
        "Missing pictures",
        "What is done where numbers are missing between the pictures of a folder. In an editor the strip says which "
        "picture each frame shows; there only stopping makes a difference.",
        choices=(
            ("hold", "Hold the picture before"),
            ("close", "Show the next one at once"),
            ("refuse", "Stop"),
        ),
        group="source",
    ),
    HIGHLIGHTS,
    ENCODE_ON,
)

PLANNED = (HIGHLIGHTS, ENCODE_ON)
"""What these do is a plan's to say: for most jobs nothing."""

OUTPUT_SETTINGS = (
    Setting(
        "format",
        "choice",
        "h264",
        "Format",
        "What the strips are written as.",
        choices=tuple((name, form.label) for name, form in FORMATS.items()),
        group="output",
    ),
    Setting(
        "fade",
        "text",
        "auto",
        "Fade",
        "Where one key hands over to the next: auto (from key to key, in long gaps 48 frames where the strips agree "
        "most), gap (all the way from key to key) or a number of frames, 0 for a cut.",
        group="output",
    ),
    Setting(
        "long_side",
        "int",
        0,
        "Size",
        "Render smaller: the longer side in pixels. 0 keeps the clip's size.",
        0,
        16384,
        unit="px",
        group="output",
    ),
    Setting("baked", "bool", False, "Baked movie", "One blended movie beside the strips.", group="output"),
    Setting(
        "look_only",
        "bool",
        False,
        "Look only",
        "Without the source around it: the matte becomes the strips' transparency, to lie over the source.",
        group="output",
        when=("matte", ()),
    ),
    Setting("preview", "bool", False, "Preview", "A movie of the strips as the editor plays them.", group="output"),
    Setting(
        "draft",
        "bool",
        False,
        "Draft",
        "A third of the size and few steps, with the same keyframes, prompts and seeds: to see what comes before the "
        "long render.",
        group="output",
    ),
)
"""The fields of a job's `output` that front-ends draw; they are sent there and not among the settings."""


def job_settings() -> tuple[Setting, ...]:
    """What `JobSpec.settings` may hold: of every look, of propagation, of given keys, of mattes, of reading."""
    return (*look_settings(), *PROPAGATE_SETTINGS, *KEY_SETTINGS, *MATTE_SETTINGS, *SOURCE_SETTINGS)


def schema() -> dict[str, Any]:
    """The `settings` reply: {"etag", "settings", "looks", "formats", "families"}."""
    body: dict[str, Any] = {
        "settings": [setting.to_json() for setting in (*job_settings(), *OUTPUT_SETTINGS)],
        "looks": [family.to_json() for family in FAMILIES],
        "formats": [{"name": name, **asdict(form)} for name, form in FORMATS.items()],
        "families": told_families(),
    }
    return {"etag": digest(body)[:16], **body}
