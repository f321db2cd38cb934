"""A worker as a child process: what it may do to the supervisor, which is nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from engine_bench import until

from restrip.service.log import log
from restrip.service.workers.messages import MOST_BYTES, BadReport, read_line
from restrip.service.workers.process import INBOX, LOGGED_A_SECOND, WorkerProcess
from restrip.storage import json_files

WAIT_MS = 120_000


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield made
    made.term()


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What was logged of workers."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.dumps(record.__dict__["facts"]))

    handler = Keep()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lines
    log.removeHandler(handler)


def heard(context: zmq.Context[zmq.Socket[bytes]], program: str, *messages: dict[str, object]) -> list[bytes]:
    """Every line that a worker running `program` says; b"" at its end."""
    inbox = context.socket(zmq.PULL)
    inbox.bind(INBOX)
    worker = WorkerProcess("w-1", context, argv=("-c", program))
    for message in messages:
        worker.send(message)
    lines = [b"x"]
    while lines[-1]:
        assert inbox.poll(WAIT_MS)
        name, line = inbox.recv_multipart()
        assert name == b"w-1"
        lines.append(line)
    inbox.close()
    return lines[1:]


def test_its_lines_come_in_and_its_end(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    assert heard(context, "print(input())", {"t": "task"}) == [b'{"t": "task"}\n', b""]


def test_a_line_without_an_end_is_cut_and_its_fault(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    lines = heard(context, f"print('x' * {3 * MOST_BYTES}, end='')")
    assert max(map(len, lines)) <= MOST_BYTES + 2
    with pytest.raises(BadReport):
        read_line(lines[0])


def test_what_it_prints_is_logged_without_what_the_job_is_about(
    context: zmq.Context[zmq.Socket[bytes]], said: list[str], tmp_path: Path
) -> None:
    json_files.write_json(
        tmp_path / "job.json", {"keys": [{"prompt": "a pale horse"}], "source": {"paths": ["/x/Bob.mov"]}}
    )
    program = (
        "import sys; input()\n"
        "sys.stderr.write('codec is h264 in Bob.mov\\n'); sys.stderr.flush()\n"
        "raise ValueError('a pale horse, token 7')"
    )
    heard(context, program, {"t": "task", "job": str(tmp_path), "body": {}})
    until(lambda: any("ValueError" in line for line in said))
    text = "\n".join(said)
    assert "codec is h264" in text and "token 7" in text and "w-1" in text
    assert "Bob" not in text and "horse" not in text


def test_a_flood_of_prints_is_cut_off(context: zmq.Context[zmq.Socket[bytes]], said: list[str]) -> None:
    heard(context, "import os\nfor n in range(5000): os.write(2, b'again and again\\n')")
    assert len(said) < 5000 and LOGGED_A_SECOND < 1000


def test_one_that_never_reads_stops_nobody(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    worker = WorkerProcess("w-1", context, argv=("-c", "import time; time.sleep(1000)"))
    for _ in range(100):
        worker.send({"t": "task", "text": "x" * 100_000})
    worker.kill()
