"""Clips: odd but sound ones that must decode, and every way in which one can be broken."""

import random
import struct

import clips
import ebml_writer as ebml
import gif_writer as gif
import iso_writer as iso
import jpeg_writer as jpg
from image_cases import jpeg_of, stored_for
from media_case import COSTLY, centres, ffmpeg, grid

SIZE = (48, 32)
_ONE = 0x10000
# Display matrices (a b u c d v x y w) of the eight orientations: shown (x', y') = (a x + c y, b x + d y).
_MATRICES = {
    1: (_ONE, 0, 0, 0, _ONE, 0), 2: (-_ONE, 0, 0, 0, _ONE, 0), 3: (-_ONE, 0, 0, 0, -_ONE, 0), 4: (_ONE, 0, 0, 0, -_ONE, 0),
    5: (0, _ONE, 0, _ONE, 0, 0), 6: (0, _ONE, 0, -_ONE, 0, 0), 7: (0, -_ONE, 0, -_ONE, 0, 0), 8: (0, -_ONE, 0, _ONE, 0, 0),
}  # fmt: skip


def matrix(orientation):
    return _MATRICES[orientation] + (0, 0, 0x40000000)


def stills(count=10):
    """JPEG pictures for containers made by hand; the first is the plain pattern."""
    cells = grid()
    turn = lambda n: [row[n % 6 :] + row[: n % 6] for row in cells]
    return [jpeg_of(turn(n)) for n in range(count)]


def sound(cases, made):
    """Clips that are odd and still have to work."""
    frames, spots = stills(), centres(grid())
    ok = lambda name, data, size=SIZE, pixels=(), **more: cases.good("video", name, data, size, pixels, 6, **more)
    for n in range(1, 9):
        turned = [jpeg_of(stored_for(grid(), n))] * 4
        width, height = (32, 48) if n >= 5 else SIZE
        ok(f"mov_display_matrix_{n}.mov", iso.movie(turned, width, height, matrix=matrix(n)), pixels=spots)
    skew = (_ONE, 9000, 0, -9000, _ONE, 0, 0, 0, 0x40000000)
    ok("mov_skewed_matrix.mov", iso.movie(frames, *SIZE, matrix=skew), pixels=spots)
    ok("mov_wild_matrix.mov", iso.movie(frames, *SIZE, matrix=(-(2**31),) * 9), pixels=spots)
    ok("mov_plain.mov", iso.movie(frames, *SIZE), pixels=spots, frames_count=10)
    ok("mov_index_last.mov", iso.movie(frames, *SIZE, index_first=False), pixels=spots)
    ok("mov_one_frame.mov", iso.movie(frames[:1], *SIZE), pixels=spots, frames_count=1)
    ok("mov_huge_movie_duration.mov", iso.movie(frames, *SIZE, duration=0xFFFFFFFF), pixels=spots)
    ok("mov_two_billion_frames_a_second.mov", iso.movie(frames, *SIZE, timescale=2**31 - 1, delta=1), pixels=spots, frames_count=10)
    ok("mov_no_durations.mov", iso.movie(frames, *SIZE, delta=0), pixels=spots, frames_count=10)
    ok("mov_edits_that_skip.mov", iso.movie(frames, *SIZE, edits=[(500, 300)]))
    ok("mov_edit_with_delay.mov", iso.movie(frames, *SIZE, edits=[(700, -1), (1000, 0)]))
    ok("mov_wild_composition_offsets.mov", iso.movie(frames, *SIZE, ctts=[(3, -(2**31)), (4, 2**31 - 1), (3, 0)]))
    ok("mov_two_tracks.mov", iso.movie(frames, *SIZE, tracks=2), pixels=spots)
    ok("mov_declares_another_size.mov", iso.movie(frames, 640, 480), (640, 480), source_size=SIZE)
    big = [jpeg_of([row * 2 for row in grid()] * 2)] * 5
    ok("mov_size_changes.mov", iso.movie(frames[:5] + big, *SIZE), changes_size=True)
    ok("mov_last_samples_missing.mov", iso.movie(frames, *SIZE)[: -len(frames[-1]) * 4], pixels=spots)
    noisy = [f if n % 3 else bytes(len(f)) for n, f in enumerate(frames, 1)]
    ok("mov_every_third_frame_zeros.mov", iso.movie(noisy, *SIZE), pixels=spots)
    ok("mov_trailing_bytes.mov", iso.movie(frames, *SIZE) + b"\xff" * 500, pixels=spots)
    # The name of another file is passed over; what the offsets mean is this file.
    elsewhere = iso.full(b"url ", b"file:///etc/passwd\0")
    ok("mov_names_another_file.mov", iso.movie(frames, *SIZE, dref=elsewhere), pixels=spots)
    tick = [(n * 100, f) for n, f in enumerate(frames)]
    ok("mkv_plain.mkv", ebml.matroska(tick, *SIZE), pixels=spots, frames_count=10)
    ok("mkv_live_unknown_sizes.mkv", ebml.matroska(tick, *SIZE, live=True), pixels=spots)
    for label, duration in (("huge", 1e300), ("negative", -5.0), ("nan", float("nan")), ("infinite", float("inf"))):
        ok(f"mkv_duration_{label}.mkv", ebml.matroska(tick, *SIZE, duration=duration), pixels=spots)
    ok("mkv_all_times_zero.mkv", ebml.matroska([(0, f) for f in frames], *SIZE), pixels=spots, frames_count=10)
    ok("mkv_times_fall.mkv", ebml.matroska([(5000 - 100 * n, f) for n, f in enumerate(frames)], *SIZE))
    ok("mkv_times_at_random.mkv", ebml.matroska([(random.Random(n).randrange(10**5), f) for n, f in enumerate(frames)], *SIZE))
    ok("mkv_times_at_the_limit.mkv", ebml.matroska([(n * (1 << 60), f) for n, f in enumerate(frames)], *SIZE))
    ok("mkv_scale_zero.mkv", ebml.matroska(tick, *SIZE, scale=0), pixels=spots)
    ok("mkv_no_size_in_header.mkv", ebml.matroska(tick, *SIZE, sizes=False), (0, 0), either="VIDEO_TOO_SMALL")
    ok("ts_starts_in_a_packet.ts", made["ts"][100:], (clips.WIDTH, clips.HEIGHT))
    ok("ts_starts_in_a_group.ts", made["ts"][: 188 * 3] + made["ts"][188 * 6 :], (clips.WIDTH, clips.HEIGHT))
    lossy = bytearray(made["ts"])
    for n in range(20, len(lossy) // 188, 9):
        lossy[n * 188 : n * 188 + 188] = b""
    ok("ts_packets_lost.ts", bytes(lossy), (clips.WIDTH, clips.HEIGHT))
    for name, part in (("mp4", 0.85), ("mkv", 0.5), ("ts", 0.5), ("webm", 0.5), ("fragmented", 0.7)):
        suffix = "mp4" if name == "fragmented" else name
        ok(f"cut_{name}.{suffix}", made[name][: int(len(made[name]) * part)], (clips.WIDTH, clips.HEIGHT))
    flipped = bytearray(made["mkv"])
    dice = random.Random(7)
    for _ in range(40):
        flipped[dice.randrange(1200, len(flipped))] ^= 1 << dice.randrange(8)
    ok("mkv_bits_flipped.mkv", bytes(flipped), (clips.WIDTH, clips.HEIGHT))
    resized(cases, ok)


def resized(cases, ok):
    synthetic = lambda size, length=1: ["-f", "lavfi", "-i", f"testsrc=s={size}:r=10:d={length}"]
    to = cases.path
    small = ffmpeg(synthetic("64x48") + clips.X264 + ["-f", "mpegts"], to("scratch"))
    large = ffmpeg(synthetic("160x120") + clips.X264 + ["-f", "mpegts", "-output_ts_offset", "1"], to("scratch"))
    ok("ts_size_changes.ts", small + large, (64, 48), changes_size=True)
    odd = ffmpeg(synthetic("67x51") + ["-pix_fmt", "yuv444p"] + clips.X264, to("h264_odd_size.mp4"))
    ok("h264_odd_size.mp4", odd, (67, 51))
    ok("vp9_odd_size.webm", ffmpeg(synthetic("61x35") + ["-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-deadline", "realtime", "-cpu-used", "8"], to("vp9_odd_size.webm")), (61, 35))
    cover = ["-i", to("jpeg_baseline.jpg"), *synthetic("64x48"), "-map", "1", "-map", "0", "-c:v:0", "libx264", "-c:v:1", "copy", "-disposition:v:1", "attached_pic"]
    ok("h264_with_cover.mp4", ffmpeg(cover, to("h264_with_cover.mp4")), (64, 48))


def gifs(cases):
    palette = [c for row in grid() for c in row][:16]
    base = gif.frame([[1] * 48 for _ in range(32)], delay=10)
    steps = [gif.frame([[n] * 8 for _ in range(8)], x=8 * (n - 2), y=8, delay=10) for n in range(2, 8)]
    animated = gif.gif(48, 32, palette, [base] + steps, loop=0)
    spots = [(3, 3, *palette[1]), (12, 12, *palette[1])]
    cases.good("video", "gif_clip_endless_of_parts.gif", animated, SIZE, spots, frames_count=7)
    cases.good("video", "gif_clip_no_delays.gif", gif.gif(48, 32, palette, [base.replace(b"\0\x0a\0\0", b"\0\0\0\0")] * 3), SIZE)
    cases.good("video", "gif_clip_cut.gif", animated[:-150], SIZE)
    cases.bad("video", "gif_clip_65535x65535.gif", gif.gif(65535, 65535, palette, [base]), "VIDEO_TOO_LARGE")
    cases.bad("video", "gif_clip_header_only.gif", gif.gif(48, 32, palette, [], trailer=False), "VIDEO_CORRUPT")


def wrong_kinds(cases):
    playlists = {
        "playlist.m3u8": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "playlist_of_files.m3u8": b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n",
        "list.ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "concat.mp4": b"concat:/etc/passwd|/etc/hosts",
        "dash.mpd": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
        "session.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "address.mp4": b"rtsp://127.0.0.1/stream",
        "subtitles.srt": b"1\n00:00:00,000 --> 00:00:01,000\nhello\n",
        "text.mp4": b"This is not a clip.\n" * 40,
        "document.mkv": b"%PDF-1.7\n%%EOF\n",
        "program.mp4": b"\x7fELF\x02\x01\x01" + bytes(57),
        "archive.mov": b"PK\x03\x04" + bytes(60),
        "zeros.ts": bytes(188 * 8),
        "one_byte.mp4": b"\0",
        "picture.mp4": jpeg_of(grid()),
        "flash.flv": b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + bytes(50),
        "bare.h264": b"\0\0\0\1\x67\x42\0\x1e" + bytes(60),
        "riff.avi": b"RIFF\xff\0\0\0AVI LIST" + bytes(80),
        "tune.ogg": b"OggS\0\x02" + bytes(60),
        "song.mp3": b"ID3\x04\0\0\0\0\0\0" + bytes(60),
        "sync_bytes_only.ts": b"G" * 300,
    }
    for name, data in playlists.items():
        cases.bad("video", "not_a_clip_" + name, data, "VIDEO_UNSUPPORTED_CONTAINER")
    cases.bad("video", "no_bytes.mp4", b"", "VIDEO_EMPTY")


def broken(cases, made):
    frames = stills()
    bad = lambda name, data, reason="VIDEO_CORRUPT", code=None: cases.bad("video", name, data, reason, **({"code": code} if code else {}))
    whole = iso.movie(frames, *SIZE)
    last = iso.movie(frames, *SIZE, index_first=False)
    moov_at, moov_end = iso.find(whole, b"moov")
    for part in (1, 5, 9):
        bad(f"mov_cut_before_index_{part}.mov", last[: iso.find(last, b"moov")[0] * part // 10 + 20], "VIDEO_INDEX_MISSING")
        bad(f"mov_cut_in_index_{part}.mov", whole[: moov_at + (moov_end - moov_at) * part // 10], "VIDEO_INDEX_MISSING")
    bad("mov_header_only.mov", whole[:moov_at], "VIDEO_INDEX_MISSING")
    bad("mov_index_without_data.mov", whole[:moov_end])
    bad("mov_12_bytes.mov", whole[:12], "VIDEO_INDEX_MISSING")
    bad("mov_no_frames.mov", iso.movie([], *SIZE))
    bad("mov_data_past_the_end.mov", iso.movie(frames, *SIZE, offset=0x7FFFFFF0))
    bad("mov_frames_of_noise.mov", iso.movie([random.Random(n).randbytes(900) for n in range(8)], *SIZE))
    bad("mov_65535x65535.mov", iso.movie(frames, 65535, 65535), "VIDEO_TOO_LARGE")
    bad("mov_0x0.mov", iso.movie(frames, 0, 0), "VIDEO_TOO_SMALL")
    bad("mov_1x1.mov", iso.movie(frames, 1, 1), "VIDEO_TOO_SMALL")
    bomb = [jpeg_of(grid(), size=(65500, 65500))] * 3
    bad("mov_bomb_inside_frames.mov", iso.movie(bomb, *SIZE))
    bad("mov_68_years_a_frame.mov", iso.movie(frames, *SIZE, timescale=1, delta=0x7FFFFFFF), "VIDEO_TOO_LONG")
    bad("mov_declares_two_billion_samples.mov", iso.movie(frames, *SIZE, declared_samples=0x7FFFFFFF, declared_size=10), "VIDEO_TOO_MANY_FRAMES")
    bad("mov_declares_20_million_samples.mov", iso.movie(frames, *SIZE, declared_samples=20_000_000, declared_size=10), "VIDEO_TOO_MANY_FRAMES")
    bad("mov_20_tracks_of_900000_samples.mov", iso.movie(frames, *SIZE, declared_samples=900_000, declared_size=1, tracks=20), "VIDEO_TOO_MANY_FRAMES")
    run = iso.full(b"trun", struct.pack(">I", 0x01000000))
    fragment = iso.box(b"moof", iso.full(b"mfhd", struct.pack(">I", 1)), iso.box(b"traf", iso.full(b"tfhd", struct.pack(">I", 1)), run))
    bad("mov_fragment_of_16_million_samples.mov", whole + fragment, "VIDEO_TOO_MANY_FRAMES")
    many_edits = [(10, n % 9 * 100) for n in range(200_000)]
    bad("mov_200000_edits.mov", iso.movie(frames, *SIZE, declared_samples=100_000, declared_size=1, edits=many_edits), "VIDEO_TOO_MANY_FRAMES")
    bad("mov_100_tracks.mov", iso.movie(frames, *SIZE, tracks=100))
    bad("mov_encrypted.mov", iso.movie(frames, *SIZE, entry=b"encv", entry_boxes=iso.box(b"sinf", iso.box(b"frma", b"jpeg"))), "VIDEO_ENCRYPTED")
    bad("mov_compressed_index.mov", iso.box(b"ftyp", b"qt  \0\0\0\0") + iso.box(b"moov", iso.box(b"cmov", bytes(40))), "VIDEO_UNSUPPORTED_CONTAINER")
    bad("mov_unknown_codec.mov", iso.movie(frames, *SIZE, entry=b"zzzz"), "VIDEO_UNSUPPORTED_CODEC")
    nested = b""
    for _ in range(5000):
        nested = iso.box(b"trak", nested)
    bad("mov_boxes_nested_5000_deep.mov", iso.box(b"ftyp", b"qt  \0\0\0\0") + iso.box(b"moov", nested), "VIDEO_NO_VIDEO_TRACK")
    tick = [(n * 100, f) for n, f in enumerate(frames)]
    good = ebml.matroska(tick, *SIZE)
    for at in (4, 20, 60, 120):
        bad(f"mkv_cut_at_{at:03}.mkv", good[:at])
    bad("mkv_no_frames.mkv", ebml.matroska([], *SIZE))
    bad("mkv_65535x65535.mkv", ebml.matroska(tick, 65535, 65535), "VIDEO_TOO_LARGE")
    bad("mkv_2x2.mkv", ebml.matroska(tick, 2, 2), "VIDEO_TOO_SMALL")
    bad("mkv_lasts_a_year.mkv", ebml.matroska([(n * 3_000_000_000, f) for n, f in enumerate(frames)], *SIZE), "VIDEO_TOO_LONG")
    bad("mkv_scale_at_the_limit.mkv", ebml.matroska(tick, *SIZE, scale=(1 << 62)))
    locked = ebml.element("6d80", ebml.element("6240", ebml.uint("5031", 0), ebml.uint("5032", 1), ebml.uint("5033", 1),
                          ebml.element("5035", ebml.uint("47e1", 5), ebml.element("47e2", bytes(16)))))
    bad("mkv_encrypted.mkv", ebml.matroska(tick, *SIZE, track=locked), "VIDEO_ENCRYPTED")
    bad("mkv_unknown_codec.mkv", ebml.matroska(tick, *SIZE, codec="V_NOBODY"), "VIDEO_UNSUPPORTED_CODEC")
    vp8 = bytearray(b"\x10\x02\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(200))
    bad("mkv_vp8_bomb_inside_frames.mkv", ebml.matroska([(0, bytes(vp8))], *SIZE, codec="V_VP8"))
    bad("ts_two_packets.ts", made["ts"][:376], "VIDEO_UNSUPPORTED_CONTAINER")
    bad("ts_tables_only.ts", made["ts"][: 188 * 3])
    bad("ts_null_packets.ts", (b"\x47\x1f\xff\x10" + b"\xff" * 184) * 50, "VIDEO_NO_VIDEO_TRACK")
    foreign(cases, bad, made)


def foreign(cases, bad, made):
    """Sound files with things that we refuse."""
    to = cases.path
    video = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.5"]
    tone = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", "-b:a", "32k"]
    for suffix in ("mp4", "mkv", "ts"):
        bad(f"sound_only.{suffix}", ffmpeg(tone, to(f"sound_only.{suffix}")), "VIDEO_NO_VIDEO_TRACK")
    cover = ["-i", to("jpeg_baseline.jpg"), *tone, "-map", "1", "-map", "0", "-c:v", "copy", "-disposition:v", "attached_pic"]
    bad("sound_with_cover.mp4", ffmpeg(cover, to("sound_with_cover.mp4")), "VIDEO_NO_VIDEO_TRACK")
    for name, suffix, codec in (("prores", "mov", "prores"), ("ffv1", "mkv", "ffv1"), ("mpeg2", "ts", "mpeg2video"), ("png", "mov", "png")):
        bad(f"codec_{name}.{suffix}", ffmpeg(video + ["-c:v", codec], to(f"codec_{name}.{suffix}")), "VIDEO_UNSUPPORTED_CODEC")
    for suffix in ("avi", "flv"):
        bad(f"real.{suffix}", ffmpeg(video + ["-c:v", "libx264", "-pix_fmt", "yuv420p"], to(f"real.{suffix}")), "VIDEO_UNSUPPORTED_CONTAINER")
    key = "00112233445566778899aabbccddeeff"
    cenc = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key]
    bad("h264_encrypted.mp4", ffmpeg(video + clips.X264 + cenc, to("h264_encrypted.mp4")), "VIDEO_ENCRYPTED")
    last = ffmpeg(video + clips.X264, to("h264_cut_before_index.mp4"))
    bad("h264_cut_before_index.mp4", last[: iso.find(last, b"moov")[0]], "VIDEO_INDEX_MISSING")
    noise = bytearray(made["mp4"])
    start = iso.find(made["mp4"], b"mdat")[0] + 8
    noise[start:] = random.Random(3).randbytes(len(noise) - start)
    bad("h264_data_of_noise.mp4", bytes(noise))


def add(cases, made):
    sound(cases, made)
    gifs(cases)
    wrong_kinds(cases)
    broken(cases, made)


__all__ = ["add", "COSTLY", "jpg"]
