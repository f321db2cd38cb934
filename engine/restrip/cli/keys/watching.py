"""`restrip render --watch`: keys that are saved again are carried along again, into the same folder.

render ─► look ─► saved ─► render what that touches ─► look ─► ...        a save while it renders: begun again
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from restrip.cli.terminal import Terminal
from restrip.client.client import Client, EngineUnreachable, JobStatus
from restrip.client.job import JobSpec, Manifest
from restrip.client.key_files.made import KEPT
from restrip.client.key_files.news import KeyNews
from restrip.client.key_files.places import KeyPlaces
from restrip.client.key_files.watch import POLL_S, KeyWatch
from restrip.errors import BadInput, RestripError
from restrip.request import JobNotDone, finished

AGAIN = "source-changed"
"""What a job fails with when a file was saved while it was read."""

UNPAINTED = "painted-keys-missing"
"""What it fails with while a key has no picture yet: a watch waits for it."""


class NoPaintedKeys(BadInput):
    """--watch without a key that is a picture of somebody's."""

    code = "no-painted-keys"

    def __init__(self) -> None:
        super().__init__(
            "There is nothing to watch: no key is a picture that you paint.",
            "Use --look keys:FOLDER, or name a key's picture in a keys file: `45: image: key.png`.",
        )


class Watching:
    """Renders, and renders again what a saved key touches, until Ctrl+C. `make` gives the job as it is asked for now.

    `show` gets each result, with the one before.
    """

    def __init__(
        self,
        client: Client,
        make: Callable[[], JobSpec],
        terminal: Terminal,
        show: Callable[[Manifest, Manifest | None], None],
        *,
        all_in_folder: bool = False,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client, self._make, self._terminal, self._show = client, make, terminal, show
        self._all_in_folder = all_in_folder
        self._sleep = sleep
        self._watch: KeyWatch | None = None
        self._pending = False
        self._owed = False
        self._missing = ""
        self._looked = 0.0
        self._submitted: list[str] = []

    def run(self, rounds: int | None = None) -> None:
        """Go on until Ctrl+C, or so many results. Raises NoPaintedKeys, and what the first job fails with; a key that
        isn't painted yet is waited for.
        """
        last = self._first()
        self._show(last, None)
        done = 1
        self._terminal.aside("Watching the keys: save one and its strip follows. Ctrl+C ends it.")
        while rounds is None or done < rounds:
            self._wait()
            result = self._again()
            if result is not None:
                self._show(result, last)
                last, done = result, done + 1
                self._forget_old(result.job_id)

    def _forget_old(self, shown: str) -> None:
        """Have the engine delete what it keeps of earlier jobs of this watch, but for the newest ones: an evening's
        saves are hundreds of pictures. The user's folder has the newest result, and stays as it is.
        """
        over = self._submitted[:-KEPT]
        for job_id in over:
            if job_id != shown:
                with suppress(RestripError):  # It is gone already, or the engine is busy ending.
                    self._client.discard(job_id)
        self._submitted = self._submitted[-KEPT:]

    def _wait(self) -> None:
        """Until something was saved."""
        while not self._pending:
            self._look()
            if not self._pending:
                self._sleep(POLL_S)
        with suppress(EngineUnreachable):
            self._client.ping()  # It may have ended for want of work: the next request starts it.

    def _first(self) -> Manifest:
        """The first result: what is wrong with the request is raised."""
        while True:
            try:
                result = self._turn()
            except RestripError as error:
                if error.code == UNPAINTED:
                    self._owed = True
                    self._terminal.error(error)
                    self._terminal.aside("Waiting until it is painted. Ctrl+C ends it.")
                    self._wait()
                elif error.code != AGAIN:
                    raise
                continue
            if result is not None:
                return result

    def _again(self) -> Manifest | None:
        """A later one; what is wrong by now is said, and the watch goes on. None when it has to be begun anew."""
        try:
            return self._turn()
        except RestripError as error:
            self._pending = error.code == AGAIN
            if not self._pending:
                # What was saved isn't seen yet: once what is missing is back, it is rendered without another save.
                path = str(error.detail.get("path", ""))
                self._owed, self._missing = True, path if path and not os.path.exists(path) else ""
                self._terminal.error(error)
            return None

    def _turn(self) -> Manifest | None:
        """Render once. None when a key was saved meanwhile: what was finished is in the cache."""
        self._pending = self._owed = False
        spec = self._make()
        places = KeyPlaces.of(spec, all_in_folder=self._all_in_folder)
        if not places:
            raise NoPaintedKeys
        self._watch = self._watch or KeyWatch(places)
        self._watch.follow(places)
        with (
            self._terminal.stopping(self._client, spec.job_id),
            self._terminal.progress() as show,
        ):
            self._client.submit(spec)
            self._submitted.append(spec.job_id)

            def tell(status: JobStatus) -> None:
                show(status)
                if time.monotonic() - self._looked >= POLL_S and not self._pending:
                    self._look()
                    if self._pending and not status.ended:
                        self._client.cancel(spec.job_id)

            try:
                result = finished(self._client, spec.job_id, tell)
                self._watch.follow(places.with_frames(key.key.frame for key in result.keys))
                return result
            except JobNotDone:
                if self._pending:
                    return None
                raise

    def _look(self) -> None:
        """KeyNews once, and say what there is to say."""
        assert self._watch is not None
        self._looked = time.monotonic()
        look = self._watch.look()
        back = self._owed and (look.well or look.unused or (self._missing and os.path.exists(self._missing)))
        self._pending = self._pending or look.changed or bool(back)
        for sentence in sentences_of(look, owed=self._owed):
            self._terminal.aside(sentence)
        for trouble in look.troubles:
            self._terminal.error(trouble)


def sentences_of(look: KeyNews, *, owed: bool = False) -> list[str]:
    """What a look is worth to be said of, troubles aside; `owed` while the last job failed, perhaps for want of a new
    picture.
    """
    lines = [*look.well]
    if look.changed:
        lines.append(look.said())
    unused = "" if owed else ", but its frame is no key: add it to --keys"
    lines += [f"{path} is new{unused}." for path in look.unused]
    return lines


def what_changed(new: Manifest, old: Manifest | None) -> Mapping[str, str]:
    """The strips of a result that are others than before, by file."""
    before = {strip.file: strip.sha256 for strip in old.strips} if old is not None else {}
    return {strip.file: strip.sha256 for strip in new.strips if before.get(strip.file) != strip.sha256}
