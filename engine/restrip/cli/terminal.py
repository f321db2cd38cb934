"""What the command line prints: results on stdout, progress and errors on stderr, JSON where it was asked for."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table

from restrip.client.client import Client
from restrip.client.status import JobStatus
from restrip.errors import RestripError

PHASES = {
    "reading": "reading the clip",
    "keys": "making the keys",
    "motion": "following the motion",
    "propagating": "carrying the keys",
    "writing": "writing",
    "fetching": "fetching the model",
}


class Terminal:
    """Prints for a person, or as JSON for a program."""

    def __init__(self, json_wanted: bool = False) -> None:
        self.json_wanted = json_wanted
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def result(self, machine: Any, *sentences: str) -> None:
        """The command's result: `machine` as JSON, or the sentences."""
        if self.json_wanted:
            sys.stdout.write(json.dumps(machine, indent=1, ensure_ascii=False) + "\n")
            return
        for sentence in sentences:
            self.out.print(sentence, markup=False)

    def flush(self) -> None:
        """Have what was printed written, while an error can still be told. Raises OSError."""
        if sys.stdout is not None:
            sys.stdout.flush()

    def let_go(self) -> None:
        """Drop what can't be written: Python would try, and complain, once more when it ends."""
        try:
            self.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def aside(self, sentence: str) -> None:
        """A sentence beside the result, on stderr; nothing when it is empty, or for a program."""
        if sentence and not self.json_wanted:
            self.err.print(sentence, markup=False)

    @contextmanager
    def stopping(self, client: Client, job_id: str) -> Iterator[None]:
        """Where Ctrl+C ends who waits for a job, cancel it, and say how to go on with it."""
        go_on = f"Job {job_id} is cancelled. What was finished is kept: `restrip resume {job_id}` goes on with it."
        with client.stopping(job_id, lambda: self.aside(go_on)):
            yield

    def table(self, machine: Any, columns: list[str], rows: list[list[str]]) -> None:
        """A table for a person, `machine` as JSON for a program."""
        if self.json_wanted:
            self.result(machine)
            return
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.out.print(table)

    def error(self, error: RestripError) -> None:
        """One sentence with the remedy on stderr; as JSON the whole error."""
        if self.json_wanted:
            sys.stderr.write(json.dumps({"error": error.to_wire()}, ensure_ascii=False) + "\n")
            return
        self.err.print(f"restrip: {error.message} {error.remedy}".rstrip(), markup=False)

    @contextmanager
    def progress(self) -> Iterator[Callable[[JobStatus], None]]:
        """A function that shows a job's status; a bar on a terminal, a line a phase elsewhere."""
        if self.json_wanted:
            yield self._as_json_lines
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TextColumn("{task.fields[eta]}"), console=self.err, transient=True) as bar:
            task = bar.add_task("waiting for the engine", total=None, eta="")
            said: list[str] = []

            def show(status: JobStatus) -> None:
                if status.state == "running" and status.phase != "fetching" and status.note not in ("", *said):
                    said.append(status.note)
                    bar.console.print(f"note: {status.note}", markup=False)
                _show(bar, task, status)

            yield show

    @contextmanager
    def reading(self, client: Client) -> Iterator[None]:
        """Show how far a movie is decoded, when that is needed before a question about it can be answered."""
        with ExitStack() as shown:
            bars: list[Callable[[JobStatus], None]] = []

            def heard(done: int, total: int) -> None:
                if not bars:
                    bars.append(shown.enter_context(self.progress()))
                bars[0](JobStatus("", state="running", phase="reading", done=done, total=total, unit="packet"))

            client.on_reading = heard
            try:
                yield
            finally:
                client.on_reading = None

    def _as_json_lines(self, status: JobStatus) -> None:
        line = {
            name: getattr(status, name)
            for name in ("job_id", "state", "phase", "done", "total", "unit", "eta_s", "note")
        }
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


def _show(bar: Progress, task: TaskID, status: JobStatus) -> None:
    eta = "" if status.eta_s is None else f"about {duration(status.eta_s)} left"
    bar.update(task, description=phase_words(status), completed=status.done, total=status.total or None, eta=eta)


def phase_words(status: JobStatus) -> str:
    """What is being done for a job, or its state when nothing is, in words."""
    if status.state == "running" and status.phase:
        return PHASES.get(status.phase, status.phase)
    return status.state.replace("_", " ")


def duration(seconds: float) -> str:
    """A length of time in words, for a person who waits."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def local_time(seconds: float) -> str:
    """A moment, in seconds since 1970, as this computer's clock shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
