"""What a watch made of painted keys, to be deleted once later results took its place."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from restrip.client.job import Manifest

KEPT = 8
"""Results of a watch that stay, the newest, though later ones took their place: for undo, and what is saved back."""


@dataclass(frozen=True)
class MadeResult:
    """A result of a watch: its job, the files that a strip may show, and those that lie beside them."""

    job_id: str
    files: tuple[Path, ...]
    beside: tuple[Path, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest) -> MadeResult:
        """That of a finished job."""
        files = (*(strip.file for strip in manifest.strips), manifest.baked, manifest.preview)
        beside = (manifest.otio, manifest.sheet)
        return cls(manifest.job_id, _paths(*files), _paths(*beside))

    def delete(self) -> bool:
        """Delete the files in the job's own folder, and that unless something else lies in it; whether that could be
        done.

        Where the engine has the results, it deletes them itself when the job is discarded.
        """
        folders = {file.parent for file in self.files if file.parent.name.endswith(f" {self.job_id}")}
        try:
            for folder in folders:
                for file in (*self.files, *self.beside, folder / "manifest.json"):
                    if file.parent == folder:
                        _remove(file)
        except OSError:  # It is open, on some systems: the next time.
            return False
        for folder in folders:
            with suppress(OSError):
                folder.rmdir()
        return True


def _paths(*files: str) -> tuple[Path, ...]:
    return tuple(Path(file) for file in files if file)


def _remove(file: Path) -> None:
    """A movie, or a folder of pictures."""
    if not file.is_dir():
        file.unlink(missing_ok=True)
        return
    for picture in sorted(file.iterdir()):
        picture.unlink()
    file.rmdir()
