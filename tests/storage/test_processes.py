"""Which processes run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from restrip.storage.processes import alive


def test_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert alive(child.pid)
    assert alive(os.getpid())
    assert child.stdin is not None
    child.stdin.close()
    # Ended but not waited for yet: a zombie is not alive.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(child.pid)
    child.wait()
    assert not alive(0)
    assert not alive(-1)


LINGERS = """
import ctypes, os, platform, sys, threading
threading.Thread(target=lambda: os._exit(len(sys.stdin.read()))).start()
print("ready", flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at Linux' /proc")
def test_while_a_thread_of_it_ends_it_is_alive() -> None:
    """The main thread is over and shown as a zombie; what the process has open is still open."""
    child = subprocess.Popen([sys.executable, "-c", LINGERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    stat = Path(f"/proc/{child.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert alive(child.pid)
    child.stdin.close()
    child.stdout.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(child.pid)
    child.wait()
