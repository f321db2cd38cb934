from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones import opening
from restrip.looks.diffusion.backbones.stable_diffusion.rows import SD15, SDXL
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank
from restrip.looks.diffusion.runtime import model_cache, precision, precision_retry
from restrip.looks.diffusion.runtime.batch_row import Anchor, AnchorRelation
from restrip.looks.diffusion.runtime.key_task import Task
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.runtime.precision import climb, finite_rows, suspicious_rows
from restrip.looks.diffusion.runtime.precision_retry import BrokenPicture
from restrip.media.frame import Frame
from restrip.timeline import Key

F16, B16, F32 = torch.float16, torch.bfloat16, torch.float32
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_where_ladders_start() -> None:
    first = precision.first_network_dtype
    assert first(GPU, "auto", SD15) == F16 and first(CPU, "auto", SD15) == F32
    assert first(CPU, "bfloat16", SD15) == B16
    assert precision.first_vae_dtype(GPU, "auto", SD15) == F16
    assert precision.first_vae_dtype(GPU, "auto", SDXL) == F32
    assert precision.first_vae_dtype(GPU, "float32", SD15) == F32
    assert precision.network_ladder(SD15, B16) == (B16, F32)


def test_rows_that_are_broken() -> None:
    values = torch.zeros(3, 4, 8, 8)
    values[1, 3, 7, 7] = torch.nan
    values[2, 0, 0, 0] = -torch.inf
    assert finite_rows(values).tolist() == [True, False, False]


def test_black_and_constant_pictures_are_noticed_where_the_source_is_neither() -> None:
    lively = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    dark = lively * 0.05 - 0.95
    black, gray = torch.full_like(lively, -1.0), torch.full_like(lively, 0.2)
    pictures = torch.cat([black, gray, lively, black, gray])
    sources = torch.cat([lively, lively, lively, dark, gray])
    assert suspicious_rows(pictures, sources).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize("size", [(48, 64), (37, 83), (16, 16)])
def test_pictures_that_are_dead_in_part_are_noticed(size: tuple[int, int]) -> None:
    """Black or without any texture; a sky that is black in the frame too, and white paper, are none."""
    lively = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def left(value: float) -> torch.Tensor:
        out = lively.clone()
        out[..., : size[1] // 2] = value
        return out

    pictures = torch.cat([left(-1), left(0.1), left(1), left(-1), lively])
    sources = torch.cat([lively, lively, lively, left(-1), lively])
    assert suspicious_rows(pictures, sources).tolist() == [True, True, False, False, False]


def test_only_rows_that_failed_climb() -> None:
    asked = []

    def attempt(rows: list[int], dtype: torch.dtype) -> torch.Tensor:
        asked.append((rows, dtype))
        return torch.tensor([float(row) if dtype != F16 or row != 1 else torch.nan for row in rows])[:, None]

    results, used, left = climb(3, (F16, B16, F32), attempt, lambda made, rows: ~finite_rows(made[..., None]))
    assert results.flatten().tolist() == [0.0, 1.0, 2.0]
    assert used == [F16, B16, F16] and left == []
    assert asked == [([0, 1, 2], F16), ([1], B16)]


SETTINGS = {"prompt": "a photo", "steps": 4, "width": 64, "height": 48, "precision": "float16", "batch": 3,
            "cfg_scale": 2.0, "anchor": False}  # fmt: skip


@pytest.fixture
def hooked(small_file, monkeypatch):
    """hooked(part, hook) opens a look whose network has a forward hook on that part, and `also` others."""

    def get(part: str, hook, also=None, **settings):
        path = small_file()

        def opened(*args, **kwargs):
            model = opening.open_model(*args, **kwargs)
            for where, what in {part: hook, **(also or {})}.items():
                network, _, name = where.partition(".")
                getattr(model, network).get_submodule(name).register_forward_hook(what)
            return model

        monkeypatch.setattr(model_cache, "open_model", opened)
        model_cache.unload()
        return open_look(f"sd:{path}", {**SETTINGS, **settings})

    return get


def styled(look, moved, silent, count: int = 3):
    frames = [moved(3 * n) for n in range(count)]
    return look.stylize(frames, [Key(n, seed=n) for n in range(count)], silent.report)


def test_an_overflowing_layer_is_made_again_in_bfloat16(hooked, moved, silent) -> None:
    """Half precision ends at 65504; bfloat16 reaches as far as full precision."""
    look = hooked("network.conv_norm_out", lambda module, args, out: (out + 0 * out) * 1e5 / 1e5)
    for one in styled(look, moved, silent):
        assert one.facts["unet_dtype"] == "bfloat16" and one.facts["retries"] == 1
        assert one.picture.rgb.std() > 5


def test_one_nan_in_one_frame_redoes_that_frame_alone(hooked, moved, silent) -> None:
    def hook(module, args, out):
        if out.dtype == F16 and len(out) == 6:  # three frames, without and with the prompt
            out = out.clone()
            out[4, 2, 3, 3] = torch.nan
        return out

    facts = [one.facts for one in styled(hooked("network.conv_out", hook), moved, silent)]
    assert [fact["unet_dtype"] for fact in facts] == ["float16", "bfloat16", "float16"]
    assert [fact["retries"] for fact in facts] == [0, 1, 0]


def test_the_result_of_a_retry_is_what_that_precision_gives(hooked, moved, silent) -> None:
    def broken_half(module, args, out):
        return out * torch.inf if out.dtype == F16 else out

    redone = styled(hooked("network.conv_out", broken_half), moved, silent, 2)
    first = styled(hooked("network.conv_out", lambda *a: None, precision="bfloat16"), moved, silent, 2)
    for a, b in zip(redone, first, strict=True):  # weights that went through half precision are rounded twice
        assert abs(a.picture.rgb.astype(int) - b.picture.rgb).max() <= 6


@pytest.mark.parametrize("value", [torch.nan, -5.0])
def test_a_vae_that_gives_nothing_in_half_precision_is_run_in_full(hooked, moved, silent, value: float) -> None:
    """NaN, and a black picture, as half precision is known for."""
    look = hooked("vae.decoder", lambda module, args, out: torch.full_like(out, value) if out.dtype == F16 else out)
    for one in styled(look, moved, silent):
        assert one.facts["vae_dtype"] == "float32" and one.facts["unet_dtype"] == "float16"
        assert one.picture.rgb.std() > 5 and not one.notes


@pytest.fixture
def passes(hooked):
    """passes(decoder_hook) opens a look as `hooked` does; `network` and `vae` are the precisions of their passes."""
    told = SimpleNamespace(network=[], vae=[])

    def get(hook, **settings):
        def decoded(module, args, out):
            told.vae.append(out.dtype)
            return hook(module, args, out)

        def asked(module, args, out):
            told.network.append(out.dtype)

        return hooked("vae.decoder", decoded, {"network.conv_out": asked}, **settings), told

    return get


def test_a_picture_that_is_only_dark_is_decoded_once_more_and_kept(passes, moved, silent) -> None:
    """A look that darkens: no pass of the network more, and a note."""
    look, told = passes(lambda module, args, out: out * 1e-3 - 1)
    one = styled(look, moved, silent, 1)[0]
    assert told.network == [F16] * 3 and told.vae == [F16, F32]
    assert one.facts["unet_dtype"] == "float16" and one.facts["vae_dtype"] == "float32" and one.facts["retries"] == 1
    assert "black" in one.notes[0] and "full precision gives the same" in one.notes[0]
    look.stylize([moved(0)], [Key(0)], silent.report)
    assert told.network == [F16] * 6  # no copy in another precision was left in its place


def test_in_full_precision_a_dark_picture_is_the_picture(passes, moved, silent) -> None:
    look, told = passes(lambda module, args, out: torch.full_like(out, 0.2), precision="float32")
    one = styled(look, moved, silent, 1)[0]
    assert (told.network, told.vae) == ([F32] * 3, [F32]) and one.facts["retries"] == 0 and len(one.notes) == 1


def test_a_dusk_shot_stays_dark_without_a_word(passes, picture, silent) -> None:
    look, told = passes(lambda module, args, out: out * 1e-3 - 1)
    dusk = Frame((picture.rgb // 20).astype("uint8"))
    one = look.stylize([dusk], [Key(0)], silent.report)[0]
    assert told.network == [F16] * 3 and told.vae == [F16] and not one.notes


def test_a_half_black_picture_is_found_and_cured(passes, moved, silent) -> None:
    def half_black(module, args, out):
        if out.dtype == F16:
            out = out.clone()
            out[..., : out.shape[-1] // 2] = -1
        return out

    look, told = passes(half_black)
    for one in styled(look, moved, silent):
        assert one.facts["vae_dtype"] == "float32" and not one.notes
        assert one.picture.rgb[:, :32].std() > 5
    assert told.network == [F16] * 3 and told.vae == [F16, F32]


def test_only_what_climbs_the_network_is_not_finite(passes, moved, silent) -> None:
    """Latents that no decoder holds: each step of the network is tried, and the VAE's full precision each time."""
    look, told = passes(lambda module, args, out: out * torch.nan)
    with pytest.raises(BrokenPicture):
        styled(look, moved, silent, 1)
    assert told.network == [F16] * 3 + [B16] * 3 + [F32] * 3 and told.vae == [F16, F32] * 3


def test_a_frame_that_no_half_encoder_holds_is_encoded_in_full(hooked, moved, silent) -> None:
    """And the network stays in half precision."""
    dtypes = []

    def hook(module, args, out):
        dtypes.append((out.dtype, len(out)))
        return out.index_fill(0, torch.tensor([1]), torch.nan) if out.dtype == F16 else out

    look = hooked("vae.encoder", hook)
    for one in styled(look, moved, silent):
        assert one.facts["unet_dtype"] == "float16" and one.picture.rgb.std() > 5
    assert dtypes == [(F16, 3), (F32, 1)]


def test_what_stays_broken_is_an_error(hooked, moved, silent) -> None:
    look = hooked("network.conv_out", lambda module, args, out: out * torch.nan)
    with pytest.raises(BrokenPicture, match="full precision"):
        styled(look, moved, silent, 1)


@pytest.mark.parametrize("settings", [{}, {"anchor_attention": 0.5, "anchor_adain": True}, {"sampler": "lcm"}])
def test_the_device_is_waited_for_once_a_batch(settings, moved, monkeypatch) -> None:
    """All of a batch is started on tensors without data, which can't be asked for a number; then it is looked at."""
    model = opening.open_model(find_checkpoint("tiny"))
    told = {text: model.text.encode(text, 1) for text in ("a photo", "")}
    device = torch.device("meta")
    model.turns = Offload(device, networks={"network": model.network.to(device), "vae": model.vae.to(device)})
    asked = {"steps": 4, "cfg_scale": 2.0, "width": 64, "height": 48, "batch": 2, "prompt": "a photo", **settings}
    at = Pipeline(open_look("sd:tiny", asked).spec(), model, (64, 48), F32)
    monkeypatch.setattr(at.session, "cond", lambda text, **_: Cond(told[text].tokens.to(device)))
    looked, numbers = [], [True, True]

    def judged(clean, latents, pictures, sources):
        looked.append(pictures.shape)
        return [numbers, numbers, numbers, [False, False]]

    monkeypatch.setattr(precision_retry, "_judged", judged)
    rows = [at.row(Task(moved(n), Key(n)), None, None) for n in range(4)]
    left = Anchor(AnchorBank())
    for relation, batch in ((AnchorRelation(left, 0), rows[:2]), (AnchorRelation(left), rows[2:])):
        made = at.maker.make(batch, relation, lambda: None)
        assert [one.picture.shape for one in made] == [(3, 48, 64)] * 2
    assert looked == [(2, 3, 48, 64)] * 2 and left.bank.features
