"""Where tasks are done: on this machine, or on the machines of a Ray cluster. The scheduler knows neither.

scheduler ── whose turn ──► place ── task ──► worker          an executor says which places there are,
          ◄── progress, result, error, gone ──                and starts the worker of each
"""

from restrip.service.executors.executor import Executor
from restrip.service.executors.local import LocalExecutor

__all__ = ["Executor", "LocalExecutor"]
