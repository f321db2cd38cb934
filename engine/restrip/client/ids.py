"""Names of jobs, made by the front-end and used as folder names by the engine, and of folders for their results."""

from __future__ import annotations

import re
import secrets
import time

from restrip.errors import BadInput

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,63}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)


class BadJobId(BadInput):
    """A job id that can't name a folder on every system."""

    code = "bad-job-id"

    def __init__(self, given: object) -> None:
        super().__init__(
            f"{str(given)[:80]!r} is no job id.",
            "Use 3 to 64 letters, digits, '-' or '_', beginning with a letter or digit.",
        )


def new_job_id() -> str:
    """A unique id that sorts by time."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def short_id(job_id: str) -> str:
    """Enough of a job's id to tell it from others by its beginning: ids that sort by time begin alike."""
    return job_id if "-" in job_id else job_id[:12]


def folder_name(name: str) -> str:
    """A name for a folder, on every system, out of a clip's."""
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in name).strip(" .")[:60] or "clip"


def check_job_id(given: object) -> str:
    """The id itself. Raises BadJobId."""
    if not isinstance(given, str) or not _ID.fullmatch(given) or _DEVICES.fullmatch(given):
        raise BadJobId(given)
    return given
