"""The engine's page: a small web server on this computer alone, for the user who started it.

GET  /TOKEN/                      the page          GET  /TOKEN/jobs            what the board has, as JSON
GET  /TOKEN/page.css, page.js                       GET  /TOKEN/picture/JOB/X   a picture that the engine named
                                                    POST /TOKEN/cancel/JOB      stop a job

Every request must name this server's own address as its host (no name of somebody's that leads to 127.0.0.1), carry
the token, come from the page itself or from the address line, and on Linux from a process of this user.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from restrip.cli.web_page.board import Board
from restrip.errors import RestripError

HOST = "127.0.0.1"
SILENT_S = 10.0
MOST_CONNECTIONS = 32
LOOK_S = 0.25
PIECE = 1 << 18
ESTABLISHED = "01"
STATIC = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Page(ThreadingHTTPServer):
    """The server. `address` is what to open in a browser; `serve(seconds)` returns after so long without a request."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, board: Board) -> None:
        super().__init__((HOST, 0), Handler)
        self.board = board
        self.token = secrets.token_urlsafe(32)
        self.origin = f"{HOST}:{self.server_port}"
        self.address = f"http://{self.origin}/{self.token}/"
        self.asked = time.monotonic()
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def server_bind(self) -> None:
        """Without the look for a name of this computer that the standard library makes, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def serve(self, seconds: float) -> None:
        """Serve until no client with the token has asked for so long."""
        self.asked = time.monotonic()
        self.timeout = LOOK_S
        while time.monotonic() - self.asked < seconds:
            self.handle_request()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether this connection may ask at all: of this user, and not one of too many."""
        return _of_this_user(client_address) and self._room.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As everywhere, and then there is room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves in the middle is no error; others are answered by the handler."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Page
    timeout = SILENT_S
    server_version = "Restrip"
    sys_version = ""

    def do_GET(self) -> None:
        """The page, its parts, the jobs, a picture."""
        parts = self._allowed()
        if parts is None:
            return
        if len(parts) == 1 and parts[0] in STATIC:
            name = STATIC[parts[0]]
            content = (files("restrip") / "data" / "web" / name).read_bytes()
            self._send(HTTPStatus.OK, f"{KINDS[Path(name).suffix]}; charset=utf-8", content)
        elif parts == ["jobs"]:
            self._json(HTTPStatus.OK, self.server.board.to_json())
        elif len(parts) == 3 and parts[0] == "picture":
            self._picture(parts[1], parts[2])
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Cancel a job; nothing else is changed from here."""
        parts = self._allowed()
        if parts is None:
            return
        if len(parts) != 2 or parts[0] != "cancel":
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            self.server.board.cancel(parts[1])
        except KeyError:
            self._refuse(HTTPStatus.NOT_FOUND)
        except (RestripError, OSError, TimeoutError) as error:
            self._json(
                HTTPStatus.CONFLICT,
                {
                    "error": getattr(error, "message", "") or str(error) or "The engine doesn't answer.",
                    "remedy": getattr(error, "remedy", ""),
                },
            )
        else:
            self._json(HTTPStatus.OK, {"state": "cancel_requested"})

    def _other_method(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, POST")

    do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _other_method

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: addresses have the token."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses (lines too long, no HTTP) gets as few words as what we refuse."""
        self._refuse(HTTPStatus(code))

    def _allowed(self) -> list[str] | None:
        """The parts of the path behind the token, or None for a request that was refused."""
        if self.headers.get_all("Host") != [self.server.origin]:
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        # What browsers say of a request that another page made; the address line and programs say "none" or nothing.
        foreign = self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
        if foreign or self.headers.get("Origin", f"http://{self.server.origin}") != f"http://{self.server.origin}":
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        empty, *parts = self.path.partition("?")[0].split("/")
        token = parts[0] if parts else ""
        if empty or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        self.server.asked = time.monotonic()
        return parts[1:]

    def _picture(self, job_id: str, name: str) -> None:
        found = self.server.board.picture(job_id, name)
        if found is None or not found.kind:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif found.file is None:
            self._send(HTTPStatus.OK, found.kind, found.content)
        else:
            self._file(found.file, found.kind)

    def _file(self, path: Path, kind: str) -> None:
        """A file as it is now; one that was deleted or replaced by a pipe or a folder isn't found."""
        if not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                part = _part(self.headers.get("Range", ""), size)
                first, length = part or (0, size)
                if part is None:
                    self._head(HTTPStatus.OK, kind, size, **{"Accept-Ranges": "bytes"})
                else:
                    span = f"bytes {first}-{first + length - 1}/{size}"
                    self._head(HTTPStatus.PARTIAL_CONTENT, kind, length, **{"Content-Range": span})
                file.seek(first)
                while length > 0 and (piece := file.read(min(PIECE, length))):
                    self.wfile.write(piece)
                    length -= len(piece)
        except OSError:
            self.close_connection = True

    def _json(self, status: HTTPStatus, body: Any) -> None:
        self._send(status, "application/json", json.dumps(body).encode("ascii"))

    def _refuse(self, status: HTTPStatus, **headers: str) -> None:
        self._send(status, "text/plain; charset=utf-8", status.phrase.encode("ascii"), **headers)

    def _send(self, status: HTTPStatus, kind: str, content: bytes, **headers: str) -> None:
        self._head(status, kind, len(content), **headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **HEADERS, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _of_this_user(client: tuple[str, int]) -> bool:
    """Whether a connection on this computer is of this user, or of root; True where the system doesn't tell.

    Others may read the address, token and all, in the list of processes while a browser is started with it.
    """
    end = f"{int.from_bytes(socket.inet_aton(client[0]), 'little'):08X}:{client[1]:04X}"
    found = False
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in Path(table).read_text("ascii").splitlines()[1:]]
        except OSError:
            if not found and table == "/proc/net/tcp":
                return True
            continue
        # A closed connection is listed as root's, whatever its owner was: only open ones count.
        found = found or any(
            row[1].endswith(end) and (int(row[7]) == os.getuid() or (row[7] == "0" and row[3] == ESTABLISHED))
            for row in rows
        )
    return found


def _part(wanted: str, size: int) -> tuple[int, int] | None:
    """First byte and length that a Range header asks for ("bytes=0-99", "bytes=100-"); None for the whole file."""
    found = re.fullmatch(r"bytes=([0-9]{1,18})-([0-9]{0,18})", wanted.strip())
    if found is None:
        return None
    first, last = int(found[1]), min(int(found[2] or size), size - 1)
    return (first, last - first + 1) if first <= last else None
