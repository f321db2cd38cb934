"""Small questions: what the light worker is asked, one after the other, and who waits for the answers."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from restrip.service import stages
from restrip.service.scheduler import Task
from restrip.service.troubles import TooManyQuestions

Reply = Callable[[Mapping[str, Any]], None]
MOST_QUESTIONS = 1000


class Questions:
    """Those that wait for their turn, and the replies of all that have no answer yet."""

    def __init__(self) -> None:
        self._waiting: deque[Task] = deque()
        self._replies: dict[str, Reply] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def ask(self, kind: str, body: Mapping[str, Any], reply: Reply) -> None:
        """Have something small done; `reply` gets {"ok": ...} when it is, or at once when too many wait."""
        if len(self._waiting) >= MOST_QUESTIONS:
            reply({"ok": False, **TooManyQuestions(MOST_QUESTIONS).to_wire()})
            return
        task = Task(uuid.uuid4().hex, kind, body=dict(body))
        self._replies[task.task_id] = reply
        self._waiting.append(task)

    def next(self) -> Task:
        """The one whose turn it is."""
        return self._waiting.popleft()

    def answer(self, task: Task, body: Mapping[str, Any]) -> None:
        """Answer whoever asked."""
        reply = self._replies.pop(task.task_id, None)
        if reply is not None:
            reply(body)

    def again(self, task: Task) -> None:
        """Its worker died: it is tried once more, as the next."""
        retry = stages.again(task)
        self._replies[retry.task_id] = self._replies.pop(task.task_id)
        self._waiting.appendleft(retry)
