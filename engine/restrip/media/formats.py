"""What can be written: a table of formats. Importable without PyAV or numpy, so that settings can list it."""

from __future__ import annotations

from dataclasses import dataclass

from restrip.errors import BadInput


class SizeNotTaken(BadInput):
    """A format that can't hold pictures of a size."""

    code = "size-not-taken"


@dataclass(frozen=True)
class OutputFormat:
    """One way to write strips.

    `extension` is "" for a sequence of pictures, which is written as a folder. `deep` keeps more than 8 bit, `alpha`
    keeps transparency, `lossless` gives back the very code values. `even` names the sides that must be even: "",
    "width" or "both". Sizes are (width, height) limits of the codec.
    """

    label: str
    extension: str
    deep: bool = False
    alpha: bool = False
    lossless: bool = False
    even: str = ""
    smallest: tuple[int, int] = (1, 1)
    largest: tuple[int, int] = (16384, 16384)
    largest_area_px: int = 0

    @property
    def sequence(self) -> bool:
        """Whether it is a folder of pictures instead of one movie."""
        return not self.extension

    def refusal(self, size: tuple[int, int]) -> str:
        """Why pictures of this size can't be written in this format; "" when they can."""
        width, height = size
        if width < self.smallest[0] or height < self.smallest[1]:
            return f"it takes pictures from {self.smallest[0]}x{self.smallest[1]}"
        if width > self.largest[0] or height > self.largest[1]:
            return f"it takes pictures up to {self.largest[0]}x{self.largest[1]}"
        if self.largest_area_px and width * height > self.largest_area_px:
            return f"it takes at most {self.largest_area_px / 1e6:.1f} million pixels a picture"
        if self.even and width % 2:
            return "it stores colour for every second pixel and needs an even width"
        if self.even == "both" and height % 2:
            return "it stores colour for every second line and needs an even height"
        return ""


FORMATS: dict[str, OutputFormat] = {
    # H.264 level 6.2 and HEVC level 6.2 both end at 139264 blocks of 16x16.
    "h264": OutputFormat("H.264 (8 bit)", ".mp4", even="both", smallest=(16, 16), largest_area_px=139264 * 256),
    "hevc": OutputFormat(
        "HEVC (10 bit)", ".mp4", deep=True, even="both", smallest=(64, 64), largest_area_px=139264 * 256
    ),
    "prores4444": OutputFormat("ProRes 4444 (10 bit, alpha)", ".mov", deep=True, alpha=True),
    "prores422hq": OutputFormat("ProRes 422 HQ (10 bit)", ".mov", deep=True, even="width"),
    "dnxhr_hqx": OutputFormat(
        "DNxHR HQX (10 bit)", ".mov", deep=True, even="width", smallest=(256, 120), largest=(8192, 8192)
    ),
    "ffv1": OutputFormat("FFV1 (lossless, alpha)", ".mkv", deep=True, alpha=True, lossless=True, smallest=(2, 2)),
    "png": OutputFormat("PNG pictures (lossless, alpha)", "", deep=True, alpha=True, lossless=True),
    "tiff": OutputFormat("TIFF pictures (lossless, alpha)", "", deep=True, alpha=True, lossless=True),
    "exr": OutputFormat("OpenEXR pictures (linear light, alpha)", "", deep=True, alpha=True),
}


def check_size(format_name: str, size: tuple[int, int]) -> OutputFormat:
    """The format, when it takes pictures of this size. Raises SizeNotTaken with the reason and formats that do."""
    form = FORMATS[format_name]
    reason = form.refusal(size)
    if reason:
        others = [other.label for other in FORMATS.values() if other.extension and not other.refusal(size)]
        raise SizeNotTaken(
            f"{form.label} can't hold pictures of {size[0]}x{size[1]}: {reason}.",
            f"Choose {' or '.join(others)}." if others else "Render smaller.",
            format=format_name,
            size=list(size),
        )
    return form


def fitting_format(format_name: str, size: tuple[int, int], alpha: bool = False) -> tuple[str, str]:
    """The format itself, or one that takes this size, and `alpha` if there is any, with a note that says so.

    ProRes 4444 stands in: both editors read it, at any size. Raises SizeNotTaken when it doesn't fit either.
    """
    form = FORMATS[format_name]
    reason = form.refusal(size)
    what = f"{size[0]}x{size[1]}, {reason}"
    if not reason and alpha and not form.alpha:
        what = reason = "the clip's transparency"
    if not reason:
        return format_name, ""
    stand_in = check_size("prores4444", size)
    return "prores4444", f"The result is {stand_in.label}, not {form.label}: {form.label} can't hold {what}."
