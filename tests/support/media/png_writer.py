"""PNG and APNG files of any colour type, depth and interlacing."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, body=b"", crc=None):
    right = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", right if crc is None else crc)


def header(width, height, colour, depth, interlaced=False):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))


def _row(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in samples)
    if depth == 8:
        return bytes(samples)
    out, per_byte = bytearray(), 8 // depth
    for at in range(0, len(samples), per_byte):
        part = samples[at : at + per_byte]
        part = list(part) + [0] * (per_byte - len(part))
        value = 0
        for s in part:
            value = value << depth | s
        out.append(value)
    return bytes(out)


def pixels(rows, colour, depth, interlaced=False):
    """rows: [H][W] tuples of samples -> filtered and deflated data (filter types alternate 0 and 2)."""
    del colour
    raw = bytearray()
    height, width = len(rows), len(rows[0])
    for x0, y0, dx, dy in _PASSES if interlaced else [(0, 0, 1, 1)]:
        previous = None
        for n, y in enumerate(range(y0, height, dy)):
            flat = [s for x in range(x0, width, dx) for s in rows[y][x]]
            if not flat:
                continue
            packed = _row(flat, depth)
            if n % 2 and previous is not None:
                raw += b"\2" + bytes(a - b & 255 for a, b in zip(packed, previous))
            else:
                raw += b"\0" + packed
            previous = packed
    return zlib.compress(bytes(raw), 9)


def png(rows, colour, depth=8, interlaced=False, before=b"", after=b"", data=None, size=None):
    width, height = size or (len(rows[0]), len(rows))
    data = pixels(rows, colour, depth, interlaced) if data is None else data
    return (
        SIGNATURE + header(width, height, colour, depth, interlaced) + before + chunk(b"IDAT", data) + after + chunk(b"IEND")
    )


def apng(frames, first_is_hidden=False):
    """frames: list of RGB rows; with first_is_hidden the still picture is no part of the animation."""
    width, height = len(frames[0][0]), len(frames[0])
    shown = len(frames) - int(first_is_hidden)
    out = SIGNATURE + header(width, height, RGB, 8) + chunk(b"acTL", struct.pack(">II", shown, 0))
    sequence = 0
    for n, rows in enumerate(frames):
        if n or not first_is_hidden:
            control = struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, 1, 10, 0, 0)
            out += chunk(b"fcTL", control)
            sequence += 1
        data = pixels(rows, RGB, 8)
        if n == 0:
            out += chunk(b"IDAT", data)
        else:
            out += chunk(b"fdAT", struct.pack(">I", sequence) + data)
            sequence += 1
    return out + chunk(b"IEND")
