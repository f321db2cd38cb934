"""A job with its settings checked and typed: what the look, the motion, the matte and the source are asked for.

    JobSpec.settings ── Job.of, once where a job enters a process ──► Job.asked    look  motion  matte  source

Whoever does something of a job takes a Job and reads `asked`; a JobSpec is what came over the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from restrip import codec
from restrip.client.job import JobSpec
from restrip.client.setting import own
from restrip.jobs.model.settings_schema import MATTE_SETTINGS, PLANNED, SOURCE_SETTINGS
from restrip.looks.families import LookFamily, family_of, own_settings
from restrip.looks.look import Look
from restrip.propagate.settings import GRAPHS, PROPAGATE_SETTINGS, PropagateSettings
from restrip.registration.settings import KeySettings
from restrip.timeline import Key

ONLY_CHANGED = frozenset({*(setting.key for setting in PLANNED), GRAPHS})
"""Settings that are recorded where they aren't left as they are: what some do is a plan's to say, and graphs change
nothing that is kept."""


@dataclass(frozen=True)
class LookSettings:
    """A look and its own settings, checked and complete: what its family's opener is called with.

    `prompt`, `seed` and `anchor_key` are those among `values` that jobs know of; None, or -1 for the first key, where
    the look has no such setting.
    """

    family: LookFamily
    argument: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, look: str, given: Mapping[str, Any]) -> LookSettings:
        """Out of a whole job's settings those of the look. Raises UnknownLook, BadSetting."""
        return cls(*family_of(look), own_settings(look, given))

    @property
    def prompt(self) -> str | None:
        """The job's prompt."""
        return self.values.get("prompt")

    @property
    def seed(self) -> int | None:
        """The job's seed."""
        return self.values.get("seed")

    @property
    def anchor_key(self) -> int:
        """The key that the others are made against, counted from 0."""
        return int(self.values.get("anchor_key", -1))

    def explicit(self, key: Key) -> Key:
        """The key with the prompt and the seed that count for it: its own or the job's; None where the look has none.

        Looks are opened without them (`neutral`), so that a seed tried on a contact sheet is the same cached key when
        it becomes the job's.
        """
        prompt = key.prompt if key.prompt is not None else self.prompt
        seed = key.seed if key.seed is not None else self.seed
        return replace(
            key,
            prompt=prompt if "prompt" in self.values else None,
            seed=seed if "seed" in self.values else None,
        )

    def neutral(self) -> LookSettings:
        """The same with the prompt and the seed left to the keys."""
        defaults = {setting.key: setting.default for setting in self.family.settings}
        return replace(self, values=self.family.neutral(self.values, defaults))

    def open(self, size: tuple[int, int]) -> Look:
        """The look for frames of `size` (width, height). Raises LookUnavailable and the look's own errors."""
        return self.family.open(self.argument, self.values, size)


@dataclass(frozen=True)
class MatteSettings:
    """`feather_px` softens the matte's edge; `asked_px` is None where the job leaves it to the default, which hashes
    of pictures tell from a job that asks for the same.
    """

    feather_px: float
    asked_px: float | None


@dataclass(frozen=True)
class SourceSettings:
    """How the clip is read: `strict` refuses damaged frames, `stream` is the movie's video stream counted from 1 (0 is
    the one that players choose), `gaps` is what is done where pictures of a sequence are missing, `highlights` whether
    light beyond white is kept where there is any. `hardware` has results encoded by hardware where that is as good.
    """

    strict: bool
    stream: int
    gaps: str
    highlights: bool = True
    hardware: bool = False


@dataclass(frozen=True)
class JobSettings:
    """A job's settings by whom they concern. `recorded` are those beside the look's own as the job writes them, for
    manifests and for the hashes of what is cached: 1 and 1.0 are two texts. `keys` are those for given keys.
    """

    look: LookSettings
    motion: PropagateSettings
    matte: MatteSettings
    source: SourceSettings
    keys: KeySettings
    recorded: Mapping[str, Any]

    @classmethod
    def of(cls, look: str, given: Mapping[str, Any]) -> JobSettings:
        """Check and type them; those of other looks are left alone. Raises UnknownLook, BadSetting."""
        matte, source = own(MATTE_SETTINGS, given), own(SOURCE_SETTINGS, given)
        return cls(
            LookSettings.of(look, given),
            PropagateSettings.of(given),
            MatteSettings(matte["matte_feather"], given.get("matte_feather")),
            SourceSettings(
                source["strict"],
                source["video_stream"],
                source["gaps"],
                source["highlights"] != "off",
                source["encode_on"] == "auto",
            ),
            KeySettings.of(given),
            recorded={
                setting.key: given.get(setting.key, setting.default)
                for setting in (*PROPAGATE_SETTINGS, *MATTE_SETTINGS, *SOURCE_SETTINGS)
                if setting.key not in ONLY_CHANGED or given.get(setting.key, setting.default) != setting.default
            },
        )

    @property
    def whole(self) -> dict[str, Any]:
        """All that counted, as a manifest lists it."""
        return {**self.look.values, **self.recorded, **self.keys.changed}


@dataclass(frozen=True)
class Job(JobSpec):
    """A job as it is worked on. Raises UnknownLook, BadSetting where one is made, by `replace` too."""

    asked: JobSettings = field(init=False, repr=False, compare=False, metadata=codec.LEFT_OUT)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", JobSettings.of(self.look, self.settings))

    @classmethod
    def of(cls, spec: JobSpec) -> Job:
        """What came over the wire, or out of a job's folder. Raises UnknownLook, BadSetting."""
        return cls(**{each.name: getattr(spec, each.name) for each in fields(JobSpec)})
