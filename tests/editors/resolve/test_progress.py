"""Progress in sight while a script waits: the window's process, the page, and what happens where neither is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from restrip_resolve import entry
from restrip_resolve.console import Console
from restrip_resolve.jobs import progress
from restrip_resolve.jobs.progress import Progress
from restrip_resolve.jobs.waiting import follow
from restrip_resolve.settings import BadSettingsFile, load

from restrip.client.status import JobStatus

RUNNING = JobStatus("job-1", state="running", phase="keys", done=3, total=9, eta_s=130.0)

# A tkinter that keeps what it is told, and whose Cancel button is pressed when a bar reaches 5.
FAKE = """
import sys, types
class Part(dict):
    def __init__(self, *a, **k): super().__init__(k); self.setdefault("text", ""); self.later = []
    def grid(self, **k): pass
    title = resizable = attributes = start = stop = state = lambda self, *a: None
    def configure(self, **k):
        if k.get("value") == 5: Part.cancel()
    def after(self, ms, call, *given): self.later.append((call, given))
    def destroy(self): self.later = None
    def mainloop(self):
        import time
        while self.later is not None:
            time.sleep(0.01); now, self.later = self.later, []
            [call(*given) for call, given in now]
def button(frame, text, command):
    if text == "Cancel": Part.cancel = staticmethod(command)
    return Part()
tk, ttk = types.ModuleType("tkinter"), types.ModuleType("tkinter.ttk")
class TclError(Exception): pass
def Tk():
    if FAILS: raise TclError("no display")
    return Part()
tk.Tk, tk.TclError, tk.ttk = Tk, TclError, ttk
class PhotoImage:
    def __init__(self, file):
        if "gone" in file: raise TclError(file)
    def width(self): return 1000
    def subsample(self, by):
        if by == 3: Part.cancel()
        return self
tk.PhotoImage = PhotoImage
ttk.Frame = ttk.Label = ttk.Progressbar = Part
ttk.Button = button
sys.modules.update({"tkinter": tk, "tkinter.ttk": ttk})
exec(compile(open(WINDOW).read(), WINDOW, "exec"), {"__name__": "__main__"})
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Pythons that a page was started by; none is."""
    opened: list[str] = []
    monkeypatch.setattr(progress, "open_page", lambda python: opened.append(python) or True)
    monkeypatch.setattr(entry, "read_config", lambda: {"python": sys.executable})
    return opened


def fake_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> None:
    program = tmp_path / "fake.py"
    program.write_text(f"FAILS, WINDOW = {fails}, {str(progress.WINDOW)!r}\n{FAKE}", "utf-8")
    monkeypatch.setattr(progress, "WINDOW", program)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it didn't come"
        time.sleep(0.02)


def test_the_window_shows_and_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], pages: list[str]
) -> None:
    fake_window(tmp_path, monkeypatch)
    with Progress("auto", Console(said.append)) as shown:
        window = shown._window
        assert window is not None and not pages and not said
        shown.tell("shot", RUNNING)
        time.sleep(0.1)
        assert not shown.cancel_wanted
        shown.tell("shot", JobStatus("job-1", state="running", phase="keys", done=5, total=9))
        until(lambda: shown.cancel_wanted)
        assert shown.take_cancel() and not shown.take_cancel()
    assert window.poll() is not None, "it ends with the script"


def test_the_window_shows_the_newest_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], pages: list[str]
) -> None:
    """The fake's Cancel is pressed when a picture of 1000 pixels is made a third as wide."""
    fake_window(tmp_path, monkeypatch)
    with Progress("window", Console(said.append)) as shown:
        shown.tell("shot", replace(RUNNING, picture="/keys/gone.png"))
        shown.tell("shot", replace(RUNNING, picture="/keys/picture.png"))
        until(lambda: shown.cancel_wanted)


def test_a_window_that_is_closed_cancels_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], pages: list[str]
) -> None:
    fake_window(tmp_path, monkeypatch)
    with Progress("window", Console(said.append)) as shown:
        assert shown._window is not None
        shown._window.kill()
        shown._window.wait()
        for _ in range(3):
            shown.tell("shot", RUNNING)
        assert not shown.take_cancel()


def test_without_a_display_the_page_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], pages: list[str]
) -> None:
    fake_window(tmp_path, monkeypatch, fails=True)
    with Progress("auto", Console(said.append)) as shown:
        shown.tell("shot", RUNNING)
    assert pages == [sys.executable] and "browser" in said[0]


def test_browser_and_console_are_what_they_say(said: list[str], pages: list[str]) -> None:
    with Progress("browser", Console(said.append)):
        pass
    assert pages == [sys.executable]
    with Progress("console", Console(said.append)):
        pass
    assert len(pages) == 1 and "restrip status --web" in said[-1]


@pytest.mark.parametrize("python", ["", "/nowhere/python3"])
def test_without_the_recorded_python_it_says_the_command(
    python: str, said: list[str], pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "read_config", lambda: {"python": python})
    with Progress("auto", Console(said.append)) as shown:
        shown.tell("shot", RUNNING)
    assert not pages and "restrip status --web" in said[0]


def test_the_page_is_started_without_resolves_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: started.append((command, more)))
    for name, value in {"DISPLAY": ":9", "LD_LIBRARY_PATH": "/opt/resolve/libs", "PYTHONHOME": "/opt/resolve"}.items():
        monkeypatch.setenv(name, value)
    assert progress.open_page("/usr/bin/python3")
    ((command, more),) = started
    assert command[1:] == ["-m", "restrip", "status", "--web"] and more["start_new_session"]
    assert "DISPLAY" in more["env"] and not {"LD_LIBRARY_PATH", "PYTHONHOME"} & set(more["env"])
    if sys.platform == "linux":
        monkeypatch.delenv("DISPLAY")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        assert not progress.open_page("/usr/bin/python3") and len(started) == 1


def test_the_button_stops_the_job_that_is_waited_for(said: list[str], pages: list[str]) -> None:
    cancelled: list[str] = []

    class Engine:
        def watch(self, job_id: str, on_status: Any) -> JobStatus:
            on_status(RUNNING)
            shown.cancel_wanted = True
            on_status(RUNNING)
            on_status(RUNNING)
            shown.cancel_wanted = True
            on_status(JobStatus(job_id, state="cancelled"))
            return JobStatus(job_id, state="cancelled")

        def cancel(self, job_id: str) -> None:
            cancelled.append(job_id)

    shown = Progress("console", Console(said.append))
    shown.cancel_wanted = True  # Meant for the job before.
    assert follow(Engine(), "job-1", "shot", Console(said.append), shown).state == "cancelled"  # type: ignore[arg-type]
    assert cancelled == ["job-1"] and any("stops at its next step" in line for line in said)


def test_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "settings.txt"
    path.write_text("progress = browser\n", "utf-8")
    assert load(path).progress == "browser"
    path.write_text("progress = loud\n", "utf-8")
    with pytest.raises(BadSettingsFile, match="auto, window, browser, console"):
        load(path)


@pytest.fixture
def display() -> Iterator[str]:
    """A display of the test's own."""
    if shutil.which("Xvfb") is None or importlib.util.find_spec("tkinter") is None:
        pytest.skip("no Xvfb, or no tkinter")
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24"], pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(30)


def test_a_real_window(
    display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], pages: list[str]
) -> None:
    Image.new("RGB", (1280, 720), (200, 80, 40)).save(tmp_path / "key.png")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr(progress, "READY_S", 60.0)
    with Progress("window", Console(said.append)) as shown:
        window = shown._window
        assert window is not None and not said
        for done in range(10):
            picture = ["", str(tmp_path / "key.png"), __file__, "/gone.png"][done % 4]
            shown.tell("shot", replace(RUNNING, done=done, picture=picture))
            time.sleep(0.05)
        shown.tell("shot", JobStatus("job-1", state="queued"))
        time.sleep(0.5)
        assert window.poll() is None, "it takes all that it is told"
    assert window.poll() is not None
