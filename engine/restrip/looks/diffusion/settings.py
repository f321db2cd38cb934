"""The settings of the diffusion look, with the names and meanings of A1111's img2img."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from restrip.client.setting import Setting
from restrip.looks.diffusion.checkpoints.file_lists import read_tags, write_list
from restrip.looks.look import LookTraits
from restrip.looks.settings import ANCHOR_FILE, STYLE_STRENGTH

SD_TRAITS = LookTraits(takes_mattes=True, uses_gpu=True, batches=True)
"""Those of every diffusion look; its settings say whether keys have an anchor and are carried on."""


def _sd(key: str, kind: Any, default: Any, label: str, help: str, **more: Any) -> Setting:
    return Setting(key, kind, default, label, help, looks=("sd",), **more)


SAMPLERS = (
    ("euler", "Euler"),
    ("euler_a", "Euler a"),
    ("dpmpp_2m_karras", "DPM++ 2M Karras"),
    ("ddim", "DDIM"),
    ("lcm", "LCM"),
)

BASIC = (
    _sd(
        "prompt", "text", "", "Prompt",
        "What the picture becomes. (word:1.2) stresses a word, BREAK starts a new part, <lora:name:0.8> adds a LoRA, "
        "an embedding's name stands for it.",
        files="tags",
    ),
    _sd("negative_prompt", "text", "", "Negative prompt", "What to keep out of the picture.", files="words"),
    _sd(
        "denoising_strength", "float", 0.5, "Denoising strength",
        "How far from the source: 0 leaves the frame, 1 forgets it.", low=0.0, high=1.0,
    ),
    _sd("cfg_scale", "float", 7.0, "CFG scale", "How closely the prompt is followed.", low=1.0, high=30.0),
    _sd("steps", "int", 30, "Steps", "Steps of the whole schedule, as A1111 counts them.", low=1, high=150),
    _sd("sampler", "choice", "euler", "Sampler", "How the noise is taken out.", choices=SAMPLERS),
    _sd("seed", "int", 1, "Seed", "The number that the noise is made from.", low=0, high=2**32 - 1),
    _sd(
        "style_picture", "path", "", "Style picture",
        "A picture whose colours and strokes the keys take on, beside the prompt: any kind that a key may be.",
        files="one", holds="picture",
    ),
    STYLE_STRENGTH,
    _sd(
        "ip_adapter", "path", "", "IP-Adapter",
        "An IP-Adapter by its name or file, such as ip-adapter_sd15, through which the style picture is seen; empty: "
        "the model itself looks at it.",
        group="model", files="one", when=("style_picture", ()),
    ),
    _sd(
        "image_encoder", "path", "", "Image encoder",
        "The CLIP vision file or folder of the IP-Adapter; empty looks in clip_vision and image_encoder folders.",
        group="model", files="one", when=("ip_adapter", ()),
    ),
)  # fmt: skip

SIZE = (
    _sd(
        "pixel_budget", "int", 0, "Working size",
        "Pixels that the model works on, in the frame's shape; 0 is what the model was trained on.",
        low=0, high=4096 * 4096, unit="px", group="size",
    ),
    _sd("width", "int", 0, "Width", "Working width; 0 follows the frame.", low=0, high=4096, unit="px", group="size"),
    _sd(
        "height", "int", 0, "Height", "Working height; 0 follows the frame.",
        low=0, high=4096, unit="px", group="size",
    ),
)  # fmt: skip

NOISE = (
    _sd(
        "noise", "choice", "seeded", "Noise",
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
    _sd(
        "noise_source", "choice", "cpu", "Noise source",
        "Whose numbers a seed's noise is: A1111 draws on the GPU unless told otherwise, so its seeds need those.",
        choices=(("cpu", "CPU"), ("nv", "NVIDIA GPU's, on any machine")), group="noise",
    ),
    _sd("original_prompt", "text", "", "Original prompt", "What the source shows, for recovered noise.", group="noise",
        files="words",
        when=("noise", ("exact", "adjusted", "plain"))),
    _sd(
        "randomness", "float", 0.0, "Randomness", "How much of the seed's noise is mixed into recovered noise.",
        low=0.0, high=1.0, group="noise", when=("noise", ("exact", "adjusted", "plain")),
    ),
    _sd(
        "recovery_iterations", "int", 2, "Recovery iterations",
        "Times that each step of exact recovery is refined; 2 return the frame to within a percent.",
        low=1, high=10, group="noise", when=("noise", ("exact",)),
    ),
)  # fmt: skip

KEYS = (
    _sd("anchor", "bool", True, "Anchor key", "Make all keys against one key, so that they look alike.", group="keys"),
    _sd(
        "anchor_key", "int", -1, "Anchor's number", "Which key is the anchor, counted from 0; -1 is the first.",
        low=-1, high=10**6, group="keys", when=("anchor", ()),
    ),
    ANCHOR_FILE,
    _sd(
        "anchor_attention", "float", 1.0, "Anchor attention",
        "How much each key looks at the anchor while it is painted; 1 as much as at itself, 0 not at all.",
        low=0.0, high=4.0, group="keys", when=("anchor", ()),
    ),
    _sd(
        "anchor_adain", "bool", False, "Match attention",
        "Also give the key's attention the anchor's statistics: stronger likeness of style, less of the frame.",
        group="keys", when=("anchor", ()),
    ),
    _sd(
        "anchor_fusion", "float", 1.0, "Carry the anchor",
        "How far what the anchor shows is carried along the motion into each key while it is painted.",
        low=0.0, high=1.0, group="keys", when=("anchor", ()),
    ),
    _sd(
        "anchor_color", "float", 1.0, "Match colours", "How far the keys' colours are matched to the anchor's.",
        low=0.0, high=1.0, group="keys", when=("anchor", ()),
    ),
    _sd(
        "edit_correction", "choice", "shifts", "Lay edits on their frames",
        "Models that edit pictures (FLUX.2 klein) return them a little moved, and often in other colours. What can be "
        "measured is set back. Where prompts change a part of the picture, a cast over the rest can be taken away as "
        "well and the frame's own pixels shown there.",
        choices=(("shifts", "Shifts"), ("parts", "Shifts, and all but the changed part"), ("off", "Off")), group="keys",
    ),
    _sd(
        "previous_fusion", "float", 0.0, "Carry the previous key",
        "How far the finished key before it is carried along the motion into each key. Steadier from key to key where "
        "the anchor doesn't reach; keys are then made one by one, and a change of one makes all after it again.",
        low=0.0, high=1.0, group="keys",
    ),
)  # fmt: skip

MODEL = (
    _sd(
        "lora", "text", "", "LoRA",
        'LoRA files with weights: name:0.8, other:0.5. Quotes hold a name with commas or colons: "a, b":0.8.',
        group="model", files="list",
    ),
    _sd(
        "controlnet", "text", "", "ControlNet",
        "ControlNet models: canny=path:1.0. Kinds are canny, lineart, softedge, tile, depth and file; @0-0.6 behind "
        "one limits it to a part of the steps.",
        group="model", files="list of kinds",
    ),
    _sd(
        "control_file", "path", "", "Control pictures",
        "Pictures for ControlNets that take theirs from a file: one picture, or a folder of pictures that are named "
        "with their frame numbers.",
        group="model", files="one", holds="pictures", when=("controlnet", ()),
    ),
    _sd("vae", "path", "", "VAE", "A VAE file or folder instead of the checkpoint's; a small one is faster.",
        group="model", files="one"),
    _sd("text_encoder", "path", "", "Text encoder",
        "A file or folder, for models whose transformer is a file of its own; empty looks in the folder text_encoders.",
        group="model", files="one"),
    _sd(
        "distilled", "choice", "auto", "Distilled",
        "Few-step models need their own step counts; auto goes by the names of the files.",
        choices=(
            ("auto", "By the file's name"),
            ("no", "No"),
            ("lcm", "LCM"),
            ("turbo", "Turbo"),
            ("lightning", "Lightning"),
            ("hyper", "Hyper"),
            ("dmd2", "DMD2"),
        ),
        group="model",
    ),
    _sd(
        "prediction", "choice", "auto", "Prediction",
        "What the network's output means. Files say it by markers, configs or names; pictures of nothing but noise, or "
        "burnt ones, mean that it was told wrong.",
        choices=(
            ("auto", "By the file"),
            ("epsilon", "Noise"),
            ("v_prediction", "Velocity"),
            ("v_zero_snr", "Velocity, zero terminal SNR"),
            ("edm_v", "Velocity, EDM"),
            ("sample", "Picture"),
        ),
        group="model",
    ),
)  # fmt: skip

ADVANCED = (
    _sd(
        "schedule", "choice", "auto", "Schedule", "How the noise is spaced over the steps; auto is the sampler's own.",
        choices=(
            ("auto", "Automatic"),
            ("uniform", "Uniform"),
            ("karras", "Karras"),
            ("trailing", "SGM uniform"),
            ("ddim", "DDIM"),
            ("lcm", "LCM"),
        ),
        group="advanced",
    ),
    _sd(
        "guided_every", "int", 1, "Guidance every",
        "1 asks the network without the prompt at each step; 2 or 3 at every second or third one only, and keeps what "
        "the prompt changed in between: a fifth or a quarter less time, and a slightly different, softer picture.",
        low=1, high=3, unit="steps", group="advanced",
    ),
    _sd(
        "clip_skip", "int", 1, "Clip skip", "1 reads the text encoder's last layer, 2 the one before; SDXL ignores it.",
        low=1, high=12, group="advanced",
    ),
    _sd(
        "mask_weight", "float", 1.0, "Conditioning weight",
        "For inpainting models: 1 hides the frame from the model's conditioning, 0 shows it, which keeps more of it.",
        low=0.0, high=1.0, group="advanced",
    ),
    _sd(
        "batch", "int", 0, "Batch", "Frames at once; 0 is as many as fit. The pictures don't depend on it.",
        low=0, high=64, group="advanced",
    ),
    _sd(
        "precision", "choice", "auto", "Precision",
        "Where to begin; pictures that come out broken are made again in higher precision.",
        choices=(
            ("auto", "Automatic"),
            ("float16", "Half"),
            ("bfloat16", "Half, wide range"),
            ("float32", "Full"),
        ),
        group="advanced",
    ),
    _sd(
        "device", "choice", "auto", "Device", "Where to compute.",
        choices=(("auto", "GPU if there is one"), ("cuda", "GPU"), ("cpu", "CPU")), group="advanced",
    ),
    _sd(
        "compile", "choice", "auto", "Compile",
        "Compile the networks' blocks: a minute once for each size, then faster; auto does it where the keys to come "
        "are worth it, by what this machine took before.",
        choices=(("auto", "Where it pays"), ("on", "Always"), ("off", "Never")), group="advanced",
    ),
    _sd(
        "replay", "bool", True, "Record steps",
        "Record what a step starts on an NVIDIA GPU and replay it (CUDA graphs): less work for the processor, most of "
        "all with few keys at once, where memory suffices. The pictures stay the same.", group="advanced",
    ),
)  # fmt: skip

SD_SETTINGS = (*BASIC, *SIZE, *NOISE, *KEYS, *MODEL, *ADVANCED)


def without_prompt(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with prompt and seed as in `defaults`: keys bring theirs. The prompt's LoRA stay, as a setting."""
    named = write_list(replace(entry, weights=entry.weights or (1.0,)) for entry in read_tags(values["prompt"]))
    lora = ", ".join(entry for entry in (values["lora"].strip(), named) if entry)
    return {**values, "prompt": defaults["prompt"], "seed": defaults["seed"], "lora": lora}
