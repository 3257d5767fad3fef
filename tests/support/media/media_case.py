"""What every maker of cases shares: the list of cases, the test pattern, and the ffmpeg program."""

import json
import os
import subprocess

CELL = 8
WRONG = "INVALID_ARGUMENT"
COSTLY = "RESOURCE_EXHAUSTED"


class Cases:
    """Writes media files into a folder and remembers what a decoder must say about each."""

    def __init__(self, folder):
        self.folder = folder
        self._cases = []
        self._written = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, data):
        if self._written.setdefault(name, data) != data:
            raise ValueError("two files named " + name)
        with open(self.path(name), "wb") as out:
            out.write(data)

    def good(self, kind, name, data, size, pixels=(), tolerance=0, **more):
        """size: upright (width, height). pixels: [x, y, r, g, b] of the upright picture (of a video: its first frame)."""
        self._write(name, data)
        case = {"file": name, "kind": kind, "code": "OK", "reason": "", "width": size[0], "height": size[1]}
        self._cases.append(case | {"pixels": [list(p) for p in pixels], "tolerance": tolerance} | more)

    def bad(self, kind, name, data, reason, code=WRONG):
        self._write(name, data)
        self._cases.append({"file": name, "kind": kind, "code": code, "reason": reason})

    def save(self):
        cases = sorted(self._cases, key=lambda c: (c["kind"], c["file"]))
        with open(self.path("manifest.json"), "w", encoding="utf-8") as out:
            json.dump({"cases": cases}, out, indent=1)
            out.write("\n")
        return len(cases)


def grid(columns=6, rows=4):
    """[rows][columns] colours, all different, none near black or white."""
    return [[((x * 53 + y * 29 + 40) % 200 + 30, (x * 17 + y * 71 + 90) % 200 + 30, (x * 97 + y * 13 + 10) % 200 + 30)
             for x in range(columns)] for y in range(rows)]


def enlarge(cells, width=None, height=None, cell=CELL):
    """[H][W] colours of `cell` pixels each, cropped to width x height."""
    width, height = width or len(cells[0]) * cell, height or len(cells) * cell
    return [[cells[y // cell][x // cell] for x in range(width)] for y in range(height)]


def centres(cells, cell=CELL):
    return [(x * cell + cell // 2, y * cell + cell // 2, *colour) for y, row in enumerate(cells) for x, colour in enumerate(row)]


def raw(rows, channels="bgra"):
    at = {"r": 0, "g": 1, "b": 2, "a": 3}
    out = bytearray()
    for row in rows:
        for colour in row:
            full = tuple(colour) + (255,) if len(colour) == 3 else colour
            out += bytes(full[at[c]] for c in channels)
    return bytes(out)


def ffmpeg(arguments, out, data=None):
    """Runs ffmpeg so that the same arguments give the same bytes, and returns the file it wrote."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y"] if data is None else ["ffmpeg", "-v", "error", "-y"]
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-threads", "1"]
    done = subprocess.run(command + arguments + exact + [out], input=data, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(" ".join(arguments) + "\n" + done.stderr.decode(errors="replace"))
    with open(out, "rb") as written:
        return written.read()
