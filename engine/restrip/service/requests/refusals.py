"""Why a request is not done."""

from __future__ import annotations

from restrip.client import discovery
from restrip.client.messages import REQUESTS
from restrip.errors import BadInput, RestripError


class UnknownType(BadInput):
    """A request that this engine has no answer to."""

    code = "unknown-type"

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no request {kind[:40]!r}.", f"Requests are {', '.join(REQUESTS)}.", type=kind[:40])


class OtherEngine(BadInput):
    """A request meant for another engine than this one."""

    code = "other-engine"

    def __init__(self, meant: str) -> None:
        super().__init__("Another engine was meant.", "Read engine.json again.", meant=meant)


class Draining(RestripError):
    """The engine is about to end and takes no new jobs."""

    code = "draining"

    def __init__(self) -> None:
        super().__init__(
            "The engine finishes its jobs and ends.", "Try again in a moment: a new engine is then started."
        )


class Busy(RestripError):
    """The engine was asked to end only if idle, and isn't."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("A job is running.", "Wait for it, cancel it, or ask the engine to drain.")


class AlreadyPlaced(BadInput):
    """Another front-end placed the job's strips."""

    code = "already-placed"

    def __init__(self, by: str) -> None:
        super().__init__(f"The strips were placed by {by}.", "Place them again only if you want them twice.", by=by)


class Mistake(RestripError):
    """A fault of the engine's own code, met while it answered."""

    code = "internal-error"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The engine made a mistake while it answered {kind[:40]!r}. It goes on.",
            "'restrip doctor --bundle FILE' packs what is needed to report it.",
        )


class DiskTrouble(RestripError):
    """The engine's own folder can't be read or written."""

    code = "disk"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The engine's folder can't be used: {error.strerror or error}.",
            f"Make room or rights in {discovery.state_dir()}.",
        )
