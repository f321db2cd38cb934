"""What a front-end asks about looks: the built-in ones, and those that the user keeps as files."""

from __future__ import annotations

from typing import Any

from restrip.client.session import EngineSession

LOOK_S = 600
"""Models may have to be read once for their sha256."""


class LookRequests(EngineSession):
    """A session's requests about looks."""

    def looks(self) -> list[dict[str, Any]]:
        """The built-in looks: {"name", "label", "thumbnail"}."""
        looks: list[dict[str, Any]] = self.request("looks")["looks"]
        return looks

    def saved_looks(self) -> list[dict[str, Any]]:
        """The user's own looks: {"name", "label", "thumbnail", "look", "path", "error"}."""
        looks: list[dict[str, Any]] = self.request("looks").get("saved", [])
        return looks

    def save_look(self, job_id: str, name: str, *, key: int | None = None, replace: bool = False) -> dict[str, Any]:
        """Save a finished job's look under a name, with the key on frame `key`, or the job's anchor, as its anchor."""
        body = {"job_id": job_id, "name": name, "key": key, "replace": replace}
        return self.request("save_look", body, timeout_s=LOOK_S)

    def read_look(self, look: str, *, use: bool = False) -> dict[str, Any]:
        """What is in a look file, by its name or absolute path: "look" and "settings" are what a job says to use it.

        With `use` it is an error when a model of it isn't on this computer.
        """
        return self.request("read_look", {"look": look, "use": use}, timeout_s=LOOK_S)

    def add_look(self, path: str, name: str = "", *, replace: bool = False) -> dict[str, Any]:
        """Put a look file among the saved ones, under a name or its own."""
        return self.request("add_look", {"path": path, "name": name, "replace": replace}, timeout_s=LOOK_S)

    def remove_look(self, name: str) -> dict[str, Any]:
        """Delete a saved look's file."""
        return self.request("remove_look", {"name": name})
