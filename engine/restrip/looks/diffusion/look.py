"""The diffusion look: what it is made of and what decides its pictures. Torch is loaded with the first key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restrip.looks.diffusion.backbones.family import counted_as_ddim
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints import adapter_specs
from restrip.looks.diffusion.checkpoints.embedding_files import embeddings_in
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily, read_json
from restrip.looks.diffusion.checkpoints.finding import (
    Checkpoint,
    CheckpointHashes,
    family_of,
    find_checkpoint,
    find_file,
    with_companions,
)
from restrip.looks.diffusion.checkpoints.ip_adapter_files import adapter_files
from restrip.looks.diffusion.checkpoints.lora_kinds import check_kinds
from restrip.looks.diffusion.checkpoints.weights.headers import read_shapes
from restrip.looks.diffusion.draft import draft_evaluations
from restrip.looks.diffusion.fitting import fitted
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime.memory_needs import (
    FIXED_MIB,
    in_turns_mib,
    largest_size,
    needs_mib,
    stored_share,
    text_encoder_mib,
    weights_mib,
)
from restrip.looks.diffusion.sampling import distilled
from restrip.looks.diffusion.settings import SD_TRAITS
from restrip.looks.diffusion.size import working_size
from restrip.looks.diffusion.spec import LookSpec
from restrip.looks.diffusion.style_picture import open_style
from restrip.looks.look import Beside, Estimate, Look, LookTraits, Styled
from restrip.looks.look_file.pictures import read_anchor
from restrip.timeline import is_picture

if TYPE_CHECKING:
    from restrip.looks.diffusion.runtime.key_studio import KeyStudio
    from restrip.media.frame import Frame
    from restrip.progress import Report
    from restrip.timeline import Key

# Goes up when the same settings give another picture than before.
CODE_VERSION = 2

LIGHTER = "Its 8-bit, NF4 or GGUF files take less: they stay in memory as they lie on the disk."

# The same for drafts.
DRAFT_VERSION = 2

# Settings that change how fast a picture is made, and not the picture.
WITHOUT_EFFECT = frozenset(
    {"batch", "device", "compile", "replay", "lora", "controlnet", "vae", "control_file", "distilled", "anchor_file"}
    | {"style_picture", "style_strength", "ip_adapter", "image_encoder", "text_encoder"}
)


# Settings that came later: at these values pictures, and so the names of kept ones, are what they were before.
LATER = {"guided_every": 1, "prediction": "auto", "noise_source": "cpu", "edit_correction": "shifts"}


def revisions(recipe: Recipe) -> list[str]:
    """What of a recipe gives other pictures than in version 0.1, which kept ones must not be taken for.

    "joined": what other keys show of one is put into its finished picture; it was put into latents on the way.
    "elsewhere 2": a look file's anchor is also followed in how lively latents are, and in colours by what both frames
    hold of a kind: whole, and the rest has what is left of the anchor's colours.
    """
    prompts = f"{recipe.prompt} {recipe.negative_prompt} {recipe.original_prompt}"
    as_before = recipe.sampler == "euler" and recipe.schedule in ("auto", "uniform")
    changed = {
        "ddim": recipe.sampler == "ddim",
        "lcm": recipe.sampler == "lcm",
        "alternative": recipe.noise in ("plain", "adjusted") and not (as_before and recipe.randomness == 0),
        "joined": (recipe.anchor and recipe.anchor_fusion > 0) or recipe.previous_fusion > 0,
        "elsewhere 2": recipe.anchor and bool(recipe.anchor_file),
        "prompt": bool(re.search(r"\\|BREAK", prompts)) or not unicodedata.is_normalized("NFC", prompts),
    }
    return [name for name, is_so in changed.items() if is_so]


class DiffusionLook(Look):
    """img2img with one checkpoint and one recipe."""

    def __init__(self, checkpoint: Checkpoint, recipe: Recipe, *, draft: bool = False) -> None:
        self.checkpoint = checkpoint
        self._asked, self._draft = recipe, draft
        self.name = f"sd:{checkpoint.name if checkpoint.name == 'tiny' else checkpoint.path}"
        self.loras = adapter_specs.loras(recipe)
        self.controls = adapter_specs.controls(recipe)
        self.vae = find_file(recipe.vae) if recipe.vae else None
        text_encoder = find_file(recipe.text_encoder) if recipe.text_encoder else None
        self.checkpoint = with_companions(checkpoint, text_encoder, self.vae)
        self.control_pictures = find_file(recipe.control_file) if recipe.control_file else None
        for path, family in [*((x.path, "lora") for x in self.loras), *((x.path, "controlnet") for x in self.controls)]:
            _expect(path, family)
        models = [checkpoint.path, *(lora.path for lora in self.loras)]
        self.family = FAMILIES[checkpoint.family]
        few_steps = None if distilled.says_base(checkpoint.path) else self.family.few_steps
        recipe, replaced = distilled.adjusted(recipe, map(distilled.found_kind, models), few_steps)
        self.recipe, lacking = fitted(recipe, self.family, self.loras, self.controls)
        self.notes = (*replaced, *lacking)
        self.style = open_style(recipe)
        self.notes = (*self.notes, *self.style.notes) if self.style is not None else self.notes
        self.adapter = None
        if self.style is not None and recipe.ip_adapter:
            self.adapter = adapter_files(recipe.ip_adapter, recipe.image_encoder)
        self._identity: dict[str, Any] = {}
        self._studio: KeyStudio | None = None
        self.spared = 0
        self.given = read_anchor(recipe.anchor_file) if recipe.anchor and recipe.anchor_file else None

    @property
    def traits(self) -> LookTraits:
        """With a matte, what is made inside knows what stays outside; the recipe says what keys are made from."""
        recipe = self.recipe
        anchored = recipe.anchor and self.given is None
        return replace(SD_TRAITS, needs_anchor=anchored, carries_previous=recipe.previous_fusion > 0)

    def drafted(self) -> DiffusionLook:
        """The same model and recipe in fewer steps: see draft.py."""
        return DiffusionLook(self.checkpoint, self._asked, draft=True)

    def identity(self) -> dict[str, Any]:
        """What decides the picture: hashes of all files, the settings that matter, the version of this code."""
        if not self._identity:
            book = CheckpointHashes()
            settings = {key: value for key, value in asdict(self.recipe).items() if key not in WITHOUT_EFFECT}
            settings = {key: value for key, value in settings.items() if LATER.get(key) != value}
            self._identity = {
                "look": "sd",
                "code": CODE_VERSION,
                "model": book.of_checkpoint(self.checkpoint),
                "family": self.checkpoint.family,
                "vae": book.of_checkpoint(Checkpoint(self.vae, "vae", "")) if self.vae else "",
                "lora": [[book.of_file(lora.path), *lora.weights] for lora in self.loras],
                "controlnet": [
                    [book.of_checkpoint(Checkpoint(c.path, "controlnet", "")), c.kind, c.weight, c.start, c.end]
                    for c in self.controls
                ],
                "control_file": _hash_of_pictures(self.control_pictures, book),
                "settings": settings,
            }
            if beside := self.checkpoint.beside.files():
                self._identity["beside"] = [book.of_file(file) for file in beside]
            if self.given is not None:
                self._identity["anchor"] = self.given.digest
            if self.style is not None:
                self._identity["style"] = self.style.identity()
            if self.adapter is not None:
                encoder = Checkpoint(self.adapter.encoder, "", "")
                self._identity["ip_adapter"] = [book.of_file(self.adapter.adapter), book.of_checkpoint(encoder)]
            if self._draft:
                self._identity["draft"] = DRAFT_VERSION
            always = f"{self.recipe.negative_prompt}, {self.recipe.original_prompt}"
            if embeddings := self.prompt_facts(always):
                self._identity["embeddings"] = embeddings
            if changed := revisions(self.recipe):
                self._identity["revisions"] = changed
        return dict(self._identity)

    def prompt_facts(self, prompt: str) -> list[str]:
        """The hashes of the embeddings that a prompt names. Raises MissingCheckpoint."""
        book = CheckpointHashes()
        return [book.of_file(path) for path in dict.fromkeys(one.path for one in embeddings_in(prompt))]

    def stylize(
        self,
        frames: Sequence[Frame],
        keys: Sequence[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None = None,
        beside: Beside | None = None,
    ) -> list[Styled]:
        """One picture for each frame and its key, of the frame's size, depth and alpha.

        `anchor` is the frame and key that all are made against; a key of the same frame number is the anchor itself.
        Where a matte of `beside` is 0 the frame stays to the bit. The result doesn't depend on which keys are made
        together. Raises the errors of loading, OutOfGpuMemory, BrokenPicture, EmptyMatte, and what `report` raises.
        """
        if self._studio is None:
            from restrip.looks.diffusion.runtime.key_studio import KeyStudio  # torch

            self._studio = KeyStudio(self.spec())
        return self._studio.stylize(list(frames), list(keys), report, anchor, beside or Beside())

    def spec(self) -> LookSpec:
        """What the pictures are made from; hashes all files."""
        identity = self.identity()
        return LookSpec(
            checkpoint=self.checkpoint,
            family=self.family,
            recipe=self.recipe,
            native_px=self.native_px,
            model_hash=identity["model"],
            content=f"{identity['model']} {identity['vae']} {identity['lora']}{identity.get('beside', '')}",
            vae=self.vae,
            loras=self.loras,
            controls=self.controls,
            control_pictures=self.control_pictures,
            notes=self.notes,
            spared=self.spared,
            given=self.given,
            draft=self._draft,
            style=self.style,
            adapter=self.adapter,
        )

    def spare_memory(self, steps: int) -> None:
        """Begin with less memory from now on, after `steps` workers ended while they made keys: see MemoryPlan."""
        if steps != self.spared:
            self.spared, self._studio = steps, None

    def estimate(self, size: tuple[int, int]) -> Estimate:
        """What one key of a frame of `size` (width, height) takes, before anything is loaded."""
        at = self._working_size(size)
        steps, strength = self.recipe.steps, self.recipe.denoising_strength
        as_ddim = self.recipe.sampler == "ddim" and self.recipe.schedule in ("auto", "ddim")
        evaluations = (counted_as_ddim if as_ddim else self.family.evaluations)(steps, strength)
        if self._draft:
            evaluations = draft_evaluations(evaluations)
        if self.recipe.noise == "exact":
            evaluations += evaluations * self.recipe.recovery_iterations
        elif self.recipe.noise in ("plain", "adjusted"):
            evaluations += steps
        guided = self.recipe.cfg_scale != 1
        nets = sum(weights_mib(control.path) for control in self.controls)
        share = self._stored_share()
        needed = needs_mib(self.checkpoint.family, at, 1, guided=guided, share=share) + nets
        if self.family.wanted is not None:
            text = text_encoder_mib(self.checkpoint)
            least = in_turns_mib(self.checkpoint.family, at, guided=guided, share=share, text=text) + nets
            return Estimate(at, max(needed, FIXED_MIB + text), evaluations, least, LIGHTER)
        return Estimate(at, needed, evaluations)

    def largest(self, size: tuple[int, int], have_mib: int) -> tuple[int, int]:
        """The largest working size for frames of `size` that fits into so much GPU memory, one frame at a time."""
        at = self._working_size(size)
        nets = sum(weights_mib(control.path) for control in self.controls)
        return largest_size(self.checkpoint.family, at, have_mib - nets, self._stored_share())

    def _stored_share(self) -> float:
        """What the network takes as it is stored, where its family's weights stay so."""
        if self.family.wanted is None:
            return 1.0
        path = self.checkpoint.path
        return stored_share(path / self.family.part if self.checkpoint.is_folder else path)

    def _working_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return working_size(size, self.recipe, self.native_px, self.family.multiple_px)

    @property
    def native_px(self) -> int:
        """The side of the square that the model was trained on."""
        if not self.checkpoint.is_folder:
            return self.family.native_px
        folder = self.checkpoint.path
        network = read_json(folder / self.family.part / "config.json", folder)
        vae = read_json(folder / "vae" / "config.json", folder) if (folder / "vae").is_dir() else {}
        return self.family.native_px_of(network, vae)


def open_diffusion(argument: str, values: Mapping[str, Any], *, size: tuple[int, int] | None = None) -> DiffusionLook:
    """The look "sd:`argument`": "tiny", a path, or a name in a models folder, with checked settings.

    Only headers are read. Raises MissingCheckpoint, UnknownFamily, MissingPart, UnreadableCheckpoint, ForeignPickle,
    BadExtra, UnusableLora.
    """
    return DiffusionLook(find_checkpoint(argument), Recipe.of(values))


def _expect(path: Path, family: str) -> None:
    """Raises UnknownFamily when a file is of another family than the setting that names it."""
    found = "controlnet" if path.is_dir() else family_of(path)
    if found != family:
        label = FAMILIES[found].label if found in FAMILIES else found
        raise UnknownFamily(path, f"it should be a {FAMILIES[family].label} and is {label}")
    if family == "lora":
        check_kinds(path, read_shapes(path))


def _hash_of_pictures(path: Path | None, book: CheckpointHashes) -> str:
    if path is None:
        return ""
    if path.is_file():
        return book.of([path], whole=is_picture(path)).key
    pictures = [p for p in sorted(path.iterdir()) if p.is_file()]
    return "".join(f"{p.name}:{sha256};" for p, sha256 in zip(pictures, book.of_files(pictures), strict=True))
