"""Where every menu script comes in, on whatever Python Resolve found: 3.6 to 3.14.

With Python 3.11 or newer and a pyzmq that loads, the scripts run right here. Else they run in the Python of the
`restrip` command, and this file hands their calls on to Resolve, a line of JSON each way a call:

    Resolve's Python (this file)                 restrip's Python (bridge.py)
        objects[0] = resolve        <──  ["call", 0, "GetVersion", []]
        calls it                    ──>  ["value", {"list": [21, 0, 4]}]

This file parses on Python 3.6 and needs nothing but the standard library.
"""

# Annotations are evaluated there: no list[...], no X | None.
# ruff: noqa: UP006, UP035, UP045
import importlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional, Tuple

OLDEST = (3, 11)
HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EDITORS_VARIABLES = ("PYTHON", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_", "VIRTUAL_ENV", "QT_", "OCIO")
NO_WINDOW = 0x08000000


def run(action: str, names: Dict[str, Any]) -> bool:
    """Run a menu entry; `names` are the menu script's globals, where Resolve puts itself. Says what goes wrong."""
    app = find_resolve(names)
    if app is None:
        say("Resolve doesn't answer scripts. Start this from its menu Workspace > Scripts; since version 21.1 the free")
        say("edition runs no Python scripts: export the timeline and use `restrip resolve` (docs/resolve.md) instead.")
        return False
    config = read_config()
    if config.get("direct", True) and not why_not_here():
        from restrip_resolve.actions.context import Context
        from restrip_resolve.menu import run as run_here

        return run_here(action, Context(app))
    return run_there(action, app, config)


def find_resolve(names: Dict[str, Any]) -> Any:
    """Resolve's object: a global of the script, or asked of what else the app put there; None when it isn't there."""
    if names.get("resolve"):
        return names["resolve"]
    for way in (_by_bmd, _by_app, _by_module):
        try:
            found = way(names)
        except (KeyError, AttributeError, TypeError, ImportError, OSError):
            continue
        if found:
            return found
    return None


def _by_bmd(names: Dict[str, Any]) -> Any:
    return names["bmd"].scriptapp("Resolve")


def _by_app(names: Dict[str, Any]) -> Any:
    return names["app"].GetResolve()


def _by_module(names: Dict[str, Any]) -> Any:
    return importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")


def why_not_here() -> str:
    """Why the scripts can't run in this Python; "" when they can."""
    if sys.version_info[:2] < OLDEST:
        return f"Python {sys.version_info[0]}.{sys.version_info[1]} is older than 3.11"
    try:
        import zmq  # noqa: F401

        import restrip.client.client  # noqa: F401
    except (ImportError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def read_config() -> Dict[str, Any]:
    """What the installer wrote beside this package: which Python has the `restrip` command."""
    try:
        with open(os.path.join(HOME, "installed.json"), encoding="utf-8") as file:
            config = json.load(file)
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def run_there(action: str, app: Any, config: Dict[str, Any]) -> bool:
    """Run an action in restrip's Python, which calls Resolve through here."""
    python = str(config.get("python") or "")
    if not os.path.isfile(python):
        say(f"The scripts can't run here ({why_not_here() or 'turned off'}),")
        say(f"and the Python that they were installed from is gone ({python or 'none recorded'}).")
        say("Run `restrip install resolve` again.")
        return False
    start = f"import sys; sys.path.append({HOME!r}); from restrip_resolve.bridge import main; main({action!r})"
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(EDITORS_VARIABLES)}
    options = {"creationflags": NO_WINDOW} if os.name == "nt" else {}  # type: Dict[str, Any]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [python, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=kept, **options
        )
        try:
            went_well = Bridge(app).serve(child.stdout, child.stdin)
        finally:
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if went_well is None:
            errors.seek(0)
            say("Restrip ended in the middle:")
            for line in errors.read().decode("utf-8", "replace").splitlines()[-8:]:
                say(line)
    return bool(went_well)


class Bridge:
    """Resolve's objects by number, and the calls that are asked of them."""

    def __init__(self, app: Any) -> None:
        self.objects = [app]  # type: List[Any]

    def serve(self, requests: Any, replies: Any) -> Optional[bool]:
        """Answer until the other side says how it ended; None when it goes without a word."""
        for line in requests:
            message = json.loads(line.decode("utf-8"))
            if message[0] == "end":
                return bool(message[1])
            if message[0] == "say":
                print(message[1])
                continue
            reply = json.dumps(self.answer(message)) + "\n"
            replies.write(reply.encode("ascii"))
            replies.flush()
        return None

    def answer(self, message: List[Any]) -> List[Any]:
        """The reply to ["has", object, name] or ["call", object, name, arguments]."""
        try:
            method = getattr(self.objects[message[1]], message[2], None)  # type: Any
            if message[0] == "has":
                listing = dir(self.objects[message[1]])
                made_up = message[2] not in listing and any(name.startswith("Get") for name in listing)
                return ["value", callable(method) and not made_up]
            return ["value", self.encode(method(*[self.decode(argument) for argument in message[3]]))]
        except Exception as error:  # noqa: BLE001 - whatever Resolve raises is the other side's to report.
            return ["raised", f"{type(error).__name__}: {error}"]

    def encode(self, value: Any) -> Any:
        """A value for the wire; an object of Resolve's becomes a number."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            return {"list": [self.encode(part) for part in value]}
        if isinstance(value, dict):
            return {"dict": [[self.encode(key), self.encode(part)] for key, part in value.items()]}
        self.objects.append(value)
        return {"object": len(self.objects) - 1}

    def decode(self, value: Any) -> Any:
        """A value from the wire."""
        if not isinstance(value, dict):
            return value
        if "object" in value:
            return self.objects[value["object"]]
        if "list" in value:
            return [self.decode(part) for part in value["list"]]
        return {self.decode(key): self.decode(part) for key, part in value["dict"]}


def check() -> Tuple[str, str]:
    """Where scripts would run, for the installer: ("here" | "there" | "nowhere", why not here)."""
    why = why_not_here()
    config = read_config()
    if not why and config.get("direct", True):
        return "here", ""
    return ("there" if run_there("ping", None, config) else "nowhere"), why


def say(text: str) -> None:
    """Print to Resolve's console."""
    print("Restrip: " + text)
