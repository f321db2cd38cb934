"""`restrip status --web`: the jobs in a page of the user's browser."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser

from restrip.cli.terminal import Terminal
from restrip.cli.web_page.board import Board
from restrip.cli.web_page.page import Page

MINUTES = 15.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """--web and what belongs to it."""
    parser.add_argument("--web", action="store_true", help="show all jobs, or this one, in a page of your browser")
    parser.add_argument("--no-open", action="store_true", help="with --web: only print the page's address")
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=MINUTES,
        metavar="N",
        help="with --web: end so long after the last look (15)",
    )


def _minutes(text: str) -> float:
    """A time that is one. Raises ArgumentTypeError."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 24 * 60:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes up to a day")
    return minutes


def show_page(terminal: Terminal, *, job_id: str = "", minutes: float = MINUTES, opened: bool = True) -> None:
    """Serve the page until it was not viewed for so many minutes; `opened` in the browser, where there is one.

    The address is printed in any case: it is the only way in.
    """
    board = Board(job_id)
    board.start()
    try:
        with Page(board) as page:
            terminal.result({"address": page.address}, page.address)
            sys.stdout.flush()
            terminal.aside(f"The page ends {minutes:g} minutes after it was last looked at; Ctrl-C ends it now.")
            if opened and not open_in_browser(page.address):
                terminal.aside("No browser could be opened: open this address on this computer yourself.")
            page.serve(minutes * 60)
    finally:
        board.close()


def open_in_browser(address: str) -> bool:
    """Open the user's browser; False where there is none with a window (one in a terminal would hold us up)."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
