"""Clips whose every frame shows its own number, with the time of each frame known from how they are made.

The picture is two rows of seven cells of 16 x 32 pixels: bit b of the number is cell b, light for 1. The manifest lists the
presentation time of each frame in milliseconds after the first; ffprobe has to agree while the clips are made.
"""

import subprocess

from media_case import ffmpeg

WIDTH, HEIGHT, CELL = 112, 64, 16
_DARK, _LIGHT = bytes([40]) * CELL, bytes([210]) * CELL
_CHROMA = bytes([128]) * (WIDTH // 2 * HEIGHT // 2 * 2)


def picture(number):
    """One yuv420p frame."""
    lines = []
    for half in range(2):
        line = b"".join(_LIGHT if number >> (half * 7 + b) & 1 else _DARK for b in range(7))
        lines.append(line * (HEIGHT // 2))
    return b"".join(lines) + _CHROMA


def _probe(path):
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0", path]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = [float(line.split(",")[0]) for line in out.split() if line.strip(",")]
    return [t - times[0] for t in times]


def source(rate=25):
    return ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(rate), "-i", "-"]


X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "22"]


class Clips:
    def __init__(self, cases):
        self._cases = cases

    def make(self, name, count, arguments, rate=25, times_ms=None, probe=True, data=None, **more):
        """times_ms: exact times as fractions of a millisecond are rounded half up, as the decoder promises."""
        path = self._cases.path(name)
        if data is None:
            data = ffmpeg(source(rate) + arguments, path, b"".join(picture(i) for i in range(count)))
        else:
            with open(path, "wb") as out:
                out.write(data)
        times = times_ms or [i * 1000 / rate for i in range(count)]
        if probe:
            found = _probe(path)
            if len(found) != count or any(abs(f * 1000 - t) > 0.51 for f, t in zip(found, times)):
                raise RuntimeError(f"{name}: ffprobe sees {len(found)} frames {found[:8]}, meant {times[:8]}")
        self._cases.good("video", name, data, (WIDTH, HEIGHT), frames_ms=times, **more)
        return data


def add(cases):
    """Returns some clips by name for others to break."""
    clips = Clips(cases)
    made = {}
    fast = ["-movflags", "+faststart"]
    made["mp4"] = clips.make("clip_h264_b_frames.mp4", 60, X264 + ["-bf", "3", "-g", "24", *fast])
    clips.make("clip_h264_moov_last.mp4", 60, X264 + ["-g", "24"])
    made["mkv"] = clips.make("clip_h264.mkv", 60, X264 + ["-bf", "2", "-g", "20"])
    made["ts"] = clips.make("clip_h264.ts", 60, X264 + ["-bf", "2", "-g", "20"])
    made["open_gop"] = clips.make("clip_h264_open_gop.ts", 120, X264 + ["-bf", "3", "-g", "12", "-x264-params", "open-gop=1:scenecut=0"])
    clips.make("clip_h264_ntsc.mp4", 60, X264 + ["-g", "15"], rate="30000/1001", times_ms=[i * 1001 / 30 for i in range(60)])
    made["fragmented"] = clips.make("clip_h264_fragmented.mp4", 60, X264 + ["-g", "10", "-movflags", "frag_keyframe+empty_moov+default_base_moof"])
    clips.make("clip_h264_one_key_frame.mp4", 200, X264 + ["-g", "1000", "-sc_threshold", "0", *fast])
    clips.make("clip_h264_10_bit.mp4", 20, X264 + ["-pix_fmt", "yuv420p10le"])
    clips.make("clip_h264_444.mkv", 20, X264 + ["-pix_fmt", "yuv444p"])
    clips.make("clip_hevc.mp4", 40, ["-c:v", "libx265", "-preset", "ultrafast", "-g", "20", "-x265-params", "log-level=none:pools=none:frame-threads=1:bframes=3"])
    deep = "log-level=none:pools=none:frame-threads=1:bframes=6:open-gop=1:keyint=30:min-keyint=30"
    for suffix in ("mkv", "mp4"):
        clips.make(f"clip_hevc_open_gop.{suffix}", 120, ["-c:v", "libx265", "-preset", "superfast", "-x265-params", deep])
    clips.make("clip_h264_pyramid.mkv", 120, X264 + ["-bf", "8", "-g", "40", "-x264-params", "open-gop=1:b-pyramid=normal:ref=5:scenecut=0"])
    vp = ["-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-g", "20"]
    made["webm"] = clips.make("clip_vp9.webm", 40, ["-c:v", "libvpx-vp9", *vp])
    clips.make("clip_vp8.webm", 40, ["-c:v", "libvpx", "-auto-alt-ref", "0", *vp])
    clips.make("clip_av1.mkv", 16, ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "8"])
    clips.make("clip_av1.mp4", 16, ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-lag-in-frames", "8"])
    clips.make("clip_mpeg4.mp4", 40, ["-c:v", "mpeg4", "-bf", "2", "-q:v", "4"])
    clips.make("clip_mjpeg.mov", 20, ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "3"])
    clips.make("clip_gif.gif", 20, ["-f", "gif"], rate=10)
    # Variable rate: the gaps grow, with a pause of two seconds in the middle.
    vary = lambda i: i * 20 + i * i * 3 + (2000 if i >= 20 else 0)
    expression = "settb=1/1000,setpts='N*20+N*N*3+2000*gte(N,20)'"
    uneven = ["-vf", expression, "-fps_mode", "passthrough", "-enc_time_base", "1/1000"]
    times = [vary(i) for i in range(40)]
    clips.make("clip_variable_rate.mkv", 40, uneven + X264 + ["-g", "12"], times_ms=times)
    clips.make("clip_variable_rate.mp4", 40, uneven + X264 + ["-g", "12", "-video_track_timescale", "1000"], times_ms=times)
    slow = ["-vf", "settb=1/1000,setpts=N*60000", "-fps_mode", "passthrough", "-enc_time_base", "1/1000"]
    clips.make("clip_a_frame_a_minute.mkv", 30, slow + X264, times_ms=[i * 60000 for i in range(30)])
    # Starts at 100 s: times count from the first frame.
    late = ["-vf", "settb=1/1000,setpts=100000+N*40", "-fps_mode", "passthrough", "-enc_time_base", "1/1000"]
    clips.make("clip_late_start.mkv", 30, late + X264 + ["-copyts"])
    sound = ["-f", "lavfi", "-i", "sine=duration=2.4"]
    both = source() + sound + X264 + ["-c:a", "aac", "-b:a", "32k", "-shortest"]
    data = ffmpeg(both, cases.path("clip_with_sound.mp4"), b"".join(picture(i) for i in range(60)))
    clips.make("clip_with_sound.mp4", 60, [], data=data, has_audio=True)
    # 15 minutes with a key frame every 25 s, for seeks.
    clips.make("clip_15_minutes.mp4", 9000, ["-c:v", "libx264", "-preset", "ultrafast", "-g", "250", "-sc_threshold", "0", *fast], rate=10, probe=False)
    # The clock of a transport stream jumps back in the middle: the second part continues the first.
    joined = made["ts"] + made["ts"]
    clips.make("clip_clock_jumps_back.ts", 60, [], data=joined, probe=False, repeats=2)
    return made
