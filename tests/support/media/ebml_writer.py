"""Matroska files around given blocks."""

import struct


def element(identifier, *parts, size=None):
    body = b"".join(parts)
    return bytes.fromhex(identifier) + (struct.pack(">Q", 1 << 56 | len(body)) if size is None else size) + body


def uint(identifier, value):
    return element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def text(identifier, value):
    return element(identifier, value.encode())


def float64(identifier, value):
    return element(identifier, struct.pack(">d", value))


UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


def _block(time, data, key=True):
    return element("a3", b"\x81" + struct.pack(">hB", time, 0x80 if key else 0), data)


def matroska(blocks, width, height, codec="V_MJPEG", scale=1_000_000, duration=None, track=b"", sizes=True, live=False):
    """blocks: [(time in units of scale, bytes)], each in a cluster of its own so that any time fits."""
    head = element("1a45dfa3", uint("4286", 1), uint("42f7", 1), uint("42f2", 4), uint("42f3", 8), text("4282", "matroska"), uint("4287", 4), uint("4285", 2))
    info = element("1549a966", uint("2ad7b1", scale), float64("4489", duration) if duration is not None else b"", text("4d80", "t"), text("5741", "t"))
    video = element("e0", uint("b0", width), uint("ba", height)) if sizes else b""
    entry = element("ae", uint("d7", 1), uint("73c5", 1), uint("83", 1), text("86", codec), video, track)
    body = info + element("1654ae6b", entry)
    for time, data in blocks:
        body += element("1f43b675", uint("e7", time), _block(0, data), size=UNKNOWN_SIZE if live else None)
    return head + element("18538067", body, size=UNKNOWN_SIZE if live else None)
