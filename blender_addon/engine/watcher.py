"""Looks at the pictures of painted keys for Blender, in a thread of the messenger's: a hanging drive holds up only it.

Blender   {"watch": "<strip>", "places": {...} or null}  ►  messenger ─► watcher
          ◄  {"watched": "<strip>", "news": {...}}                       every POLL_S, when there is something to tell
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from restrip.client.key_files.news import KeyNews, news_to_json
from restrip.client.key_files.places import KeyPlaces
from restrip.client.key_files.watch import POLL_S, KeyWatch


class Watcher:
    """The watches by who they are for. `tell` is called from the thread, with messages for Blender."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None]) -> None:
        self._tell = tell
        self._wanted: dict[str, KeyPlaces] = {}
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def want(self, name: str, places: Mapping[str, Any] | None) -> None:
        """Watch these places for somebody, or with None no longer."""
        with self._lock:
            if places is None:
                self._wanted.pop(name, None)
            else:
                self._wanted[name] = KeyPlaces.from_json(places)
        self._changed.set()
        if self._thread is None and places is not None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        watches: dict[str, KeyWatch] = {}
        while True:
            self._changed.clear()
            with self._lock:
                wanted = dict(self._wanted)
            for name in [name for name in watches if name not in wanted]:
                del watches[name]
            for name, places in wanted.items():
                watch = watches.setdefault(name, KeyWatch(places))
                watch.follow(places)
                news = watch.look()
                if news != KeyNews():
                    self._tell({"watched": name, "news": news_to_json(news)})
            self._changed.wait(POLL_S if wanted else None)
