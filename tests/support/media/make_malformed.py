#!/usr/bin/env python3
"""Writes media files, sound and broken, and manifest.json with what a decoder must say about each.

    make_malformed.py FOLDER

Needs Python 3 and the ffmpeg programs, nothing else. The same files come out each time. Entries of the manifest:

    file, kind (image or video), code (gRPC's name), reason ("" where code is OK)
    of those that are OK: width, height (upright, as declared); pixels [[x, y, r, g, b]] with tolerance; for some
    frames_ms (times of the frames of a clip that shows their numbers, see clips.py), frames_count, source_size,
    changes_size, has_audio, repeats, and `either`: a reason that is as right as OK
"""

import hashlib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import clips  # noqa: E402
import image_cases  # noqa: E402
import video_cases  # noqa: E402
from media_case import Cases  # noqa: E402


def fingerprint():
    digest = hashlib.sha256()
    here = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(n for n in os.listdir(here) if n.endswith(".py")):
        with open(os.path.join(here, name), "rb") as source:
            digest.update(source.read())
    return digest.hexdigest()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    stamp, mark = os.path.join(folder, "made_by"), fingerprint()
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as made:
            if made.read() == mark:
                print("up to date")
                return
    cases = Cases(folder)
    image_cases.add(cases)
    video_cases.add(cases, clips.add(cases))
    print(cases.save(), "files")
    for scratch in ("scratch", "scratch.webp"):
        if os.path.exists(cases.path(scratch)):
            os.remove(cases.path(scratch))
    with open(stamp, "w", encoding="ascii") as made:
        made.write(mark)


if __name__ == "__main__":
    main()
