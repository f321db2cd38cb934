"""How much guests have stored here, known before each chunk that they send: no disk of the owner's fills.

not measured ── a worker looks ──► measured ── each chunk adds to it ──► full: refused, until something goes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from restrip.client.preferences import Preferences
from restrip.errors import RestripError
from restrip.remote.upload_store import OfferedFile, UploadStore, room_of, store_name

MIB = 1 << 20


class GuestFull(RestripError):
    """A guest has stored as much as it may, or all guests together have."""

    code = "guest-full"

    def __init__(self, need: int, used: int, limit_mib: float, whose: str) -> None:
        super().__init__(
            f"There is no room for {_mib(need)} MiB more: {whose} stored {_mib(used)} of {limit_mib:g} MiB.",
            "On the computer with the engine, let it have more (restrip link --limit), or wait: what no job uses goes "
            "after a day when room is needed.",
            need_mib=_mib(need),
            used_mib=_mib(used),
            limit_mib=limit_mib,
        )


class GuestQuota:
    """How much the files of each guest take. `preferences` has the limits."""

    def __init__(self, preferences: Callable[[], Preferences]) -> None:
        self._preferences = preferences
        self._used: dict[str, int] = {}
        self._stale: set[str] = set()
        self._looked = False

    def unknown(self, grant: str) -> dict[str, Any] | None:
        """What a worker has to measure before this guest's next chunk: the body of `measure_shelves`, or None."""
        if not self._looked:
            return {}
        return {"shelf": store_name(grant)} if store_name(grant) in self._stale else None

    def measured(self, found: Mapping[str, Any]) -> None:
        """Take over what a worker measured: {"used": {name: bytes}}."""
        self._looked = True
        for name, used in found["used"].items():
            self._used[str(name)] = int(used)
            self._stale.discard(str(name))

    def begin_anew(self, grant: str) -> None:
        """Have a guest's files measured before its next chunk."""
        self._stale.add(store_name(grant))

    def forget(self, grant: str) -> None:
        """Its files are gone, or go."""
        self._used.pop(store_name(grant), None)
        self._stale.discard(store_name(grant))

    def check(self, grant: str, store: UploadStore, file: OfferedFile) -> None:
        """Raise GuestFull unless all of a file that is offered has room."""
        need = room_of(file.size) - (room_of(store.there(file)) if store.begun(file) else 0)
        set_, mine, everything = self._preferences(), self._used.get(store_name(grant), 0), sum(self._used.values())
        if mine + need > set_.guest_mib * MIB:
            raise GuestFull(need, mine, set_.guest_mib, "this computer")
        if everything + need > set_.guests_mib * MIB:
            raise GuestFull(need, everything, set_.guests_mib, "linked computers together")

    def leave(self, grant: str, file: OfferedFile) -> int:
        """How many bytes this guest's files may take so that one more file fits."""
        set_, mine = self._preferences(), self._used.get(store_name(grant), 0)
        others = sum(self._used.values()) - mine
        return int(min(set_.guest_mib * MIB, set_.guests_mib * MIB - others)) - room_of(file.size)

    def grew(self, grant: str, before: int, after: int, new: bool) -> None:
        """A file that had `before` bytes has `after`; `new` when it wasn't there at all."""
        name = store_name(grant)
        self._used[name] = self._used.get(name, 0) + room_of(after) - (0 if new else room_of(before))

    def mib(self, grant: str = "") -> float | None:
        """What a guest has stored, or all of them; None when that isn't known."""
        if not self._looked:
            return None
        used = self._used.get(store_name(grant), 0) if grant else sum(self._used.values())
        return round(used / MIB, 3)


def _mib(count: int) -> float:
    return round(count / MIB, 1)
