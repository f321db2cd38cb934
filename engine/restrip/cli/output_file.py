"""A file that a command leaves where it is told to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from restrip.cli.options import BadOption
from restrip.client.discovery import state_dir
from restrip.storage.atomic import aside_of
from restrip.storage.owned_files import check_own, write_own
from restrip.storage.texts import words
from restrip.storage.typed_paths import typed_path


class OutputFile:
    """The file that `option` names. It is tried before the work begins, and is never a file of the user's own.

    Raises BadOption when it can't be written, OutputExists.
    """

    def __init__(self, path: str | Path, option: str) -> None:
        self.path = typed_path(path)
        self._option = option
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                os.lstat(self.path)  # A name that the disk takes.
            check_own(state_dir(), self.path)
            attempt = aside_of(self.path)
            attempt.touch(exist_ok=False)
            attempt.unlink()
        except OSError as error:
            raise self._refused(error) from None

    def write(self, content: bytes) -> None:
        """Put it there, whole or not at all."""
        try:
            write_own(state_dir(), self.path, content)
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> BadOption:
        why = words(error)
        return BadOption(f"{self.path} can't be written: {why}.", f"Choose another {self._option}.")
