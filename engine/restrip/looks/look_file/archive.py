"""A look file: a zip archive of a few parts with fixed names. Nothing of it is ever unpacked by a name in it.

look.json       what the look is (record.py)
frame.png       the anchor's frame, as its job saw it
picture.png     its finished picture, of the same size
thumbnail.jpg   the picture, small
painting.*      the picture whose style it is, for a look that is one
style.*         the style picture of a look with a model
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from restrip.looks.look_file.record import LookFileUnreadable, LookRecord
from restrip.media.files import check_readable, open_regular, written

DESCRIPTION, FRAME, PICTURE, THUMBNAIL, PAINTING, STYLE = (
    "look.json", "frame.png", "picture.png", "thumbnail.jpg", "painting", "style",
)  # fmt: skip
MIB = 1 << 20
MOST_BYTES = 1024 * MIB
MOST_PARTS = 64
LIMITS = {DESCRIPTION: MIB, FRAME: 400 * MIB, PICTURE: 400 * MIB, THUMBNAIL: MIB, PAINTING: 128 * MIB}
"""What a part may have, unpacked. `PAINTING` stands for any with that stem, or with STYLE."""

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)
"""What zipfile raises of an archive that isn't whole."""

_PAINTING = re.compile(r"(painting|style)\.(png|jpe?g|webp|tiff?|bmp|exr|avif|heic|jxl)", re.IGNORECASE)
_WHEN = (2020, 1, 1, 0, 0, 0)  # Equal looks are equal files.


class LookArchive:
    """A look file that is open for reading. Raises MediaMissing, MediaUnreadable, LookFileUnreadable, LookFileTooNew
    where one is made; a context manager.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        check_readable(self.path)
        self._file = open_regular(self.path)
        try:
            self._archive = self._opened()
            self.record = LookRecord.from_json(self._described(), self.path)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> LookArchive:
        return self

    def __exit__(self, *raised: object) -> None:
        self._archive.close()
        self._file.close()

    def part(self, name: str, sha256: str = "") -> bytes:
        """What is in a part. Raises LookFileUnreadable: not there, too large, damaged, or not of this `sha256`."""
        info, limit = self._found(name)
        try:
            with self._archive.open(info) as file:
                content = file.read(limit + 1)
        except (*DAMAGE, RuntimeError) as why:  # RuntimeError: it is encrypted.
            raise self._refused(f"{name} is damaged ({why})") from why
        if len(content) > limit:
            raise self._refused(f"{name} is larger than {limit // MIB} MiB")
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise self._refused(f"{name} isn't what was saved")
        return content

    def check(self, *names: str) -> None:
        """Raises LookFileUnreadable where one of these parts is missing or too large; nothing is unpacked."""
        for name in names:
            self._found(name)

    def _found(self, name: str) -> tuple[zipfile.ZipInfo, int]:
        """A part's place, and what it may have unpacked."""
        limit = LIMITS.get(name) or (LIMITS[PAINTING] if _PAINTING.fullmatch(name) else 0)
        found = [info for info in self._archive.infolist() if info.filename == name]
        if len(found) != 1 or not limit:
            raise self._refused(f"{name} is {'there twice' if found else 'missing'}")
        if found[0].file_size > limit:
            raise self._refused(f"{name} is larger than {limit // MIB} MiB")
        return found[0], limit

    def _opened(self) -> zipfile.ZipFile:
        if os.fstat(self._file.fileno()).st_size > MOST_BYTES:
            raise self._refused(f"it is larger than {MOST_BYTES // MIB} MiB")
        try:
            archive = zipfile.ZipFile(self._file)
        except DAMAGE as error:
            raise self._refused("it is no archive, or not a whole one") from error
        if len(archive.infolist()) > MOST_PARTS:
            raise self._refused(f"it has more than {MOST_PARTS} parts")
        return archive

    def _described(self) -> object:
        try:
            return json.loads(self.part(DESCRIPTION))
        except (ValueError, RecursionError) as error:
            raise self._refused(f"{DESCRIPTION} is damaged") from error

    def _refused(self, why: str) -> LookFileUnreadable:
        return LookFileUnreadable(self.path, why)


def write_archive(target: Path, record: LookRecord, parts: Mapping[str, bytes], *, fresh: bool = False) -> None:
    """Write a look file, whole or not at all, a `fresh` one where none is; equal looks are equal files.

    Raises OutputUnwritable, DiskFull, NameTaken.
    """
    text = json.dumps(record.to_json(), indent=1, sort_keys=True, allow_nan=False).encode()
    with written(target, fresh=fresh) as aside, zipfile.ZipFile(aside, "x", zipfile.ZIP_STORED) as archive:
        for name, content in ((DESCRIPTION, text), *parts.items()):
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content)


def painting_part(path: str, stem: str = PAINTING) -> str:
    """What a painting's or style picture's file is called in a look file; "" for a kind that isn't taken along."""
    name = f"{stem}{Path(path).suffix.lower()}"
    return name if _PAINTING.fullmatch(name) else ""
