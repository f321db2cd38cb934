"""The settings of the diffusion look, with the names and meanings of A1111's img2img."""

from __future__ import annotations

from typing import Any

from restrip.link.setting import Setting


def _sd(key: str, kind: Any, default: Any, label: str, help: str, **more: Any) -> Setting:
    return Setting(key, kind, default, label, help, looks=("sd",), **more)


SAMPLERS = (
    ("euler", "Euler"),
    ("euler_a", "Euler a"),
    ("dpmpp_2m_karras", "DPM++ 2M Karras"),
    ("ddim", "DDIM"),
    ("lcm", "LCM"),
)

SD_SETTINGS = (
    _sd(
        "prompt", "text", "", "Prompt", "What the picture becomes. (word:1.2) stresses a word, BREAK starts a new part."
    ),
    _sd("negative_prompt", "text", "", "Negative prompt", "What to keep out of the picture."),
    _sd(
        "denoising_strength",
        "float",
        0.5,
        "Denoising strength",
        "How far from the source: 0 leaves the frame, 1 forgets it.",
        low=0.0,
        high=1.0,
    ),
    _sd("cfg_scale", "float", 7.0, "CFG scale", "How closely the prompt is followed.", low=1.0, high=30.0),
    _sd("steps", "int", 30, "Steps", "Steps of the whole schedule, as A1111 counts them.", low=1, high=150),
    _sd("sampler", "choice", "euler", "Sampler", "How the noise is taken out.", choices=SAMPLERS),
    _sd("seed", "int", 1, "Seed", "The number that the noise is made from.", low=0, high=2**32 - 1),
    _sd(
        "pixel_budget",
        "int",
        0,
        "Working size",
        "Pixels that the model works on, in the frame's shape; 0 is what the model was trained on.",
        low=0,
        high=4096 * 4096,
        unit="px",
        group="size",
    ),
    _sd("width", "int", 0, "Width", "Working width; 0 follows the frame.", low=0, high=4096, unit="px", group="size"),
    _sd(
        "height", "int", 0, "Height", "Working height; 0 follows the frame.", low=0, high=4096, unit="px", group="size"
    ),
    _sd(
        "clip_skip", "int", 1, "Clip skip", "Layers of the text encoder to leave out.", low=1, high=12, group="advanced"
    ),
    _sd(
        "mask_weight",
        "float",
        1.0,
        "Conditioning weight",
        "For inpainting models: 1 hides the frame from the model's conditioning, 0 shows it, which keeps more of it.",
        low=0.0,
        high=1.0,
        group="advanced",
    ),
    _sd(
        "noise",
        "choice",
        "seeded",
        "Noise",
        "Where the noise comes from: the seed, or recovered from the frame (img2img alternative test).",
        choices=(
            ("seeded", "From the seed"),
            ("exact", "Recovered, exact"),
            ("adjusted", "Recovered, sigma adjusted"),
            ("plain", "Recovered, plain"),
            ("warped", "From the seed, carried along the motion"),
        ),
        group="noise",
    ),
    _sd("original_prompt", "text", "", "Original prompt", "What the source shows, for recovered noise.", group="noise"),
    _sd(
        "randomness",
        "float",
        0.0,
        "Randomness",
        "How much of the seed's noise is mixed into recovered noise.",
        low=0.0,
        high=1.0,
        group="noise",
    ),
    _sd("anchor", "bool", True, "Anchor key", "Make all keys against one key, so that they look alike.", group="keys"),
    _sd("anchor_key", "int", -1, "Anchor's number", "Which key is the anchor; -1 chooses.", low=-1, group="keys"),
    _sd(
        "anchor_color",
        "float",
        1.0,
        "Match colours",
        "How far the keys' colours are matched to the anchor's.",
        low=0.0,
        high=1.0,
        group="keys",
    ),
    _sd("lora", "text", "", "LoRA", "LoRA files with weights: name:0.8, other:0.5.", group="model"),
    _sd("controlnet", "text", "", "ControlNet", "ControlNet models with weights: canny=path:1.0.", group="model"),
    _sd("vae", "path", "", "VAE", "A VAE file or folder instead of the checkpoint's.", group="model"),
)
