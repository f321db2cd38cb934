"""Where requests come in: who may ask, in which version, for what; and the table of who answers."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from restrip.client.messages import PROTOCOL, REQUESTS, Message, ProtocolMismatch, major
from restrip.errors import RestripError
from restrip.service.engine import Engine
from restrip.service.log import say
from restrip.service.query_queue import Reply
from restrip.service.requests import general, guests, jobs, links, look_files, queries, results
from restrip.service.requests.refusals import DiskTrouble, Mistake, OtherEngine, UnknownType
from restrip.service.sharing import Share
from restrip.service.workers.messages import FAULTS

FORGET_CLIENT_S = 3600.0
MOST_CLIENTS = 1000


class GuestDoor(Protocol):
    """The part of the server that lets guests in."""

    share: Share | None

    def open_to_guests(self, share: Share | None) -> Share | None:
        """Listen for guests, or no longer."""

    def know_guests(self, share: Share) -> None:
        """Let in whom it names."""


@dataclass
class Dispatcher:
    """Where requests are answered. `quitting` is set when the engine is to end; `clients` are the sessions seen.

    `door` lets guests in.
    """

    engine: Engine
    engine_id: str
    quitting: bool = False
    started: float = field(default_factory=time.time)
    door: GuestDoor | None = None
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, message: Message, reply: Reply) -> None:
        """Answer a request, now or later."""
        self.answer_by(message.header.type, lambda: self._handle(message, reply), reply)

    def answer_by(self, kind: str, work: Callable[[], Mapping[str, Any] | None], reply: Reply) -> None:
        """Answer a request of this kind with what `work` returns or raises; None when it answers later."""
        try:
            body = work()
        except RestripError as error:
            reply({"ok": False, **error.to_wire()})
        except OSError as error:
            reply({"ok": False, **DiskTrouble(error).to_wire()})
        except FAULTS as error:
            trace = "".join(traceback.format_tb(error.__traceback__))
            say("request not understood", level=logging.ERROR, error=type(error).__name__, trace=trace)
            reply({"ok": False, **Mistake(kind).to_wire()})
        else:
            if body is not None:
                reply({"ok": True, **body})

    def forget_old_clients(self) -> None:
        """Sessions that said nothing for long are no clients any more."""
        for session in [s for s, c in self.clients.items() if time.time() - c["seen"] > FORGET_CLIENT_S]:
            del self.clients[session]

    def _handle(self, message: Message, reply: Reply) -> Mapping[str, Any] | None:
        header, body = message.header, message.body
        theirs = str(body.get("protocol", header.v)) if header.type == "hello" else header.v
        if major(theirs) != major(PROTOCOL) and header.type not in ("quit", "drain", "ping"):
            raise ProtocolMismatch(theirs[:20], PROTOCOL, self.engine.busy)
        if header.engine_id and header.engine_id != self.engine_id:
            raise OtherEngine(header.engine_id)
        handler = _HANDLERS.get(header.type)
        if handler is None:
            raise UnknownType(header.type)
        guests.admit(self.engine, message)
        if message.who not in self.clients and len(self.clients) >= MOST_CLIENTS:
            del self.clients[min(self.clients, key=lambda session: self.clients[session]["seen"])]
        client = self.clients.setdefault(message.who, {"client": "", "project": ""})
        client["seen"] = time.time()
        return handler(self, message, reply)


Handler = Callable[[Dispatcher, Message, Reply], Mapping[str, Any] | None]

_HANDLERS: dict[str, Handler] = {
    "hello": general.hello,
    "settings": general.settings,
    "looks": look_files.looks,
    "save_look": look_files.save_look,
    "read_look": look_files.read_look,
    "add_look": look_files.add_look,
    "remove_look": look_files.remove_look,
    "models": queries.models,
    "probe": queries.probe,
    "check": queries.check,
    "export_keys": queries.export_keys,
    "submit": jobs.submit,
    "seeds": jobs.seeds,
    "suggest": jobs.suggest,
    "status": jobs.status,
    "jobs": jobs.list_jobs,
    "cancel": jobs.cancel,
    "resume": jobs.resume,
    "retry": jobs.resume,
    "manifest": results.manifest,
    "placed": results.placed,
    "discard": results.discard,
    "would_discard": results.discard,
    "cache": results.cache,
    "ping": general.ping,
    "engine_status": general.show_engine,
    "free_gpu": general.free_gpu,
    "drain": general.drain,
    "quit": general.quit_engine,
    "log_tail": general.log_tail,
    "links": links.links,
    "share": links.share,
    "allow": links.allow,
    "link": links.link,
    "quotas": links.quotas,
    "locate": guests.locate,
    "offer": guests.offer,
    "put": guests.put,
    "keep": guests.keep,
    "results": guests.results,
    "get": guests.get,
}
assert set(_HANDLERS) == set(REQUESTS)
