"""The page of `restrip status --web`: what it answers, and to whom."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from restrip.cli import main
from restrip.cli.web_page import page as page_module
from restrip.cli.web_page.board import Board, Picture, found_by
from restrip.cli.web_page.page import Page
from restrip.client.status import JobStatus
from restrip.errors import RemoteError

NAME = "<img src=x onerror=alert(1)>"
JPEG = b"\xff\xd8\xff\xe0 not a whole one"


class Shown(Board):
    """A board of three jobs, without an engine."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        (folder / "key.png").write_bytes(bytes(range(256)) * 4)
        self.cancelled: list[str] = []
        failed = {"message": "The disk is full.", "remedy": "Free 2 GiB."}
        self._jobs = [
            JobStatus("job-1", state="running", phase="keys", done=1, total=4, unit="keys", eta_s=75.0, name=NAME),
            JobStatus("job-2", state="failed", error=failed, name="second"),
            JobStatus("job-3", state="done", name="third"),
        ]
        self._pictures = {
            "job-1": {"newest": Picture("key at frame 0", "image/jpeg", content=JPEG, version=7)},
            "job-3": {
                "key-0": Picture("key at frame 0", "image/png", file=folder / "key.png"),
                "gone": Picture("gone", "image/png", file=folder / "gone.png"),
            },
        }

    def cancel(self, job_id: str) -> None:
        if job_id == "job-2":
            raise RemoteError({"code": "not-running", "message": "It has ended.", "remedy": "Nothing to do."})
        if job_id != "job-1":
            raise KeyError(job_id)
        self.cancelled.append(job_id)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with Page(Shown(tmp_path)) as served:
        thread = threading.Thread(target=served.serve, args=(60.0,))
        thread.start()
        yield served
        served.asked = -1e9
        thread.join(20)
        assert not thread.is_alive(), "it ends by itself when nobody has asked for so long"


def ask(page: Page, path: str, method: str = "GET", token: str | None = None, **headers: str) -> tuple[int, bytes, Any]:
    """Status, content and headers of a request; header names with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, f"/{page.token if token is None else token}/{path}", headers=named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def test_the_page_is_all_there_and_loads_nothing_of_others(page: Page) -> None:
    for path, kind in (("", "text/html"), ("page.css", "text/css"), ("page.js", "text/javascript")):
        status, content, headers = ask(page, path)
        assert status == 200 and headers["Content-Type"].startswith(kind) and content
        assert not re.search(rb"(?:https?:)?//\w+\.\w+/", content)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
    assert b"innerHTML" not in ask(page, "page.js")[1]


def test_the_jobs_as_a_person_reads_them(page: Page) -> None:
    running, failed, _ = json.loads(ask(page, "jobs")[1])["jobs"]
    assert (
        running["name"] == NAME and running["words"] == "making the keys" and running["left"] == "about 1 min 15 s left"
    )
    assert (running["done"], running["total"], running["stoppable"]) == (1, 4, True)
    assert (failed["error"], failed["remedy"], failed["stoppable"]) == ("The disk is full.", "Free 2 GiB.", False)


def test_pictures_are_those_that_the_engine_named(page: Page, tmp_path: Path) -> None:
    assert ask(page, "picture/job-1/newest")[1:2] == (JPEG,)
    whole = (tmp_path / "key.png").read_bytes()
    status, content, headers = ask(page, "picture/job-3/key-0?0")
    assert (status, content, headers["Content-Type"]) == (200, whole, "image/png")
    status, content, headers = ask(page, "picture/job-3/key-0", Range="bytes=1000-")
    assert (status, content, headers["Content-Range"]) == (206, whole[1000:], "bytes 1000-1023/1024")
    assert ask(page, "picture/job-3/key-0", Range="bytes=5-3")[:2] == (200, whole)
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    wrong = [
        "job-3/newest",
        "job-3/gone",
        "job-9/key-0",
        f"job-3/{secret}",
        "job-3/..%2fsecret.png",
        "job-3/../secret.png",
    ]
    for path in (*wrong, "..", "/etc/passwd", "%2e%2e/%2e%2e/etc/passwd"):
        assert ask(page, f"picture/{path}")[0] == 404, path
    (tmp_path / "key.png").unlink()
    os.mkfifo(tmp_path / "key.png")
    assert ask(page, "picture/job-3/key-0")[0] == 404, "a pipe in its place holds nobody up"


def test_only_pictures_and_movies_are_shown(tmp_path: Path) -> None:
    assert set(found_by({"sheet": "/a/sheet.png"})) == {"sheet"}
    assert (
        not found_by({"sheet": "/etc/passwd"})
        and not found_by({"sheet": "/a/page.html"})
        and not found_by({"sheet": 3})
    )


def test_without_the_token_there_is_nothing(page: Page) -> None:
    for token in ("", "x", page.token[:-1], page.token + "x", page.token.swapcase(), "..", "é".encode().hex()):
        for path in ("", "jobs", "page.js", "picture/job-1/newest"):
            status, content, _ = ask(page, path, token=token)
            assert status == 404 and page.token.encode() not in content
        assert ask(page, "cancel/job-1", "POST", token=token)[0] == 404
    assert page.board.cancelled == []  # type: ignore[attr-defined]
    assert len(page.token) >= 40 and page.server_address[0] == "127.0.0.1"


def test_a_name_that_leads_here_is_refused(page: Page) -> None:
    here = f"127.0.0.1:{page.server_port}"
    assert ask(page, "jobs", Host=here)[0] == 200
    for host in ("evil.example", f"evil.example:{page.server_port}", "127.0.0.1", f"localhost:{page.server_port}", ""):
        assert ask(page, "jobs", Host=host)[0] == 403, host
    connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=30)
    connection.putrequest("GET", f"/{page.token}/jobs", skip_host=True)
    for host in (here, "evil.example"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status == 403, "two hosts"
    connection.close()


def test_requests_that_another_page_made_are_refused(page: Page) -> None:
    own = f"http://127.0.0.1:{page.server_port}"
    assert ask(page, "cancel/job-1", "POST", Origin=own, Sec_Fetch_Site="same-origin")[0] == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", own + ".evil.example"):
        assert ask(page, "cancel/job-1", "POST", Origin=origin)[0] == 403
    for site in ("cross-site", "same-site"):
        assert ask(page, "jobs", Sec_Fetch_Site=site)[0] == 403
    assert page.board.cancelled == ["job-1"]  # type: ignore[attr-defined]


def test_methods(page: Page) -> None:
    for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        status, content, headers = ask(page, "jobs", method)
        assert (status, headers["Allow"]) == (405, "GET, POST") and b"job-1" not in content
    assert ask(page, "jobs", "BREW")[0] == 501
    assert ask(page, "cancel/job-1")[0] == 404, "nothing is changed by a GET"
    for path in ("jobs", "", "cancel", "cancel/job-9", "cancel/job-1/x", "picture/job-1/newest"):
        assert ask(page, path, "POST")[0] == 404, path
    status, content, _ = ask(page, "cancel/job-2", "POST")
    assert status == 409 and json.loads(content) == {"error": "It has ended.", "remedy": "Nothing to do."}
    assert page.board.cancelled == []  # type: ignore[attr-defined]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system doesn't tell whose a connection is")
def test_another_user_gets_no_answer(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(page, "jobs")[0] == 200
    mine = os.getuid()
    if mine == 0:
        assert not page_module._of_this_user(("127.0.0.1", 1)), "a connection that isn't there is nobody's"
        return
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(page, "jobs")


def test_without_an_id_or_a_page_it_asks_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 2
    assert "--web" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["status", "--web", "--minutes", "0"])


def test_the_command_with_a_real_engine(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    try:
        assert main(["status", "--web", "--no-open", "--minutes", "0.01", "--json"]) == 0
        address = json.loads(capsys.readouterr().out)["address"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{40,}/", address)
        assert time.monotonic() > started
    finally:
        main(["engine", "stop"])


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on PATH")
def test_a_browser_shows_it(page: Page, tmp_path: Path) -> None:
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=4000",
    ]
    told = subprocess.run(
        ["chromium", *options, "--dump-dom", page.address], capture_output=True, text=True, timeout=240, check=True
    ).stdout
    assert "&lt;img src=x onerror=alert(1)&gt;" in told and "<img src=x" not in told, "names are text"
    assert "making the keys, 1 of 4 keys, about 1 min 15 s left" in told
    assert "The disk is full." in told and "Free 2 GiB." in told and "1 running" in told
    assert re.search(r'<progress [^>]*value="1"', told) or 'max="4"' in told
    assert "picture/job-1/newest?7" in told
