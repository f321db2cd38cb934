"""What all objects of the double share: ids, the log of calls, misuse, injected failures, and files on disk."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .profile import SINCE, Profile

MODES = ("none", "false", "raise", "lie", "acts, none", "acts, raise")
"""How a call fails: without an effect (the first four; a lie says it worked), or after having had it."""


class Injected(RuntimeError):
    """What an injected exception is."""


@dataclass(frozen=True)
class Failure:
    """The call number `at` fails in the way of `mode`."""

    at: int
    mode: str


@dataclass(frozen=True)
class MediaFile:
    """A file that can be imported."""

    frames: int
    fps: str = "24"
    size: tuple[int, int] = (1920, 1080)
    start_tc: str = "00:00:00:00"
    audio: bool = False


@dataclass
class World:
    """One running Resolve."""

    profile: Profile
    disk: dict[str, MediaFile] = field(default_factory=dict)
    page: str = "edit"
    calls: list[tuple[str, str]] = field(default_factory=list)
    misuse: list[str] = field(default_factory=list)
    failure: Failure | None = None
    failed: tuple[str, str] | None = None
    counter: int = 0
    renderer: Callable[[str, int, int], None] | None = None

    def new_id(self, kind: str) -> str:
        self.counter += 1
        return f"{kind}-{self.counter}"

    def complain(self, what: str) -> None:
        self.misuse.append(what)


class Scriptable:
    """An object as Resolve's bridge shows it: `hasattr` is always True, a missing method reads as None.

    Every call gives new Python objects for the same thing: only ids tell what is the same.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattribute__(self, name: str) -> Any:
        if not name[:1].isupper():
            return object.__getattribute__(self, name)
        world: World = object.__getattribute__(self, "_world")
        kind = type(self).__name__
        if name not in vars(type(self)) or not world.profile.has(kind, name):
            if name not in MAY_BE_MISSING:
                world.complain(f"{kind} has no {name}")
            return (lambda *_: None) if world.profile.makes_up_methods else None
        method = object.__getattribute__(self, name)
        return lambda *given, **named: _call(world, self, name, method, given, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    def __dir__(self) -> list[str]:
        world: World = object.__getattribute__(self, "_world")
        kind = type(self).__name__
        return [name for name in vars(type(self)) if name[:1].isupper() and world.profile.has(kind, name)]

    def lie(self, name: str) -> Any:
        """What a call that did nothing answers to seem to have worked; NotImplemented for one that only reads."""
        return True if name.startswith(("Set", "Delete", "Add", "Clear", "Open", "Start", "Export")) else NotImplemented

    def gone(self) -> bool:
        """Whether the thing was deleted."""
        return False


# Methods that scripts may ask for in versions that don't have them.
MAY_BE_MISSING = {method for _, method in SINCE}


_signature = functools.cache(inspect.signature)


def _call(world: World, thing: Scriptable, name: str, method: Any, given: tuple[Any, ...], named: Any) -> Any:
    kind = type(thing).__name__
    index = len(world.calls)
    world.calls.append((kind, name))
    if named:
        world.complain(f"{kind}.{name} was called with names")
        return None
    try:
        _signature(vars(type(thing))[name]).bind(thing, *given)
    except TypeError as error:
        world.complain(f"{kind}.{name}: {error}")
        return None
    if thing.gone():
        return None
    if world.failure is None or world.failure.at != index:
        return method(*given)
    return _fail(world, thing, name, method, given)


def _fail(world: World, thing: Scriptable, name: str, method: Any, given: tuple[Any, ...]) -> Any:
    assert world.failure is not None
    mode = world.failure.mode
    world.failed = (type(thing).__name__, name)
    if mode == "raise":
        raise Injected(f"{world.failed} raises")
    if mode in ("none", "false"):
        return None if mode == "none" else False
    if mode == "lie":
        answer = thing.lie(name)
        return method(*given) if answer is NotImplemented else answer
    method(*given)
    if mode == "acts, raise":
        raise Injected(f"{world.failed} raises afterwards")
    return None
