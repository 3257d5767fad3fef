"""GIF files: stills, animations, interlacing, transparency."""

import struct


def _lzw(indices, bits):
    clear, end = 1 << bits, (1 << bits) + 1
    table, width, out, value, count = {}, bits + 1, bytearray(), 0, 0

    def put(code):
        nonlocal value, count
        value |= code << count
        count += width
        while count >= 8:
            out.append(value & 255)
            value >>= 8
            count -= 8

    put(clear)
    table, following = {(i,): i for i in range(clear)}, end + 1
    run = ()
    for i in indices:
        longer = run + (i,)
        if longer in table:
            run = longer
            continue
        put(table[run])
        if following < 4096:
            table[longer] = following
            if following == 1 << width and width < 12:
                width += 1
            following += 1
        else:
            put(clear)
            table, following, width = {(k,): k for k in range(clear)}, end + 1, bits + 1
        run = (i,)
    put(table[run])
    put(end)
    if count:
        out.append(value & 255)
    return bytes(out)


def blocks(data):
    out = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return out + b"\0"


def _interlaced(height):
    return [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, height, step)]


def frame(rows, x=0, y=0, delay=0, transparent=None, disposal=0, interlaced=False, palette=None, bits=None, data=None):
    """rows: [H][W] palette indices. delay in hundredths of a second."""
    height, width = len(rows), len(rows[0])
    flags = disposal << 2 | int(transparent is not None)
    out = b"\x21\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0"
    local = 0
    if palette:
        local = 0x80 | (len(palette).bit_length() - 2)
    out += b"\x2c" + struct.pack("<HHHHB", x, y, width, height, local | (0x40 if interlaced else 0))
    for colour in palette or []:
        out += bytes(colour)
    bits = bits or 4
    order = _interlaced(height) if interlaced else range(height)
    packed = _lzw([i for n in order for i in rows[n]], bits) if data is None else data
    return out + bytes([bits]) + blocks(packed)


def gif(width, height, palette, frames, loop=None, version=b"89a", trailer=True):
    """palette: 2^n colours; loop: repeats, 0 for ever."""
    out = b"GIF" + version + struct.pack("<HHBBB", width, height, 0x80 | 0x70 | (len(palette).bit_length() - 2), 0, 0)
    for colour in palette:
        out += bytes(colour)
    if loop is not None:
        out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0"
    return out + b"".join(frames) + (b"\x3b" if trailer else b"")
