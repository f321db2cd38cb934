"""Movies and picture sequences, written frame by frame."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

from restrip.errors import BadInput
from restrip.media.av.exr import write_linear
from restrip.media.av.mux import Marks, Sink
from restrip.media.colour import ColourTags
from restrip.media.files import OutputUnwritable, written
from restrip.media.formats import FORMATS, check_size
from restrip.media.frame import Frame, SizeMismatch
from restrip.media.light import BEYOND, PQ, SceneLight
from restrip.media.movies.hardware_encoding import encoding_of
from restrip.media.movies.light_levels import LightLevels, levels_of
from restrip.media.movies.mastering_display import MasteringDisplay
from restrip.media.movies.picture_boxes import write_display, write_levels
from restrip.media.pictures.picture import write_picture
from restrip.timeline import Rate


class NothingWritten(BadInput):
    """A movie that was closed without a frame."""

    code = "nothing-written"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} would have no frames.", "Write at least one frame.", path=path)


class _Sink(Protocol):
    def write(self, frame: Frame) -> None: ...

    def close(self, finish: bool = True) -> None: ...


class MovieWriter:
    """A movie, or a folder of pictures, that takes frames in order and appears under its name when it is complete.

        with MovieWriter("strip.mp4", reader.size, clip.rate, "h264", reader.info.colour) as writer:
            for frame in frames:
                writer.write(frame)

    `colour` is the source's; what it leaves open is written as BT.709. `timecode` is the first frame's, kept where the
    format can (movies). `fine` spends more on pictures that were encoded before (H.264), `quick` less on drafts.
    Frames may be 8 or 16 bit; the first one decides for the file. `hardware` names an encoder that stands in
    for the processor (`restrip.media.movies.hardware`). A PQ movie in MP4 or MOV says how bright its frames are; one
    in PQ or HLG says `mastering`, the display that its source was graded on. On an exception nothing stays.

    Raises SizeNotTaken, OutputUnwritable, DiskFull; SizeMismatch for a frame of another size; NothingWritten;
    HardwareEncoderFailed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int],
        rate: Rate,
        format_name: str,
        colour: ColourTags | None = None,
        *,
        timecode: str = "",
        fine: bool = False,
        quick: bool = False,
        hardware: str = "",
        mastering: MasteringDisplay | None = None,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.format = check_size(format_name, size)
        self.written = 0
        self._alpha: bool | None = None
        self._deep = False
        self._levels: LightLevels | None = None
        self._mastering: MasteringDisplay | None = None
        self._stack = ExitStack()
        self._aside = aside = self._stack.enter_context(written(self.path, folder=self.format.sequence))
        try:
            if self.format.sequence:
                self._sink: _Sink = _PictureFolder(aside, "." + format_name)
            else:
                encoding = encoding_of(format_name, hardware)
                tags = encoding.tags_for(colour or ColourTags())
                if tags.transfer in BEYOND and encoding.container in ("mp4", "mov"):
                    self._levels = LightLevels() if tags.transfer == PQ else None
                    self._mastering = mastering
                self._sink = Sink(str(aside), encoding, rate.fraction, tags, Marks(timecode, fine, quick))
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise

    def write(self, frame: Frame) -> None:
        """Append a frame of the writer's size."""
        if frame.size != self.size:
            raise SizeMismatch(f"A frame is {frame.size}, the movie {self.size}.", "Fit the frame to the movie first.")
        if self._alpha is None:
            self._deep, self._alpha = frame.deep and self.format.deep, frame.alpha is not None and self.format.alpha
        frame = self._like_first(frame)
        if self._levels is not None:
            self._levels |= levels_of(frame)
        self._sink.write(frame)
        self.written += 1

    def write_light(self, light: SceneLight) -> None:
        """Append a picture of light in Rec. 709's primaries, [H, W] being the writer's size: to OpenEXR, whole.

        Raises SizeMismatch; OutputUnwritable for another format.
        """
        size = (light.rgb.shape[1], light.rgb.shape[0])
        if size != self.size:
            raise SizeMismatch(f"A picture is {size}, the sequence {self.size}.", "Fit it to the sequence first.")
        if not isinstance(self._sink, _PictureFolder) or self.format is not FORMATS["exr"]:
            raise OutputUnwritable(str(self.path), "only OpenEXR holds light")
        self._sink.write_light(light)
        self.written += 1

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is not None:
                self._sink.close(finish=False)
                raise error
            if not self.written:
                self._sink.close(finish=False)
                raise NothingWritten(str(self.path))
            self._sink.close()
            if self._levels is not None:
                write_levels(self._aside, self._levels)
            if self._mastering is not None:
                write_display(self._aside, self._mastering)

    def _like_first(self, frame: Frame) -> Frame:
        if not self._alpha and frame.alpha is not None:
            frame = Frame(frame.rgb)
        return frame.with_depth(self._deep) if self.format.deep else frame


class _PictureFolder:
    """A folder of numbered pictures: 000000.png, 000001.png, ..."""

    def __init__(self, folder: Path, extension: str) -> None:
        self._folder = folder
        self._extension = extension
        self._number = 0

    def write(self, frame: Frame) -> None:
        write_picture(self._folder / picture_name(self._number, self._extension), frame)
        self._number += 1

    def write_light(self, light: SceneLight) -> None:
        with written(self._folder / picture_name(self._number, self._extension)) as aside:
            write_linear(str(aside), light.rgb, light.alpha)
        self._number += 1

    def close(self, finish: bool = True) -> None:
        """Every picture is complete already."""


def picture_name(number: int, extension: str) -> str:
    """The name of picture `number` in a written sequence; in order when sorted."""
    return f"{number:06d}{extension}"
