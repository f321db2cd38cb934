"""What every action gets, and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from restrip.client.key_files.program import open_picture
from restrip_resolve.api import Resolve
from restrip_resolve.console import Console
from restrip_resolve.engine import Connect, Engine, connect
from restrip_resolve.session import Session, open_session
from restrip_resolve.settings import Choices, load
from restrip_resolve.viewer import Opener, open_file


@dataclass(frozen=True)
class Context:
    """Resolve, and what tests replace: the console, the way to the engine, and what shows files."""

    resolve: Resolve
    console: Console = field(default_factory=Console)
    connect: Connect = connect
    open_file: Opener = open_file
    open_picture: Callable[[str, str], None] = open_picture

    def session(self) -> Session:
        """The open project and timeline. Raises NoProject, NoTimeline."""
        return open_session(self.resolve, self.console)

    def engine(self, session: Session) -> Engine:
        """The engine, started when it doesn't run."""
        return self.connect(f"resolve {session.title}", session.key)

    def choices(self) -> Choices:
        """The settings file. Raises BadSettingsFile."""
        return load()


Action = Callable[[Context], None]
