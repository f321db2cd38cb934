"""Requests about other computers: sharing this engine with them, and having jobs done by an engine elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from restrip.errors import BadInput
from restrip.jobs import remote
from restrip.jobs.remote import Remote, fingerprint, from_hex, linked, to_hex
from restrip.link.message import BadMessage, Message
from restrip.service.log import say
from restrip.service.questions import Reply
from restrip.service.requests.fields import text
from restrip.service.share import NotShared, Share, stop_sharing

if TYPE_CHECKING:
    from restrip.service.requests.desk import Desk, GuestDoor


class InCircles(BadInput):
    """This engine was to use another and be used by others at once."""

    code = "in-circles"

    def __init__(self) -> None:
        super().__init__(
            "An engine is either shared or linked to another: jobs could go in circles.",
            "Stop the one (restrip link --unshare, or restrip link --off) before the other.",
        )


def links(desk: Desk, message: Message, reply: Reply) -> dict[str, Any] | None:
    """How things stand, with `try` also whether the engine elsewhere answers: "error" is then None, or its error."""
    facts = standing(desk)
    if not message.body.get("try") or facts["link"] is None:
        return facts

    def tell(body: Mapping[str, Any]) -> None:
        error = None if body.get("ok") else {name: body.get(name) for name in ("code", "message", "remedy")}
        reply({"ok": True, **facts, "error": error})

    desk.engine.ask_worker("ask_elsewhere", {"type": "ping", "body": {}}, tell)
    return None


def standing(desk: Desk) -> dict[str, Any]:
    """{"share": None or {...}, "link": None or {...}}; no secret is in it."""
    share, there = _door(desk).share, linked(desk.engine.root)
    return {
        "share": None
        if share is None
        else {
            "address": share.address,
            "key": to_hex(share.server_key),
            "guests": {name: fingerprint(share.server_key, key) for name, key in share.guests.items()},
        },
        "link": None
        if there is None
        else {
            "host": there.host,
            "port": there.port,
            "key": to_hex(there.public),
            "fingerprint": there.fingerprint,
            "shared_folders": there.shared_folders,
        },
    }


def share(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """Share the engine at `listen`, or with "" no longer, and forget the guests. Raises BadAddress, CannotListen."""
    listen = text(message, "listen").strip()
    folder = desk.engine.root / "run"
    if not listen:
        _door(desk).open_to_guests(None)
        stop_sharing(folder)
        say("no longer shared")
        return standing(desk)
    if linked(desk.engine.root) is not None:
        raise InCircles
    opened = _door(desk).open_to_guests(Share.new(listen, Share.load(folder)))
    assert opened is not None
    opened.save(folder)
    say("shared", address=opened.address)
    return standing(desk)


def allow(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """Let the computer `name` in by its `key`, or with "" no longer. Raises NotShared, BadName, BadKey."""
    name, key = text(message, "name").strip(), text(message, "key").strip()
    before = _door(desk).share
    if before is None:
        raise NotShared
    after = before.with_guest(name, from_hex(key)) if key else before.without_guest(name)
    after.save(desk.engine.root / "run")
    _door(desk).know_guests(after)
    say("guests", count=len(after.guests))
    return standing(desk)


def link(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """Have jobs done by the engine at `address` with this `key`, or with "" here again. Raises BadAddress, BadKey.

    Linking to the same address and key again keeps this computer's own key.
    """
    address, root = text(message, "address").strip(), desk.engine.root
    if not address:
        remote.unlink(root)
        return standing(desk)
    if _door(desk).share is not None:
        raise InCircles
    shared_folders = message.body.get("shared_folders", True)
    if not isinstance(shared_folders, bool):
        raise BadMessage("shared_folders is true or false.")
    new = Remote.new(address, text(message, "key").strip(), shared_folders=shared_folders)
    remote.link(root, new.with_key_of(linked(root)))
    return standing(desk)


def _door(desk: Desk) -> GuestDoor:
    assert desk.door is not None, "an engine without a server answers no such requests"
    return desk.door
