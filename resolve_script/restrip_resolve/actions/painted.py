"""What the entries about painted keys share: the keys of a clip, where their pictures lie, which one is meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.client.ids import folder_name
from restrip.client.key_files.places import KeyPlaces, folder_of
from restrip.storage.typed_paths import typed_path
from restrip.timeline import FrameRange, Key, keys_from_markers
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.clips.keys import keys_of
from restrip_resolve.engine import Engine
from restrip_resolve.jobs.submit import results_folder
from restrip_resolve.session import Session
from restrip_resolve.settings import Choices, engine_settings, with_look_file


@dataclass(frozen=True)
class ClipKeys:
    """A clip's keys, counted from its first used frame, and the number that this frame has in a folder of keys."""

    clip: SourceClip
    keys: tuple[Key, ...]
    places: KeyPlaces
    notes: tuple[str, ...]

    @property
    def first(self) -> int:
        """The number of the first used frame."""
        return self.places.first

    def nearest(self, playhead: int) -> Key:
        """The key that is nearest to an absolute frame."""
        return min(self.keys, key=lambda key: abs(self.clip.first_used + key.frame - playhead))


def keys_of_clip(session: Session, engine: Engine, clip: SourceClip, choices: Choices) -> ClipKeys:
    """Read the markers of a clip. Raises BadSettingsFile."""
    choices = with_look_file(choices, engine)
    settings: dict[str, Any] = engine_settings(choices, engine.settings().for_look(choices.look))
    keys, notes = keys_from_markers(keys_of(session, clip, choices.key_colour), len(clip.used), clip.first_used)
    frames = frozenset(key.frame for key in keys if not key.image)
    return ClipKeys(clip, keys, KeyPlaces.at(choices.look, settings, keys, frames), notes)


def keys_folder(choices: Choices, clip: SourceClip) -> Path:
    """Where a clip's keys are painted: the folder of the look, else one of the clip's own beside the results."""
    folder = folder_of(choices.look)
    return typed_path(folder) if folder else results_folder(choices) / f"{folder_name(clip.name)} keys"


def at_playhead(clips: list[SourceClip], playhead: int) -> SourceClip:
    """The clip under the playhead, else the first."""
    spans = [(clip, FrameRange(clip.start, clip.start + clip.length)) for clip in clips]
    return next((clip for clip, span in spans if playhead in span), clips[0])
