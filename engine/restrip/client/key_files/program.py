"""Opens a key's picture in the program that the user named: "Open Key in ...".

    /opt/krita-5.2.9.appimage --nosplash      a program with arguments, found on the PATH when it has no folder
    C:\\Program Files\\GIMP 3\\bin\\gimp-3.exe     spaces need no quotes; quotes are understood, too
    /Applications/Adobe Photoshop 2026/Adobe Photoshop 2026.app      macOS: started by `open`, as the Finder does
    (nothing)                                 whatever the system opens pictures with

No shell reads any of it, and nothing is opened but a picture that lies on this computer or a drive of its.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from restrip.errors import BadInput
from restrip.timeline.key_names import may_be_key

OF_THE_EDITOR = ("PYTHON", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_", "VIRTUAL_ENV", "QT_", "OCIO", "GTK_")
"""What editors set for themselves; the other program must not load their libraries."""

SHELL_SCRIPTS = (".bat", ".cmd")
_started: list[subprocess.Popen[bytes]] = []
"""Programs that run: each is asked now and then whether it ended, so that the system can forget it."""


class PaintProgramMissing(BadInput):
    """The program that keys are to be opened in can't be started."""

    code = "paint-program-missing"

    def __init__(self, program: str, why: str) -> None:
        super().__init__(
            f"The program {program!r} {why}.",
            "Name the program that you paint in, with its whole path, or leave the setting empty for the system's own.",
            program=program,
        )


class NoKeyPicture(BadInput):
    """A key whose picture can't be opened in another program."""

    code = "no-key-picture"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path or 'This key'} {why}.", "Export the keys first, then open one of them.", path=path)


def open_picture(path: str, program: str = "") -> None:
    """Start the program on a key's picture, and don't wait for it. Raises NoKeyPicture, PaintProgramMissing."""
    check_picture(path)
    command = command_for(program, path)
    if command is None:
        os.startfile(path)  # type: ignore[attr-defined,unused-ignore] # on Windows alone
        return
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(OF_THE_EDITOR)}
    nothing = subprocess.DEVNULL
    apart: dict[str, Any] = {"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}
    try:
        started = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, env=kept, **apart)
    except OSError as error:
        raise PaintProgramMissing(program or command[0], f"can't be started: {error.strerror or error}") from error
    _started[:] = [*(other for other in _started if other.poll() is None), started]


def check_picture(path: str) -> None:
    """Raise NoKeyPicture unless this is a picture that is here: no address, no link of a computer elsewhere."""
    if not path:
        raise NoKeyPicture("", "has no picture yet")
    if not os.path.isabs(path):
        raise NoKeyPicture(path, "is no file of this computer")
    if not may_be_key(path):
        raise NoKeyPicture(path, "is no picture")
    if not os.path.isfile(path):
        raise NoKeyPicture(path, "isn't on this computer")


def command_for(program: str, path: str, platform: str = sys.platform) -> list[str] | None:
    """The command that opens a picture; None where Windows is to choose. Raises PaintProgramMissing."""
    program = program.strip()
    if not program:
        if platform == "win32":
            return None
        return ["open", path] if platform == "darwin" else [found_program("xdg-open", program), path]
    first, arguments = split_program(program, platform)
    if platform == "darwin" and first.rstrip("/").endswith(".app"):
        return ["open", "-a", first, path, *(["--args", *arguments] if arguments else [])]
    return [found_program(first, program), *arguments, path]


def split_program(text: str, platform: str = sys.platform) -> tuple[str, Sequence[str]]:
    """The program and its arguments. Of a text without quotes the longest beginning that is there is the program.

    Raises PaintProgramMissing.
    """
    if not text.startswith(('"', "'")):
        words = text.split(" ")
        for count in range(len(words), 0, -1):
            beginning = os.path.expanduser(" ".join(words[:count]))
            if _is_program(beginning, platform):
                return beginning, _words(" ".join(words[count:]), text, platform)
    parts = _words(text, text, platform)
    return os.path.expanduser(parts[0]), parts[1:]


def found_program(name: str, told: str) -> str:
    """Where a program is: its own path, or that on the PATH. Raises PaintProgramMissing."""
    if os.path.isdir(name):
        raise PaintProgramMissing(told or name, "is a folder")
    found = shutil.which(name)
    if found is None:
        there = os.path.isfile(name)
        raise PaintProgramMissing(told or name, "isn't a program that may be started" if there else "isn't there")
    if found.lower().endswith(SHELL_SCRIPTS):
        raise PaintProgramMissing(told or name, "is a script that a shell would read, with the picture's name in it")
    return found


def _is_program(path: str, platform: str) -> bool:
    bundle = platform == "darwin" and path.rstrip("/").endswith(".app") and os.path.isdir(path)
    return os.path.isabs(path) and (os.path.isfile(path) or bundle)


def _words(text: str, told: str, platform: str) -> list[str]:
    """Words as a command line has them; on Windows a backslash is part of a path."""
    try:
        words = shlex.split(text, posix=platform != "win32")
    except ValueError:
        raise PaintProgramMissing(told, "has a quote that isn't closed") from None
    if platform == "win32":
        words = [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word for word in words]
    return words
