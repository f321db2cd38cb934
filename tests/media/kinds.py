"""Small movies of every kind that has its own way of telling times, made by the ffmpeg program; and what that shows.

No program makes some of the kinds any more. What stands for them:
- WMV9 and VC-1 in ASF, Sorenson 3 in QuickTime, old captures: files with one time a packet, in the order of decoding.
  H.264 with B-pictures in ASF and AVI, and in an MP4 whose `ctts` box is renamed.
- Field pictures (PAFF) of cameras and broadcasts: `paff.py` writes such a stream bit by bit.
- Hidden pictures of VP8: libvpx makes real ones; a cleared "show" bit makes them where it doesn't.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from makers import numbered
from paff import field_coded
from PIL import Image

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
COUNT = 40


def ffmpeg(*arguments: str | Path, given: bytes | None = None) -> bytes:
    """Run the program; returns what it writes to its output."""
    command = [FFMPEG, "-v", "error", "-nostdin", "-y", "-threads", "1", *map(str, arguments)]
    if given is not None:
        command.remove("-nostdin")
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def encoded(
    path: Path, *options: str | Path, size: tuple[int, int] = (64, 48), rate: str = "25", count: int = COUNT
) -> None:
    """Numbered pictures, encoded by `options`."""
    raw = b"".join(numbered(n, size).tobytes() for n in range(count))
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", rate, "-i", "-")
    layout = () if "-pix_fmt" in options else ("-pix_fmt", "yuv420p")
    ffmpeg(*source, *layout, "-fflags", "+bitexact", *options, path, given=raw)


@dataclass(frozen=True)
class Kind:
    """How a file is made and how many pictures it has.

    `group` is how many packets random access may decode: a group, the key of the next and what a decoder holds back; 0
    where the format has no index and so little in it that there is nowhere to seek to. `odd_times` says why the
    program's times are not the right ones: then the pictures follow each other at one rate.
    """

    make: Callable[[Path], object]
    count: int = COUNT
    group: int = 18
    odd_times: str = ""


def plain(*options: str, rate: str = "25") -> Callable[[Path], object]:
    """A movie as the program makes it."""
    return lambda path: encoded(path, *options, rate=rate)


X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "12", "-keyint_min", "12", "-sc_threshold", "0")
B3 = (*X264, "-bf", "3", "-x264-params", "b-adapt=0")
OPEN = (*X264, "-bf", "3", "-x264-params", "b-adapt=0:open-gop=1")
X265 = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none:keyint=12:min-keyint=12:scenecut=0:pools=none",
)
MPEG2 = ("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-q:v", "3")
MPEG4 = ("-c:v", "mpeg4", "-g", "12", "-q:v", "3")
VP8 = ("-c:v", "libvpx", "-deadline", "good", "-cpu-used", "5", "-g", "12", "-b:v", "200k")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "8", "-g", "12")
ALTREF = ("-auto-alt-ref", "1", "-lag-in-frames", "16", "-arnr-maxframes", "5")


def renamed(*boxes: bytes) -> Callable[[Path], object]:
    """An MP4 of H.264 with B-pictures whose `boxes` no player knows."""

    def make(path: Path) -> None:
        encoded(path, *B3)
        raw = bytearray(path.read_bytes())
        for box in boxes:
            at = raw.index(box)
            raw[at : at + 4] = b"free"
        path.write_bytes(raw)

    return make


def copied(
    *options: str, changed: Callable[[int, av.Packet], bool] = lambda n, packet: True, **muxing: str
) -> Callable[[Path], object]:
    """A movie whose packets went through `changed`, which may leave some out."""

    def make(path: Path) -> None:
        first = path.with_name(f"first-{path.name}")
        encoded(first, *options)
        with av.open(str(first)) as source, av.open(str(path), "w") as out:
            video = source.streams.video[0]
            stream = out.add_stream_from_template(video)
            for n, packet in enumerate(packet for packet in source.demux(video) if packet.size):
                if changed(n, packet):
                    packet.stream = stream
                    out.mux(packet)
        first.unlink()

    return make


def all_keys(n: int, packet: av.Packet) -> bool:
    packet.is_keyframe = True
    return True


def one_key(n: int, packet: av.Packet) -> bool:
    packet.is_keyframe = n == 0
    return True


def late_start(n: int, packet: av.Packet) -> bool:
    """Cut in the middle of a group, as recordings are."""
    return n >= 5


def later(n: int, packet: av.Packet) -> bool:
    packet.pts += round(Fraction(37, 10) / packet.time_base)
    packet.dts += round(Fraction(37, 10) / packet.time_base)
    return True


def joined(first: Sequence[str], second: Sequence[str]) -> Callable[[Path], object]:
    """Two recordings in one file, as `cat` and cameras make them: the second one's times begin again."""

    def make(path: Path) -> None:
        parts = []
        for n, options in enumerate((first, second)):
            part = path.with_name(f"{n}-{path.name}")
            raw = b"".join(numbered(k + 20 * n).tobytes() for k in range(20))
            source = (
                "-f",
                "rawvideo",
                "-pix_fmt",
                "rgb24",
                "-s",
                "64x48",
                "-r",
                "25",
                "-i",
                "-",
                "-pix_fmt",
                "yuv420p",
            )
            ffmpeg(*source, *options, part, given=raw)
            parts.append(part.read_bytes())
            part.unlink()
        path.write_bytes(b"".join(parts))

    return make


def packed(path: Path) -> None:
    """MPEG-4 as old Xvid and DivX put it into AVI: a B-picture shares the packet of the P-picture before it.

    packets   I   P+B   -   P+B   -   ...       "-" is a picture that isn't coded, seven bytes
    """
    first = path.with_name(f"first-{path.name}")
    encoded(first, *MPEG4, "-bf", "1", "-flags", "+bitexact", "-vtag", "XVID")
    with av.open(str(first)) as source, av.open(str(path), "w", format="avi") as out:
        video = source.streams.video[0]
        stream = out.add_stream_from_template(video)
        stored = [bytes(packet) for packet in source.demux(video) if packet.size]
        made: list[bytes] = []
        n = 0
        while n < len(stored):
            if n + 1 < len(stored) and _coding(stored[n + 1]) == 2:
                made += [stored[n] + stored[n + 1], b"\0\0\1\xb6\x50\0\0"[:7]]
                n += 2
            else:
                made.append(stored[n])
                n += 1
        marked = made[0].replace(b"\0\0\1\xb6", b"\0\0\1\xb2DivX503b1393p\0\0\1\xb6", 1)
        for n, data in enumerate([marked, *made[1:]]):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = n
            packet.is_keyframe = _coding(data) == 0
            out.mux(packet)
    first.unlink()


def _coding(data: bytes) -> int:
    """0 I, 1 P, 2 B (ISO 14496-2, vop_coding_type)."""
    return data[data.index(b"\0\0\1\xb6") + 4] >> 6


def hidden_by_hand(path: Path) -> None:
    """VP8 with pictures that are decoded and not shown, between a millisecond's times."""
    hidden = {2, 17, 31}
    first = path.with_name(f"first-{path.name}")
    encoded(
        first,
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-auto-alt-ref",
        "0",
        "-lag-in-frames",
        "0",
        "-g",
        "12",
        "-b:v",
        "200k",
    )
    with av.open(str(first)) as source, av.open(str(path), "w") as out:
        video = source.streams.video[0]
        stream = out.add_stream_from_template(video)
        shown = 0
        for n, made in enumerate(packet for packet in source.demux(video) if packet.size):
            raw = bytearray(bytes(made))
            if n in hidden:
                raw[0] &= ~0x10
            packet = av.Packet(bytes(raw))
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = shown * 40 - 39 * (n in hidden)
            packet.is_keyframe = made.is_keyframe
            shown += n not in hidden
            out.mux(packet)
    first.unlink()


def varying(*options: str) -> Callable[[Path], object]:
    """Pictures that last differently long."""
    times = "settb=1/600,setpts=N*24+17*floor(N/3)+90*floor(N/10)"
    return plain("-vf", times, "-fps_mode", "passthrough", "-enc_time_base", "1/600", *options)


KINDS: dict[str, Kind] = {
    # Times of decoding in the place of times of showing.
    "b-pictures.avi": Kind(plain(*B3)),
    "b-pictures.wmv": Kind(plain(*B3), group=0),
    "without-ctts.mp4": Kind(renamed(b"ctts", b"edts"), odd_times="the times of decoding of what was read by then"),
    "mpeg4-b.avi": Kind(plain(*MPEG4, "-bf", "2")),
    "packed.avi": Kind(packed),
    "wmv2.wmv": Kind(plain("-c:v", "wmv2", "-g", "12"), group=0),
    "msmpeg4.avi": Kind(plain("-c:v", "msmpeg4v2", "-g", "12")),
    "sorenson.mov": Kind(plain("-c:v", "svq1", "-g", "12")),
    "sorenson.flv": Kind(plain("-c:v", "flv", "-g", "12")),
    # Fields and frames.
    "fields.ts": Kind(lambda path: field_coded(path, COUNT)),
    "fields.mkv": Kind(lambda path: field_coded(path, COUNT)),
    "mbaff.ts": Kind(plain(*B3, "-flags", "+ildct+ilme", "-field_order", "tt")),
    "interlaced.mpg": Kind(plain(*MPEG2, "-flags", "+ildct+ilme"), group=0),
    "interlaced.ts": Kind(plain(*MPEG2, "-flags", "+ildct+ilme")),
    # Packets without a picture.
    "alt-ref.webm": Kind(plain(*VP8, *ALTREF)),
    "hidden.webm": Kind(hidden_by_hand, count=COUNT - 3),
    "vp9.webm": Kind(plain(*VP9, *ALTREF)),
    "av1.mkv": Kind(
        plain("-c:v", "libsvtav1", "-preset", "12", "-g", "12", "-svtav1-params", "logical-processors=1"), group=20
    ),
    # Recordings.
    "joined.ts": Kind(joined(B3, B3)),
    "joined-later.ts": Kind(joined(B3, (*B3, "-output_ts_offset", "60"))),
    "joined-soon.ts": Kind(joined(B3, (*B3, "-output_ts_offset", "5"))),
    "joined-mpeg2.mpg": Kind(joined((*MPEG2, "-f", "mpeg"), (*MPEG2, "-f", "mpeg")), group=0),
    "late-start.ts": Kind(copied(*B3, changed=late_start), count=COUNT - 12),
    "offset.ts": Kind(plain(*B3, "-output_ts_offset", "17.3")),
    "b-pictures.m2ts": Kind(plain(*B3, "-r", "30000/1001", rate="30000/1001")),
    "mpeg2.mpg": Kind(plain(*MPEG2), group=0),
    "mpeg1.mpg": Kind(plain("-c:v", "mpeg1video", "-g", "12", "-bf", "2"), group=0),
    # Key flags that lie.
    "all-keys.mov": Kind(copied("-c:v", "svq1", "-g", "12", changed=all_keys)),
    "all-keys.avi": Kind(copied("-c:v", "msmpeg4v2", "-g", "12", changed=all_keys)),
    "all-keys.mp4": Kind(copied(*MPEG4, "-bf", "2", changed=all_keys)),
    "one-key.mov": Kind(copied("-c:v", "svq1", "-g", "12", changed=one_key), group=0),
    "one-key.avi": Kind(copied("-c:v", "msmpeg4v2", "-g", "12", changed=one_key), group=0),
    "intra-refresh.ts": Kind(plain(*X264, "-bf", "0", "-x264-params", "intra-refresh=1"), group=0),
    # Open groups, edit lists, offsets, clocks.
    "b-pictures.mp4": Kind(plain(*B3)),
    "open.mkv": Kind(plain(*OPEN), group=20),
    "open.ts": Kind(plain(*OPEN), group=20),
    "no-edit-list.mov": Kind(plain(*B3, "-use_editlist", "0")),
    "offset.mp4": Kind(copied(*B3, changed=later)),
    "cut-by-edit-list.mp4": Kind(lambda path: cut_by_edit_list(path), count=COUNT - 7),
    "ntsc.mkv": Kind(plain(*B3, rate="30000/1001")),
    "varying.mp4": Kind(varying(*B3)),
    "varying.webm": Kind(varying(*VP9)),
    "b-pictures.flv": Kind(plain(*B3)),
    "hevc.mp4": Kind(plain(*X265), group=20),
    "hevc.ts": Kind(plain(*X265), group=20),
    "raw.h264": Kind(plain(*X264, "-bf", "0"), group=0),
    # Every picture by itself, and old ones.
    "prores.mov": Kind(plain("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"), group=3),
    "mjpeg.avi": Kind(plain("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p"), group=3),
    "animated.gif": Kind(plain("-c:v", "gif", "-pix_fmt", "rgb8"), group=0),
    "theora.ogv": Kind(plain("-c:v", "libtheora", "-g", "12", "-q:v", "8")),
    "cinepak.avi": Kind(plain("-c:v", "cinepak", "-pix_fmt", "rgb24", "-g", "12")),
    "huffyuv.avi": Kind(plain("-c:v", "huffyuv", "-pix_fmt", "yuv422p"), group=3),
    "ffv1.nut": Kind(plain("-c:v", "ffv1", "-g", "12")),
}


def photographs(path: Path, orientation: int = 0) -> None:
    """Six JPEG pictures with EXIF, copied into a movie as time-lapses are made; their orientation, if it has one."""
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for n in range(6):
            exif = Image.Exif()
            exif[0x010F] = "Camera"
            if orientation:
                exif[0x0112] = orientation
            raw = io.BytesIO()
            Image.fromarray(numbered(n)).save(raw, "JPEG", quality=95, exif=exif, subsampling=2)
            packet = av.Packet(raw.getvalue())
            packet.stream, packet.time_base = stream, Fraction(1, 24)
            packet.pts = packet.dts = n
            packet.duration, packet.is_keyframe = 1, True
            movie.mux(packet)


def laden(path: Path) -> None:
    """A movie with much beside its pictures: a cover, an attached file, chapters, text, data of an HDR display."""
    words = path.with_suffix(".srt")
    words.write_text("1\n00:00:00,000 --> 00:00:00,300\nwords\n")
    notes = path.with_suffix(".ini")
    chapters = "".join(f"[CHAPTER]\nTIMEBASE=1/25\nSTART={n}\nEND={n + 4}\ntitle=\xe9{n}\n" for n in (0, 4))
    notes.write_bytes(f";FFMETADATA1\ntitle=caf\xe9\ncreation_time=x\n{chapters}".encode("latin-1"))
    cover = path.with_suffix(".jpg")
    Image.new("RGB", (64, 48), (200, 30, 30)).save(cover)
    raw = path.with_suffix(".rgb")
    raw.write_bytes(b"".join(numbered(n).tobytes() for n in range(8)))
    given = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x48", "-r", "25", "-i", raw)
    display = "mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    video = (*X264, "-x264-params", f"{display}:cll=1000,400", "-pix_fmt:v:0", "yuv420p")
    picture = ("-c:v:1", "mjpeg", "-pix_fmt:v:1", "yuvj420p", "-disposition:v:1", "attached_pic")
    beside = ("-attach", cover, "-metadata:s:t", "mimetype=image/jpeg") if path.suffix == ".mkv" else ()
    text = ("-c:s", "srt" if path.suffix == ".mkv" else "mov_text")
    maps = ("-map", "0", "-map", "1", "-map", "2", "-map_metadata", "3")
    ffmpeg(*given, "-i", cover, "-i", words, "-i", notes, *maps, *video, *picture, *text, *beside, path)
    for made in (words, notes, cover, raw):
        made.unlink()


def cut_by_edit_list(path: Path) -> None:
    """A copy without encoding that begins between two key pictures: an edit list hides what comes before."""
    first = path.with_name(f"first-{path.name}")
    encoded(first, *X264, "-bf", "0")
    ffmpeg("-ss", "0.28", "-i", first, "-c", "copy", path)
    first.unlink()


@dataclass(frozen=True)
class Shown:
    """What the program shows of a file: pictures [N, H, W, 3] uint8, and their times in seconds from the first."""

    pictures: np.ndarray
    times: list[Fraction] = field(default_factory=list)


def shown_by_ffmpeg(path: Path, size: tuple[int, int]) -> Shown:
    """Decode a file from beginning to end with the program."""
    listed = path.with_name(f"{path.name}.list")
    how = ("-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "demux")
    raw = ffmpeg("-i", path, *how, "-f", "framecrc", listed, *how, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    lines = listed.read_text().splitlines()
    listed.unlink()
    clock = next(Fraction(line.split()[-1]) for line in lines if line.startswith("#tb 0:"))
    ticks = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)
    return Shown(pictures, [(tick - ticks[0]) * clock for tick in ticks])
