"""How each movie format is encoded: plain data for the muxer.

Every picture that begins a file is a key picture, groups are closed and nothing is reordered (no B pictures): so
files of equal encoding can be joined as they are, and no edit list hides anything. Thread counts are fixed, since some
encoders' output depends on them, and the same frames must give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from restrip.media.colour import ColourTags


@dataclass(frozen=True)
class Encoding:
    """A codec with its container, pixel layouts (without and with alpha, 8 bit and deeper) and options.

    `limited` says that the codec has no flag for full range, so video levels are written whatever the source has;
    `matrix` is the only one that its decoders know, where that is so. `fine` are the options that differ for pictures
    which were encoded before: two losses shall not add up to one that is seen. `quick` are those of drafts.
    `hardware` says that a device encodes, which may fail at any time; `device` is its kind where pictures have to be
    brought there first.
    """

    codec: str
    container: str
    layout: str
    alpha_layout: str = ""
    deep_layout: str = ""
    deep_alpha_layout: str = ""
    tag: str = ""
    limited: bool = False
    matrix: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    fine: Mapping[str, str] = field(default_factory=dict)
    quick: Mapping[str, str] = field(default_factory=dict)
    hardware: bool = False
    device: str = ""

    def options_for(self, fine: bool, quick: bool = False) -> dict[str, str]:
        """The codec's options; `fine` and `quick` ones where the codec has them."""
        return {**self.options, **(self.fine if fine else {}), **(self.quick if quick else {})}

    def tags_for(self, source: ColourTags) -> ColourTags:
        """The tags to write for a source: its own as far as the codec has them."""
        tags = source.for_output()
        if self.matrix == "rgb":
            return replace(tags, matrix="rgb", range="full")
        return replace(tags, matrix=self.matrix or tags.matrix, range="limited" if self.limited else tags.range)

    def layout_for(self, deep: bool, alpha: bool) -> str:
        """The pixel layout for frames of this kind, as far as the codec has one."""
        if alpha and self.alpha_layout:
            return (self.deep_alpha_layout if deep else "") or self.alpha_layout
        return (self.deep_layout if deep else "") or self.layout


GROUP = "12"

ENCODINGS: dict[str, Encoding] = {
    # CRF 13 keeps grain and gradients (SSIM > 0.99); `stitchable` keeps headers free of what is in the pictures.
    # Without lookahead: macroblock trees come out in different ways now and then when threads compete.
    "h264": Encoding(
        "libx264",
        "mp4",
        "yuv420p",
        options={
            "crf": "13",
            "preset": "faster",
            "profile": "high",
            "g": GROUP,
            "bf": "0",
            "x264-params": "stitchable=1:threads=4:scenecut=0:open-gop=0:rc-lookahead=0",
        },
        fine={"crf": "2"},
        quick={
            "preset": "ultrafast",
            "x264-params": "stitchable=1:threads=1:scenecut=0:open-gop=0:rc-lookahead=0",
        },
    ),
    "hevc": Encoding(
        "libx265",
        "mp4",
        "yuv420p10le",
        tag="hvc1",
        options={
            "crf": "14",
            "preset": "fast",
            "x265-params": f"keyint={GROUP}:min-keyint={GROUP}:bframes=0:open-gop=0:scenecut=0:frame-threads=2:pools=4:"
            "repeat-headers=0:info=0:log-level=none",
        },
    ),
    "prores4444": Encoding(
        "prores_ks",
        "mov",
        "yuv444p10le",
        alpha_layout="yuva444p10le",
        limited=True,
        options={"profile": "4444", "vendor": "apl0", "alpha_bits": "16"},
    ),
    "prores422hq": Encoding(
        "prores_ks", "mov", "yuv422p10le", limited=True, options={"profile": "hq", "vendor": "apl0"}
    ),
    "dnxhr_hqx": Encoding(
        "dnxhd", "mov", "yuv422p10le", limited=True, matrix="bt709", options={"profile": "dnxhr_hqx"}
    ),
    "ffv1": Encoding(
        "ffv1",
        "matroska",
        "bgr0",
        matrix="rgb",
        alpha_layout="bgra",
        deep_layout="gbrp16le",
        deep_alpha_layout="gbrap16le",
        options={"level": "3", "g": "1", "slices": "4", "slicecrc": "1", "coder": "1"},
    ),
}
