"""Queries to the light workers, one after the other, and the clients that wait for their answers.

The owner's are answered in the order in which they came, by a worker of their own; guests take turns at another.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from restrip.service import stages
from restrip.service.scheduler import WorkerTask
from restrip.service.workers.errors import TooManyQuestions

Reply = Callable[[Mapping[str, Any]], None]
MOST_QUESTIONS = 1000
MOST_OF_A_GUEST = 20


class QueryQueue:
    """Those that wait for their turn, by who asked ("" for the owner), and the replies of all without an answer yet."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[WorkerTask]] = {}
        self._asked: dict[str, tuple[str, Reply]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wait(self, guests: bool) -> bool:
        """Whether a question of a guest's, or of the owner's, waits."""
        return any(bool(guest) == guests for guest in self._waiting)

    def ask(self, kind: str, body: Mapping[str, Any], reply: Reply, guest: str = "") -> None:
        """Have a light worker do something small; `reply` gets {"ok": ...} when it is done, or when too many wait.

        What a `guest` asks takes its turn among guests' questions, at a worker of theirs.
        """
        most = MOST_OF_A_GUEST if guest else MOST_QUESTIONS
        if len(self._waiting.get(guest, ())) >= most:
            reply({"ok": False, **TooManyQuestions(most).to_wire()})
            return
        task = WorkerTask(uuid.uuid4().hex, kind, body=dict(body))
        self._asked[task.task_id] = guest, reply
        self._waiting.setdefault(guest, deque()).append(task)

    def next(self, guests: bool = False) -> WorkerTask:
        """The one whose turn it is: the owner's next, or that of the guest who has waited longest for a turn."""
        guest = next(guest for guest in self._waiting if bool(guest) == guests)
        line = self._waiting.pop(guest)
        task = line.popleft()
        if line:
            self._waiting[guest] = line  # Behind the others.
        return task

    def progressed(self, task: WorkerTask, message: Mapping[str, Any]) -> None:
        """Forward the progress of a slow query to the client, if it asked for it."""
        _, reply = self._asked.get(task.task_id, ("", None))
        if reply is not None and task.body.get("tell"):
            reply({"ok": True, "reading": {"done": message["done"], "total": message["total"]}})

    def answer(self, task: WorkerTask, body: Mapping[str, Any]) -> None:
        """Answer the client."""
        _, reply = self._asked.pop(task.task_id, ("", None))
        if reply is not None:
            reply(body)

    def again(self, task: WorkerTask) -> None:
        """Its worker died: the query is tried once more, next in line, if its client still waits."""
        guest, reply = self._asked.pop(task.task_id, ("", None))
        if reply is None:
            return
        retry = stages.again(task)
        self._asked[retry.task_id] = guest, reply
        self._waiting.setdefault(guest, deque()).appendleft(retry)

    def forget(self, guest: str) -> None:
        """Nobody waits any more for what a guest asked."""
        self._waiting.pop(guest, None)
        self._asked = {task_id: asked for task_id, asked in self._asked.items() if asked[0] != guest}
