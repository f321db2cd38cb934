"""Requests about other computers: sharing this engine with them, and having jobs done by an engine elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from restrip.client.messages import BadMessage, Message
from restrip.client.preferences import is_size
from restrip.errors import BadInput
from restrip.remote import peer
from restrip.remote.peer import Remote, fingerprint, from_hex, linked, to_hex
from restrip.service.log import say
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import text
from restrip.service.sharing import NotShared, Share, stop_sharing

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher, GuestDoor


class InCircles(BadInput):
    """This engine was to use another and be used by others at once."""

    code = "in-circles"

    def __init__(self) -> None:
        super().__init__(
            "An engine is either shared or linked to another: jobs could go in circles.",
            "Stop the one (restrip link --unshare, or restrip link --off) before the other.",
        )


def links(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any] | None:
    """How things stand, with `try` also whether the engine elsewhere answers: "error" is then None, or its error."""
    facts = standing(dispatcher)
    if not message.body.get("try") or facts["link"] is None:
        return facts

    def tell(body: Mapping[str, Any]) -> None:
        error = None if body.get("ok") else {name: body.get(name) for name in ("code", "message", "remedy")}
        reply({"ok": True, **facts, "error": error})

    dispatcher.engine.questions.ask("ask_elsewhere", {"type": "ping", "body": {}}, tell)
    return None


def standing(dispatcher: Dispatcher) -> dict[str, Any]:
    """{"share": None or {...}, "link": None or {...}}; no secret is in it."""
    share, there = _door(dispatcher).share, linked(dispatcher.engine.root)
    return {
        "share": None
        if share is None
        else {
            "address": share.address,
            "key": to_hex(share.server_key),
            "guests": {name: fingerprint(share.server_key, guest.key) for name, guest in share.guests.items()},
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


def share(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Share the engine at `listen`, or with "" no longer, and forget the guests. Raises BadAddress, CannotListen."""
    listen, keep = text(message, "listen").strip(), _keeps(message)
    folder = dispatcher.engine.root / "run"
    if not listen:
        before = _door(dispatcher).share
        _door(dispatcher).open_to_guests(None)
        _revoke(dispatcher, before, None, keep)
        stop_sharing(folder)
        say("no longer shared")
        return standing(dispatcher)
    if linked(dispatcher.engine.root) is not None:
        raise InCircles
    opened = _door(dispatcher).open_to_guests(Share.new(listen, _door(dispatcher).share or Share.load(folder)))
    assert opened is not None
    opened.save(folder)
    say("shared", address=opened.address)
    return standing(dispatcher)


def allow(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Let the computer `name` in by its `key`, or with "" no longer. Raises NotShared, BadName, BadKey, KeyKnown,
    UnknownGuest.

    `jobs` says what becomes of those that a guest has who is none any more, by this or because its name has a new key:
    "end", or "keep" for the owner.
    """
    name, key, keep = text(message, "name").strip(), text(message, "key").strip(), _keeps(message)
    before = _door(dispatcher).share
    if before is None:
        raise NotShared
    after = before.with_guest(name, from_hex(key)) if key else before.without_guest(name)
    # First of all: whatever becomes of the rest, it gets nothing more.
    _door(dispatcher).know_guests(after)
    _revoke(dispatcher, before, after, keep)
    after.save(dispatcher.engine.root / "run")
    say("guests", count=len(after.guests))
    return standing(dispatcher)


def quotas(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """How many MiB one guest (`guest_mib`) and all of them (`guests_mib`) may store here. Raises BadMessage."""
    given = {name: message.body[name] for name in ("guest_mib", "guests_mib") if message.body.get(name) is not None}
    for name, mib in given.items():
        if not is_size(mib):
            raise BadMessage(f"{name} is a number of MiB, from 0.")
    dispatcher.engine.prefer(
        replace(dispatcher.engine.preferences, **{name: float(mib) for name, mib in given.items()})
    )
    return standing(dispatcher)


def _revoke(dispatcher: Dispatcher, before: Share | None, after: Share | None, keep: bool) -> None:
    """End what guests had who are none any more."""
    for grant in (before.grants if before else set()) - (after.grants if after else set()):
        jobs = dispatcher.engine.revoke(grant, keep=keep)
        say("guest forgotten", jobs=len(jobs), kept=keep)


def _keeps(message: Message) -> bool:
    jobs = message.body.get("jobs", "end")
    if jobs not in ("end", "keep"):
        raise BadMessage("jobs is end or keep.")
    return bool(jobs == "keep")


def guests_shown(dispatcher: Dispatcher) -> dict[str, Any]:
    """What guests stored and have at work, as `engine_status` shows it; {} when the engine isn't shared."""
    engine, share = dispatcher.engine, dispatcher.door.share if dispatcher.door is not None else None
    if share is None:
        return {}
    if engine.quota.mib() is None:
        engine.questions.ask("measure_shelves", {}, lambda body: engine.quota.measured(body) if body["ok"] else None)
    limit = engine.preferences.guest_mib
    shown = {
        name: {"mib": engine.quota.mib(guest.grant), "limit_mib": limit, "jobs": len(engine.jobs_of(guest.grant))}
        for name, guest in share.guests.items()
    }
    return {"mib": engine.quota.mib(), "limit_mib": engine.preferences.guests_mib, "by_name": shown}


def link(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Have jobs done by the engine at `address` with this `key`, or with "" here again. Raises BadAddress, BadKey.

    Linking to the same address and key again keeps this computer's own key.
    """
    address, root = text(message, "address").strip(), dispatcher.engine.root
    if not address:
        peer.unlink(root)
        return standing(dispatcher)
    if _door(dispatcher).share is not None:
        raise InCircles
    shared_folders = message.body.get("shared_folders", True)
    if not isinstance(shared_folders, bool):
        raise BadMessage("shared_folders is true or false.")
    new = Remote.new(address, text(message, "key").strip(), shared_folders=shared_folders)
    peer.link(root, new.with_key_of(linked(root)))
    return standing(dispatcher)


def _door(dispatcher: Dispatcher) -> GuestDoor:
    assert dispatcher.door is not None, "an engine without a server answers no such requests"
    return dispatcher.door
