"""Keys painted by hand: a folder of pictures named with their frame numbers, or a picture named by the key itself.

    keys/00000.png  keys/key_45.jpg  keys/shot2_090.tif      frames 0, 45 and 90; other files are left alone

The number is the digits that end the name. It counts from the clip's first visible frame, as keys do, unless
`first_number` says that this frame has another number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restrip.errors import BadInput
from restrip.looks.look import Beside, Look, Styled
from restrip.media.content import HashBook
from restrip.media.files import GENERAL_REMEDY, MediaMissing, MediaUnreadable
from restrip.media.frame_colours import AS_SRGB, FrameColours
from restrip.registration.correction import Correction
from restrip.timeline.key_names import keys_in_folder

if TYPE_CHECKING:
    from restrip.media.frame import Frame
    from restrip.media.pictures.painting import Painting
    from restrip.progress import Report
    from restrip.timeline import Key

AS_IT_IS = Correction()
LEAST_PX = 8
"""A picture with fewer pixels a side, of which a frame is STRETCH times the size, is taken for a mistake."""
STRETCH = 8
ASPECT_TOLERANCE = 0.01  # of the frame's aspect: what is stretched by more is worth a sentence


class PaintedFolderMissing(BadInput):
    """The folder of painted keys isn't there, isn't a folder, or can't be listed."""

    code = "painted-folder-missing"

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(
            f"The folder of painted keys {folder} {why}.", "Give an existing folder: keys:FOLDER.", folder=folder
        )


class PaintedKeysMissing(BadInput):
    """Keys for which the folder has no picture."""

    code = "painted-keys-missing"

    def __init__(self, folder: str, frames: Sequence[int], found: Sequence[int], first: int = 0) -> None:
        several = "s" if len(frames) > 1 else ""
        super().__init__(
            f"{folder} has no picture for key{several} {_listed(frames)}.",
            f"Pictures were found for {_listed(found) if found else 'no frame'}. Name each with its key's frame number "
            f"at the end, where the strip's first frame is {first}, such as key_{frames[0]:05d}.png. A shot without "
            "a key has one in its middle: set a marker there and export that frame, too.",
            folder=folder,
            frames=list(frames),
            found=list(found),
        )


class PaintedKeysAmbiguous(BadInput):
    """A frame for which the folder has two pictures."""

    code = "painted-keys-ambiguous"

    def __init__(self, folder: str, frame: int, names: Sequence[str]) -> None:
        super().__init__(
            f"{folder} has {len(names)} pictures for frame {frame}: {', '.join(names)}.",
            "Keep one of them, or name a picture of another kind without digits at the end.",
            folder=folder,
            frame=frame,
            names=list(names),
        )


class KeyImageUnreadable(BadInput):
    """The picture that a key names is missing, or is no picture."""

    code = "key-image-unreadable"

    def __init__(self, frame: int, path: str, why: str, remedy: str = "") -> None:
        super().__init__(
            f"The picture of key {frame} can't be used: {why}",
            remedy or "Choose a PNG, TIFF or JPEG that opens elsewhere, or remove the picture from the key.",
            frame=frame,
            path=path,
        )


class PaintedLook(Look):
    """Pictures out of a folder. `pictures` are their paths by frame; frame 0 is named `first_number`."""

    def __init__(self, name: str, folder: str, pictures: Mapping[int, Path], first_number: int = 0) -> None:
        self.name = name
        self.folder = folder
        self.pictures = dict(pictures)
        self.first_number = first_number

    def identity(self) -> dict[str, Any]:
        """Only that keys are painted: which picture it is, each key says itself (`key_facts`)."""
        return {"look": "painted", "code": 3}

    def key_facts(self) -> dict[int, str]:
        """The sha256 of each picture by frame: repainting one key renders only that key again."""
        hashes = HashBook().of_files(list(self.pictures.values()))
        return dict(zip(self.pictures, hashes, strict=True))

    def picture_given(self, key: Key) -> str:
        """The key's own picture, else the folder's for its frame, else ""."""
        return key.image or str(self.pictures.get(key.frame, ""))

    def check_keys(self, keys: Sequence[Key]) -> None:
        """Raise PaintedKeysMissing, listing every key that has neither a picture here nor one of its own."""
        missing = sorted(key.frame for key in keys if not key.image and key.frame not in self.pictures)
        if missing:
            named, found = ([frame + self.first_number for frame in some] for some in (missing, sorted(self.pictures)))
            raise PaintedKeysMissing(self.folder, named, found, self.first_number)

    def stylize(
        self,
        frames: Sequence[Frame],
        keys: Sequence[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None = None,
        beside: Beside | None = None,
    ) -> list[Styled]:
        """Each key's picture at its frame's size. Raises PaintedKeysMissing, KeyImageUnreadable."""
        self.check_keys(keys)
        styled = []
        colours = beside.colours if beside is not None else AS_SRGB
        own = beside.clip_size if beside is not None else None
        corrections = beside.corrections if beside is not None and beside.corrections else [AS_IT_IS] * len(keys)
        for done, (frame, key, correction) in enumerate(zip(frames, keys, corrections, strict=True), start=1):
            path = self.picture_given(key)
            styled.append(picture_for_key(frame, key, path=path, correction=correction, colours=colours, clip_size=own))
            report(done, len(frames))
        return styled


def picture_for_key(
    frame: Frame,
    key: Key,
    *,
    path: str | None = None,
    correction: Correction = AS_IT_IS,
    colours: FrameColours = AS_SRGB,
    clip_size: tuple[int, int] | None = None,
) -> Styled:
    """The picture `path`, or the key's own, corrected, at the size and depth of `frame` and in the `colours`
    of the frames; resampling, conversion, and what a correction couldn't do, is said in the notes.

    Where the picture is transparent the frame shows; alpha is the frame's. Raises KeyImageUnreadable.
    """
    from restrip.media import fit_picture

    path = path or key.image or ""
    painting = read_key_picture(path, key.frame, colours)
    picture = painting.frame
    if min(picture.size) < LEAST_PX and max(frame.size) > STRETCH * max(picture.size):
        raise KeyImageUnreadable(
            key.frame,
            path,
            f"{path} is only {picture.size[0]}x{picture.size[1]}.",
            f"Choose a picture near the clip's {frame.size[0]}x{frame.size[1]}.",
        )
    # A frame that was exported has the clip's size; that the job is smaller was asked for.
    notes = (
        () if correction.way or picture.size == clip_size else _size_notes(Path(path).name, picture.size, frame.size)
    )
    notes += tuple(f"{Path(path).name}: {note}" for note in painting.notes)
    facts: dict[str, Any] = {"picture": path, "picture_size": list(picture.size)}
    if not correction.facts:
        fitted = fit_picture(picture, frame.size).with_depth(frame.deep)
    else:
        from restrip.registration.correct import corrected

        fitted, more = corrected(picture, frame, correction)
        notes, facts = (
            (*notes, *(f"Key {key.frame}: {note}" for note in more)),
            {**facts, "corrected": correction.facts},
        )
    return Styled(_over(fitted, frame), facts, notes)


def read_key_picture(path: str, frame: int, colours: FrameColours = AS_SRGB) -> Painting:
    """The picture given for the key on `frame`, in the colours of the job's frames.

    Raises KeyImageUnreadable.
    """
    from restrip.media.pictures.painting import read_painting

    try:
        return read_painting(path, colours)
    except (MediaMissing, MediaUnreadable) as error:
        told = "" if error.remedy == GENERAL_REMEDY else error.remedy
        raise KeyImageUnreadable(frame, path, error.message, told) from error


def open_painted(argument: str, settings: Mapping[str, Any], *, size: tuple[int, int] | None = None) -> PaintedLook:
    """The look keys:FOLDER. Raises PaintedFolderMissing, PaintedKeysAmbiguous."""
    first = int(settings["first_number"])
    pictures = {number - first: path for number, path in find_painted(argument).items()}
    return PaintedLook(f"keys:{argument}", argument, pictures, first)


def find_painted(folder: str) -> dict[int, Path]:
    """The pictures of a folder by frame number. Raises PaintedFolderMissing, PaintedKeysAmbiguous."""
    place = Path(folder)
    if not place.is_dir():
        raise PaintedFolderMissing(folder, "is no folder" if place.exists() else "isn't there")
    try:
        found = keys_in_folder(place)
    except PermissionError:
        raise PaintedFolderMissing(folder, "can't be listed: permission is denied") from None
    for frame, paths in found.items():
        if len(paths) > 1:
            raise PaintedKeysAmbiguous(folder, frame, [path.name for path in paths])
    return {frame: paths[0] for frame, paths in found.items()}


def _over(picture: Frame, frame: Frame) -> Frame:
    """The picture over the frame by its own alpha, with the frame's alpha."""
    import numpy as np

    from restrip.media.frame import Frame, empty_picture

    if picture.alpha is None:
        return Frame(picture.rgb, frame.alpha)
    part = picture.alpha[..., None].astype(np.uint64)
    mixed = (picture.rgb * part + frame.rgb * (frame.white - part) + frame.white // 2) // frame.white
    rgb = empty_picture(mixed.shape, frame.deep)
    rgb[...] = mixed
    return Frame(rgb, frame.alpha)


def _size_notes(name: str, given: tuple[int, int], wanted: tuple[int, int]) -> tuple[str, ...]:
    if given == wanted:
        return ()
    note = f"{name} is {given[0]}x{given[1]} and was resampled to {wanted[0]}x{wanted[1]}"
    stretch = (given[0] * wanted[1]) / (given[1] * wanted[0])
    shape = "" if abs(stretch - 1) <= ASPECT_TOLERANCE else ", which changes its shape"
    return (f"{note}{shape}.",)


def _listed(frames: Sequence[int], most: int = 20) -> str:
    text = ", ".join(map(str, frames[:most]))
    return text if len(frames) <= most else f"{text} and {len(frames) - most} more"
