"""Requests about the engine itself."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from restrip import __version__
from restrip.client import discovery
from restrip.client.build import installation
from restrip.client.messages import PROTOCOL, BadMessage, Message
from restrip.client.privileges import is_root
from restrip.jobs.model import states
from restrip.jobs.model.settings_schema import schema
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import is_int, text
from restrip.service.requests.links import guests_shown
from restrip.service.requests.refusals import Busy

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher

DEATHS_SHOWN = 5
FEATURES = ("seeds", "suggest", "placed", "blobs", "cache", "models")


def hello(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Who asks, and what this engine is."""
    client = dispatcher.clients[message.who]
    client.update(client=text(message, "client")[:100], project=text(message, "project")[:1000])
    return {
        "protocol": PROTOCOL,
        "engine_version": __version__,
        "engine_id": dispatcher.engine_id,
        "features": list(FEATURES),
        "settings_etag": schema()["etag"],
        "gpu": dispatcher.engine.hearing.facts.get("gpu"),
        "busy": dispatcher.engine.busy,
        "pid": os.getpid(),
        # Where it is installed is the owner's affair.
        **({} if message.guest else installation(dispatcher.engine.installed.build)),
    }


def settings(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """What front-ends draw, unless they have it already."""
    body = schema()
    if message.body.get("etag") == body["etag"]:
        return {"same": True, "etag": body["etag"]}
    return body


def ping(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """A sign of life."""
    return {
        "engine_id": dispatcher.engine_id,
        "pid": os.getpid(),
        "engine_version": __version__,
        "busy": dispatcher.engine.busy,
    }


def show_engine(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """engine_status: queue, workers, memory, clients."""
    engine, now = dispatcher.engine, time.time()
    counts = {state: sum(r.state == state for r in engine.records.values()) for state in states.STATES}
    clients = [
        {"client": c["client"], "project": c["project"], "seen_s": round(now - c["seen"], 1)}
        for c in dispatcher.clients.values()
        if now - c["seen"] < 120
    ]
    return {
        "engine_version": __version__,
        "protocol": PROTOCOL,
        "pid": os.getpid(),
        "root": is_root(),
        **installation(dispatcher.engine.installed.build),
        "up_s": round(now - dispatcher.started, 1),
        "draining": engine.draining,
        "jobs": {state: count for state, count in counts.items() if count},
        "running": [r.job_id for r in engine.records.values() if r.state in states.AT_WORK],
        "workers": {
            name: {
                "running": slot.worker is not None,
                "task": slot.task.kind if slot.task else "",
                "phase": slot.phase if slot.task else "",
                "loaded": slot.loaded,
            }
            for name, slot in engine.pool.slots.items()
        },
        "executor": dict(engine.pool.executor.facts()),
        "memory_mib": own_memory_mib(),
        "worker_facts": engine.hearing.facts,
        "deaths": engine.lifecycle.deaths.last[-DEATHS_SHOWN:],
        "clients": clients,
        "guests": guests_shown(dispatcher),
        "state_dir": str(engine.root),
    }


def free_gpu(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Idle workers leave."""
    dispatcher.engine.free_gpu()
    return {"busy": dispatcher.engine.busy}


def drain(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """What runs is finished, then the engine ends."""
    dispatcher.engine.drain()
    return {"busy": dispatcher.engine.busy}


def quit_engine(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """quit: the engine ends. Raises Busy."""
    if message.body.get("if_idle") and dispatcher.engine.busy:
        raise Busy
    dispatcher.quitting = True
    return {"busy": dispatcher.engine.busy}


def log_tail(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """The last lines of the log."""
    lines = message.body.get("lines", 50)
    if not is_int(lines) or not 1 <= lines <= 1000:
        raise BadMessage("lines is a number from 1 to 1000.")
    return {"lines": [line[:2000] for line in discovery.log_tail(lines)][-400:]}


def own_memory_mib(platform: str = sys.platform) -> int | None:
    """Resident memory of the supervisor: at present on Linux, at most on macOS; None where the system doesn't say."""
    if platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, ValueError, IndexError):
        return None
