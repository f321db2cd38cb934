"""A worker as the supervisor holds it: a child process at the end of two pipes, JSON lines each way.

supervisor ── stdin:  task, cancel ──► worker
           ◄── stdout: ready, progress, result, error ──
           ◄── stderr: what libraries print and where it crashed, for the log, without what the job is about
           end of stdin: the worker ends; end of stdout: the worker is gone
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import zmq

from restrip.client.privacy import Private
from restrip.service.log import say
from restrip.service.workers.messages import MOST_BYTES
from restrip.service.workers.oom_kills import memory_kills
from restrip.storage import json_files

INBOX = "inproc://workers"
WORKER = ("-m", "restrip.service.workers.worker")
LOGGED_LINE = 1000
LOGGED_A_SECOND = 50
LAST_WORDS_S = 1.0


class Worker(Protocol):
    """What a slot needs of a worker. What is known of its end: `exit_code` as subprocess has it (None: not known),
    whether the system was out of memory meanwhile, and the last line that it printed.
    """

    worker_id: str
    exit_code: int | None
    memory_ran_out: bool
    last_words: str

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand a message over; never waits."""

    def leave(self) -> None:
        """Let it end by itself."""

    def terminate(self) -> None:
        """End it."""

    def kill(self) -> None:
        """End it at once."""


class WorkerProcess:
    """A started worker. What it says comes in at INBOX as [worker_id, line]; an empty line: it ended."""

    def __init__(
        self,
        worker_id: str,
        context: zmq.Context[zmq.Socket[bytes]],
        environment: Mapping[str, str] | None = None,
        argv: Sequence[str] = WORKER,
    ) -> None:
        self.worker_id = worker_id
        self.exit_code: int | None = None
        self.memory_ran_out, self.last_words = False, ""
        self._memory_kills = memory_kills()
        # The pipe's one end is closed in the child, so that it sees the end when the supervisor is gone.
        self._child = subprocess.Popen(
            [sys.executable, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=True,
            env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
            creationflags=no_window(),
        )
        self.pid = self._child.pid
        self._context = context
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._task: Mapping[str, Any] = {}
        self._listener = threading.Thread(target=self._listen, daemon=True, name=f"_listen {worker_id}")
        self._listener.start()
        for body in (self._write, self._read):
            threading.Thread(target=body, daemon=True, name=f"{body.__name__} {worker_id}").start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand a message over; a thread writes it, so that a stuck worker doesn't stop the supervisor."""
        if message.get("t") == "task":
            self._task = message
        self._outgoing.put(json.dumps(message).encode() + b"\n")

    def leave(self) -> None:
        """Close its stdin: it ends by itself."""
        self._outgoing.put(None)

    def terminate(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._child.terminate()

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self._child.kill()

    def _write(self) -> None:
        pipe = self._child.stdin
        assert pipe is not None
        with contextlib.suppress(OSError, ValueError):
            while (line := self._outgoing.get()) is not None:
                pipe.write(line)
                pipe.flush()
        with contextlib.suppress(OSError, ValueError):
            pipe.close()

    def _read(self) -> None:
        pipe = self._child.stdout
        assert pipe is not None
        socket: zmq.Socket[bytes] = self._context.socket(zmq.PUSH)
        socket.linger = 0
        name = self.worker_id.encode()
        try:
            socket.connect(INBOX)
            # A line without an end comes in pieces, and the first is too long already.
            while line := pipe.readline(MOST_BYTES + 2):
                if line.strip():
                    socket.send_multipart([name, line])
            pipe.close()
            self.exit_code = self._child.wait()
            self.memory_ran_out = memory_kills() > self._memory_kills
            self._listener.join(LAST_WORDS_S)  # A child of its own may hold its stderr open.
            self._outgoing.put(None)
            socket.send_multipart([name, b""])
        except zmq.ZMQError:
            return  # The supervisor is leaving.
        finally:
            socket.close()

    def _listen(self) -> None:
        """Log what is printed, a part of it when it is much."""
        pipe = self._child.stderr
        assert pipe is not None
        task: Mapping[str, Any] = {}
        private, second, said = Private(), 0.0, 0
        with contextlib.suppress(OSError, ValueError), pipe:
            while line := pipe.readline(LOGGED_LINE):
                if self._task is not task:
                    task = self._task
                    private = _private(task)
                if time.monotonic() - second > 1.0:
                    second, said = time.monotonic(), 0
                said += 1
                text = line.decode("utf-8", "replace").rstrip()
                if text:
                    self.last_words = private.hide(text)
                if text and said <= LOGGED_A_SECOND:
                    say("worker said", worker=self.worker_id, text=self.last_words)


def no_window(platform: str = sys.platform) -> int:
    """The flag that keeps Windows from opening a console for a worker; elsewhere there is none."""
    return 0x08000000 if platform == "win32" else 0


def _private(task: Mapping[str, Any]) -> Private:
    """The texts of a task and of its job, which the log must not have."""
    folder = task.get("job")
    job = json_files.read_json(Path(folder) / "job.json") if isinstance(folder, str) and folder else None
    return Private(task.get("body"), job)
