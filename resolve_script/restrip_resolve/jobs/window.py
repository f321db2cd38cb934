"""A small window with a job's progress, as a program of its own: `python -I window.py`. Nothing but tkinter.

stdin    {"name": "shot 4", "words": "keys", "done": 3, "total": 9, "left": "about 2 min left", "picture": "/….png"}
         a line a change; the picture is the newest key's
stdout   ready, then cancel or pictures when a button is pressed

It ends with its standard input, or when it is closed; closing it cancels nothing.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import tkinter
from tkinter import ttk
from typing import Any

LOOK_MS = 100
WIDTH_PX = 380


class Window:
    """The window. `show` changes what stands in it."""

    def __init__(self, root: tkinter.Tk) -> None:
        self.root = root
        root.title("Restrip")
        root.resizable(False, False)
        root.attributes("-topmost", True)
        frame = ttk.Frame(root, padding=12)
        frame.grid()
        self.name = ttk.Label(frame, width=48)
        self.words = ttk.Label(frame, width=48)
        self.bar = ttk.Progressbar(frame, length=WIDTH_PX, mode="indeterminate")
        self.picture, self.shown = ttk.Label(frame), ""
        self.image: tkinter.PhotoImage | None = None  # Tk forgets a picture that Python doesn't keep.
        self.cancel = ttk.Button(frame, text="Cancel", command=self._cancel)
        pictures = ttk.Button(frame, text="Pictures …", command=lambda: say("pictures"))
        for row, part in enumerate((self.name, self.bar, self.words)):
            part.grid(row=row, column=0, columnspan=2, sticky="ew", pady=3)
        self.picture.grid(row=3, column=0, columnspan=2)
        pictures.grid(row=4, column=0, sticky="w", pady=(6, 0))
        self.cancel.grid(row=4, column=1, sticky="e", pady=(6, 0))

    def show(self, status: dict[str, Any]) -> None:
        """How far the job is."""
        name, total = str(status.get("name", "")), int(status.get("total", 0))
        if self.name["text"] != name:
            self.cancel.state(["!disabled"])
        self.name["text"] = name
        self.words["text"] = ", ".join(filter(None, (str(status.get("words", "")), str(status.get("left", "")))))
        if total > 0:
            self.bar.stop()
            self.bar.configure(mode="determinate", maximum=total, value=min(total, int(status.get("done", 0))))
        else:
            self.bar.configure(mode="indeterminate")
            self.bar.start(30)
        self._show_picture(str(status.get("picture", "")))

    def _show_picture(self, path: str) -> None:
        """The newest key's picture, made small by leaving out pixels; one that Tk can't read is passed over."""
        if not path or path == self.shown:
            return
        self.shown = path
        try:
            whole = tkinter.PhotoImage(file=path)
            self.image = whole.subsample(max(1, -(-whole.width() // WIDTH_PX)))
        except tkinter.TclError:
            return
        self.picture.configure(image=self.image)

    def follow(self, lines: queue.Queue[str]) -> None:
        """Show what came in, again and again; an empty line is the end."""
        while not lines.empty():
            line = lines.get_nowait()
            if not line:
                self.root.destroy()
                return
            self.show(json.loads(line))
        self.root.after(LOOK_MS, self.follow, lines)

    def _cancel(self) -> None:
        self.cancel.state(["disabled"])
        self.words["text"] = "stops at its next step; what is finished is kept"
        say("cancel")


def say(word: str) -> None:
    """Tell the script; it may be gone."""
    try:
        print(word, flush=True)
    except OSError:
        sys.exit()


def main() -> None:
    """Show until the end of standard input. Ends with 1 where there is no display."""
    try:
        root = tkinter.Tk()
    except tkinter.TclError as error:
        sys.exit(str(error))
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line.strip() or "{}")
        lines.put("")

    window = Window(root)
    threading.Thread(target=read, daemon=True).start()
    window.follow(lines)
    say("ready")
    root.mainloop()


if __name__ == "__main__":
    main()
