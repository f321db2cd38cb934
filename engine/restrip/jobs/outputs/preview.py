"""What an editor would show, as one movie: the strips with their crossfades mixed in coded values, and the sound."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from restrip.client.job import Manifest, StripFile
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.outputs.contact_sheet import Sheet, columns_for
from restrip.jobs.source import open_source
from restrip.media import ClipReader, MovieWriter, fit_picture, mux_audio, read_picture
from restrip.media.background_writer import BackgroundWriter
from restrip.media.colour import ColourTags
from restrip.media.formats import fitting_format
from restrip.media.frame import Frame
from restrip.media.light import LightCoding
from restrip.media.timecode import shown_at
from restrip.timeline import ClipRange, Crossfade, mix_at

Report = Callable[..., None]
DISPLAY = ColourTags("bt709", "bt709", "bt709", "limited")


class Playback:
    """The frames that an editor shows of a manifest's strips, in order. At most two strips are open at a time.

    With `beyond` pictures of light come as a usual display shows them, highlights rolled off. In the fades to the keys
    `alike` both strips are the same to the bit, so one is read.
    """

    def __init__(self, manifest: Manifest, *, beyond: bool = False, alike: Collection[int] = ()) -> None:
        self._manifest, self._alike = manifest, alike
        self._beyond = beyond
        self._open: dict[int, ClipReader] = {}

    def frames(self) -> Iterator[Frame]:
        """Every frame of the clip, once."""
        manifest = self._manifest
        try:
            for n in range(manifest.clip.length):
                shown = [strip for strip in manifest.strips if n in strip.visible]
                if len(shown) == 2 and shown[1].key in self._alike:
                    del shown[1]
                self._close_all_but({strip.key for strip in shown})
                yield self._mixed(n, shown)
        finally:
            self._close_all_but(set())

    def _mixed(self, n: int, shown: list[StripFile]) -> Frame:
        left = self._frame(shown[0], n)
        if len(shown) == 1:
            return left
        fade = next(f for f in self._manifest.fades if f.right == shown[1].key)
        return mixed(left, self._frame(shown[1], n), fade, n)

    def _frame(self, strip: StripFile, n: int) -> Frame:
        if strip.key not in self._open:
            reader = ClipReader(strip_clip(self._manifest, strip), ours=True)
            self._open[strip.key] = reader.__enter__()
        return _displayed(self._open[strip.key], n - strip.frames.first, self._beyond)

    def _close_all_but(self, keys: set[int]) -> None:
        for key in [key for key in self._open if key not in keys]:
            self._open.pop(key).__exit__(None, None, None)


def _displayed(reader: ClipReader, n: int, beyond: bool) -> Frame:
    """Frame n; of pictures of light that go beyond white, what a usual display can show of it."""
    if beyond and reader.info.codec == "exr":
        return reader.coding.proxy(reader.light(n))
    return reader.frame(n)


def mixed(left: Frame, right: Frame, fade: Crossfade, n: int) -> Frame:
    """Frame n of a crossfade: left * (1 - t) + right * t in coded values, rounded; t = mix_at(fade, n)."""
    t = np.float32(mix_at(fade, n))
    a, b = left.rgb.astype(np.float32), right.rgb.astype(np.float32)
    rgb = np.rint(a + t * (b - a))
    return Frame(rgb.astype(np.uint16) if left.deep else rgb.astype(np.uint8), left.alpha)


def seen(frame: Frame, under: Frame | None) -> Frame:
    """The frame where it is opaque, and `under` (itself over black; None is black alone) where it isn't."""
    if frame.alpha is None:
        return frame
    alpha = (frame.alpha / np.float32(frame.white))[..., None]
    base = np.float32(0) if under is None else seen(under, None).with_depth(frame.deep).rgb.astype(np.float32)
    rgb = np.rint(base + alpha * (frame.rgb.astype(np.float32) - base))
    return Frame(rgb.astype(frame.rgb.dtype))


def strip_clip(manifest: Manifest, strip: StripFile) -> ClipRange:
    """A strip's file as a clip of its own."""
    path = Path(strip.file)
    paths = tuple(str(p) for p in sorted(path.iterdir())) if path.is_dir() else (strip.file,)
    return ClipRange(paths, manifest.clip.rate, len(strip.frames))


def write_preview(
    spec: Job,
    manifest: Manifest,
    path: Path,
    report: Report,
    sheet: Sheet | None = None,
    *,
    beyond: bool = False,
    alike: Collection[int] = (),
) -> None:
    """The strips as the editor plays them, H.264 with the source's sound, at `path`; PQ, HLG and, with `beyond`,
    OpenEXR beyond white for a usual display. `alike` as in Playback.

    A `sheet` is given the frames that it shows of them, so that they are played once.
    """
    format_name, _ = fitting_format("h264", manifest.size)
    clip, size = spec.clip, manifest.size
    with open_source(spec) as source:
        info = source.info
        starts = shown_at(info.timecode, info.rate, clip.media_time(0), clip.rate)
        tags = info.colour if source.coding.for_display else DISPLAY
        movie = MovieWriter(path, size, clip.rate, format_name, tags, timecode=starts, fine=True)
        with BackgroundWriter(movie) as writer:
            for n, frame in enumerate(Playback(manifest, beyond=beyond, alike=alike).frames()):
                look_only = manifest.facts.get("look_only")
                under = fit_picture(_displayed(source, n, beyond), size) if look_only else None
                writer.write(source.coding.shown(seen(frame, under)))
                if sheet is not None:
                    _add_result(sheet, n, frame, source.coding)
                report("writing", n + 1, clip.length)
    add_sound(spec.clip, path)


def add_sound(clip: ClipRange, path: Path) -> None:
    """Put the source's sound beside the pictures of a movie of the whole clip. A retimed clip stays silent."""
    if clip.source_rate in (None, clip.rate):
        mux_audio(path, clip.paths[0], clip.media_time(0), clip.rate.seconds(clip.length), path)


def sheet_of(manifest: Manifest) -> Sheet:
    """A sheet of a job's keys and of frames between them, still without pictures."""
    keys = [made.key.frame for made in manifest.keys]
    return Sheet(columns_for(keys, manifest.clip.length), keys)


def write_sheet(spec: Job, manifest: Manifest, path: Path, sheet: Sheet, *, beyond: bool = False) -> None:
    """Source, keys and result side by side, as a PNG at `path`; of PQ, HLG and, with `beyond`, OpenEXR beyond white for
    a usual display. The clip's own frames and what is shown of the result are read if `sheet` hasn't seen them.
    """
    if sheet.lacks("source"):
        add_sources(spec, manifest, sheet, beyond=beyond)
    if sheet.lacks("result"):
        with open_source(spec) as source:
            coding = source.coding
        for n, frame in enumerate(Playback(manifest, beyond=beyond).frames()):
            _add_result(sheet, n, frame, coding)
    sheet.write(path)


def add_sources(spec: Job, manifest: Manifest, sheet: Sheet, *, beyond: bool = False) -> None:
    """Give a sheet the clip's frames and the keys' pictures that it shows."""
    with open_source(spec) as source:
        coding = source.coding
        for n in sheet.columns:
            sheet.add("source", n, coding.shown(fit_picture(_displayed(source, n, beyond), manifest.size)))
    for made in manifest.keys:
        if made.picture:
            picture = read_picture(made.picture)
            # Where highlights are kept a key is a picture for a display already.
            sheet.add("key", made.key.frame, picture if spec.asked.source.highlights else coding.shown(picture))


def _add_result(sheet: Sheet, n: int, frame: Frame, coding: LightCoding) -> None:
    if n in sheet.columns:
        sheet.add("result", n, coding.shown(frame))
