"""Encoders in hardware that may stand in for a format's own: plain data, like encoding.py.

They are asked for what files of the format have to be: closed groups that begin with a key picture, nothing reordered.
How good an encoder is differs from device to device; `restrip.media.movies.hardware` measures it and takes the first
quality that holds the bound. In a plan one is named "codec:quality", as "h264_nvenc:17".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from restrip.media.movies.encoding import ENCODINGS, GROUP, Encoding


@dataclass(frozen=True)
class HardwareEncoder:
    """An encoder: its codec, the pixel layout that it takes, its options with {q} where the quality stands, and the
    qualities worth trying, the coarsest first. `device` is as in Encoding.
    """

    codec: str
    layout: str
    options: Mapping[str, str]
    qualities: tuple[int, ...]
    device: str = ""

    def named(self, quality: int) -> str:
        """The encoder at a quality, in a word."""
        return f"{self.codec}:{quality}"

    def encoding(self, software: Encoding, quality: int) -> Encoding:
        """The format's encoding by this encoder."""
        options = {"g": GROUP, "bf": "0", **{name: text.format(q=quality) for name, text in self.options.items()}}
        return replace(
            software,
            codec=self.codec,
            layout=self.layout,
            deep_layout="",
            options=options,
            fine={},
            hardware=True,
            device=self.device,
        )


QUANTIZERS = (20, 17, 14, 11, 8, 5)
_NVENC = {"preset": "p5", "rc": "constqp", "qp": "{q}", "forced-idr": "1", "no-scenecut": "1", "strict_gop": "1"}
_QSV = {"preset": "slow", "global_quality": "{q}", "flags": "+qscale", "forced_idr": "1", "look_ahead": "0"}
_AMF = {"usage": "transcoding", "quality": "quality", "rc": "cqp", "qp_i": "{q}", "qp_p": "{q}"}
_APPLE = {"allow_sw": "0", "flags": "+qscale", "global_quality": "{q}"}  # 118 to a percent
_VAAPI = {"rc_mode": "CQP", "qp": "{q}"}
_PERCENTS = tuple(118 * percent for percent in (75, 82, 88, 93, 97, 100))

HARDWARE: dict[str, tuple[HardwareEncoder, ...]] = {
    "h264": (
        HardwareEncoder("h264_nvenc", "yuv420p", {**_NVENC, "profile": "high"}, QUANTIZERS),
        HardwareEncoder("h264_videotoolbox", "nv12", {**_APPLE, "profile": "high"}, _PERCENTS),
        HardwareEncoder("h264_qsv", "nv12", {**_QSV, "profile": "high"}, QUANTIZERS),
        HardwareEncoder("h264_amf", "nv12", {**_AMF, "profile": "high"}, QUANTIZERS),
        HardwareEncoder("h264_vaapi", "nv12", {**_VAAPI, "profile": "high"}, QUANTIZERS, device="vaapi"),
    ),
    "hevc": (
        HardwareEncoder("hevc_nvenc", "p010le", {**_NVENC, "profile": "main10"}, QUANTIZERS),
        HardwareEncoder("hevc_videotoolbox", "p010le", {**_APPLE, "profile": "main10"}, _PERCENTS),
        HardwareEncoder("hevc_qsv", "p010le", {**_QSV, "profile": "main10"}, QUANTIZERS),
        HardwareEncoder("hevc_amf", "p010le", {**_AMF, "profile": "main10"}, QUANTIZERS),
        HardwareEncoder("hevc_vaapi", "p010le", {**_VAAPI, "profile": "main10"}, QUANTIZERS, device="vaapi"),
    ),
}


def encoding_of(format_name: str, hardware: str = "") -> Encoding:
    """The encoding of a movie format, by the processor or by an encoder that `HardwareEncoder.named` has named."""
    software = ENCODINGS[format_name]
    if not hardware:
        return software
    codec, _, quality = hardware.partition(":")
    return next(one for one in HARDWARE[format_name] if one.codec == codec).encoding(software, int(quality))
