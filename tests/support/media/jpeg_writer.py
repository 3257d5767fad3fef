"""JPEG files of flat 8x8 blocks, made by hand so that every byte of them is chosen.

With a quantiser of 8 the DC coefficient is the sample minus 128, so decoded samples are exactly what was asked for.
"""

import struct

_DC_BITS = 4  # nine categories, all with codes of four bits
_RUN_BITS = 4  # fifteen end-of-band runs, likewise


def segment(marker, body=b""):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def exif(orientation, order="<", entry_type=3):
    mark = b"II" if order == "<" else b"MM"
    ifd = struct.pack(order + "HHHIHHI", 1, 0x0112, entry_type, 1, orientation, 0, 0)
    return mark + struct.pack(order + "HI", 42, 8) + ifd


def app_exif(tiff):
    return segment(0xE1, b"Exif\0\0" + tiff)


def app_adobe(transform):
    return segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform))


class _Bits:
    def __init__(self):
        self._out = bytearray()
        self._value = 0
        self._count = 0

    def put(self, value, count):
        self._value = self._value << count | value
        self._count += count
        while self._count >= 8:
            self._count -= 8
            byte = self._value >> self._count & 0xFF
            self._out.append(byte)
            if byte == 0xFF:
                self._out.append(0)
        self._value &= (1 << self._count) - 1

    def take(self):
        if self._count:
            self.put((1 << 8 - self._count) - 1, 8 - self._count)
        out, self._out = bytes(self._out), bytearray()
        return out


def _put_dc(bits, diff):
    category = abs(diff).bit_length()
    bits.put(category, _DC_BITS)
    if category:
        bits.put(diff if diff > 0 else diff + (1 << category) - 1, category)


def _tables():
    dqt = segment(0xDB, bytes([0]) + bytes([8] * 64))
    dc = bytes([0x00, 0, 0, 0, 9] + [0] * 12) + bytes(range(9))
    end_only = bytes([0x10, 1] + [0] * 15) + bytes([0])
    runs = bytes([0x11, 0, 0, 0, 15] + [0] * 12) + bytes(r << 4 for r in range(15))
    return dqt + segment(0xC4, dc) + segment(0xC4, end_only) + segment(0xC4, runs)


def _frame(marker, width, height, ids, precision=8):
    body = struct.pack(">BHHB", precision, height, width, len(ids))
    return segment(marker, body + b"".join(bytes([i, 0x11, 0]) for i in ids))


def _scan(ids, table, start, end, high, low):
    parts = b"".join(bytes([i, table]) for i in ids)
    return segment(0xDA, bytes([len(ids)]) + parts + bytes([start, end, high << 4 | low]))


def _baseline(planes, ids, restart):
    bits, out, predicted = _Bits(), b"", [0] * len(ids)
    for n in range(len(planes[0])):
        if restart and n and n % restart == 0:
            out += bits.take() + bytes([0xFF, 0xD0 + (n // restart - 1) % 8])
            predicted = [0] * len(ids)
        for c, plane in enumerate(planes):
            dc = plane[n] - 128
            _put_dc(bits, dc - predicted[c])
            predicted[c] = dc
            bits.put(0, 1)  # end of block
    return _scan(ids, 0x00, 0, 63, 0, 0) + out + bits.take()


def empty_ac_scan(component, blocks):
    bits = _Bits()
    while blocks:
        run = min(blocks, 32767)
        exponent = run.bit_length() - 1
        bits.put(exponent, _RUN_BITS)
        bits.put(run - (1 << exponent), exponent)
        blocks -= run
    return _scan([component], 0x01, 1, 63, 0, 0) + bits.take()


def _progressive(planes, ids, extra_scans):
    bits, predicted = _Bits(), [0] * len(ids)
    for n in range(len(planes[0])):
        for c, plane in enumerate(planes):
            dc = (plane[n] - 128) >> 1
            _put_dc(bits, dc - predicted[c])
            predicted[c] = dc
    out = _scan(ids, 0x00, 0, 0, 0, 1) + bits.take()
    for i in ids:
        out += empty_ac_scan(i, len(planes[0]))
    for n in range(len(planes[0])):
        for plane in planes:
            bits.put(plane[n] - 128 & 1, 1)
    out += _scan(ids, 0x00, 0, 0, 1, 0) + bits.take()
    return out + empty_ac_scan(ids[0], len(planes[0])) * extra_scans


def jpeg(planes, width, height, ids=None, apps=b"", progressive=False, restart=0, extra_scans=0, precision=8, sof=None):
    """planes: one list of samples per component, a sample per 8x8 block in row order."""
    ids = ids or list(range(1, len(planes) + 1))
    out = b"\xff\xd8" + apps + _tables()
    out += _frame(sof or (0xC2 if progressive else 0xC0), width, height, ids, precision)
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    out += _progressive(planes, ids, extra_scans) if progressive else _baseline(planes, ids, restart)
    return out + b"\xff\xd9"


def ycc(colour):
    r, g, b = colour
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return round(y), round(128 + 0.564 * (b - y)), round(128 + 0.713 * (r - y))


def planes_of(grid, convert=lambda colour: colour):
    cells = [convert(colour) for row in grid for colour in row]
    return [[cell[c] for cell in cells] for c in range(len(cells[0]))]
