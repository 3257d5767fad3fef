"""MP4 and QuickTime files around given samples; every table can be made to lie."""

import struct
from dataclasses import dataclass, field

UPRIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind, *parts, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


@dataclass
class Movie:
    samples: list
    width: int
    height: int
    timescale: int = 1000
    delta: int = 100
    entry: bytes = b"jpeg"
    entry_boxes: bytes = b""
    matrix: tuple = UPRIGHT
    declared_samples: int = None
    declared_size: int = 0  # one size for all samples where not 0
    offset: int = None  # of the only chunk; None is right
    duration: int = None
    ctts: list = None
    edits: list = None  # (duration, media time)
    dref: bytes = None
    tracks: int = 1
    index_first: bool = True
    moov_tail: bytes = b""
    stts: list = None
    fields: dict = field(default_factory=dict)


def _sample_table(m, offset):
    entry = struct.pack(">6xH16xHHII4xH32xHh", 1, m.width & 0xFFFF, m.height & 0xFFFF, 0x480000, 0x480000, 1, 24, -1)
    stsd = full(b"stsd", struct.pack(">I", 1), box(m.entry, entry, m.entry_boxes))
    stts = m.stts if m.stts is not None else [(len(m.samples), m.delta)]
    out = stsd + full(b"stts", struct.pack(">I", len(stts)), *[struct.pack(">II", *e) for e in stts])
    if m.ctts:
        out += full(b"ctts", struct.pack(">I", len(m.ctts)), *[struct.pack(">Ii", *e) for e in m.ctts], version=1)
    count = len(m.samples) if m.declared_samples is None else m.declared_samples
    chunks = 1 if count else 0
    out += full(b"stsc", struct.pack(">I", chunks), struct.pack(">III", 1, count, 1) * chunks)
    sizes = b"" if m.declared_size else struct.pack(">%dI" % len(m.samples), *map(len, m.samples))
    out += full(b"stsz", struct.pack(">II", m.declared_size, count), sizes)
    return out + full(b"stco", struct.pack(">I", chunks), struct.pack(">I", offset) * chunks)


def _track(m, number, offset):
    length = len(m.samples) * m.delta if m.duration is None else m.duration
    length = min(length, 0xFFFFFFFF)
    tkhd = full(
        b"tkhd",
        struct.pack(">IIIII8xhhhH", 0, 0, number, 0, length, 0, 0, 0, 0),
        struct.pack(">9i", *m.matrix),
        struct.pack(">II", (m.width & 0xFFFF) << 16, (m.height & 0xFFFF) << 16),
        flags=7,
    )
    out = tkhd
    if m.edits:
        out += box(b"edts", full(b"elst", struct.pack(">I", len(m.edits)), *[struct.pack(">IiI", d, t, 0x10000) for d, t in m.edits]))
    mdhd = full(b"mdhd", struct.pack(">IIIIHH", 0, 0, m.timescale, length, 0, 0))
    hdlr = full(b"hdlr", b"\0\0\0\0vide" + bytes(12) + b"\0")
    dref = m.dref or full(b"url ", flags=1)
    dinf = box(b"dinf", full(b"dref", struct.pack(">I", 1), dref))
    stbl = box(b"stbl", _sample_table(m, offset))
    minf = box(b"minf", full(b"vmhd", bytes(8), flags=1), dinf, stbl)
    return box(b"trak", out, box(b"mdia", mdhd, hdlr, minf))


def _moov(m, offset):
    length = len(m.samples) * m.delta if m.duration is None else m.duration
    mvhd = full(
        b"mvhd",
        struct.pack(">IIIIIH10x", 0, 0, m.timescale, min(length, 0xFFFFFFFF), 0x10000, 0x100),
        struct.pack(">9i", *UPRIGHT),
        bytes(24),
        struct.pack(">I", m.tracks + 1),
    )
    return box(b"moov", mvhd, *[_track(m, n + 1, offset) for n in range(m.tracks)], m.moov_tail)


def movie(samples, width, height, **options):
    m = Movie(samples, width, height, **options)
    head = box(b"ftyp", b"qt  \0\0\2\0qt  ")
    mdat = box(b"mdat", *samples)
    if not m.index_first:
        offset = len(head) + 8 if m.offset is None else m.offset
        return head + mdat + _moov(m, offset)
    offset = len(head) + len(_moov(m, 0)) + 8 if m.offset is None else m.offset
    return head + _moov(m, offset) + mdat


def find(data, path, start=0, end=None):
    """(start, end) of the box reached by `path`, e.g. b'moov/trak/tkhd'; the first of each kind."""
    end = len(data) if end is None else end
    first, _, rest = path.partition(b"/")
    at = start
    while at + 8 <= end:
        size = struct.unpack_from(">I", data, at)[0] or end - at
        if data[at + 4 : at + 8] == first:
            return find(data, rest, at + 8, at + size) if rest else (at, at + size)
        at += size
    raise KeyError(path)


def with_matrix(data, matrix):
    at, end = find(data, b"moov/trak/tkhd")
    return data[: end - 44] + struct.pack(">9i", *matrix) + data[end - 8 :]
