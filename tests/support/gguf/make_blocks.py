"""Writes tests/golden/gguf/blocks.gguf: random blocks of each type (<type>.raw) beside the values that the
format's definition gives them (<type>.expected), and a metadata key of every type. Plain Python, one value at a
time, sharing nothing with the C++ reader. Usage: make_blocks.py OUT"""
import random
import struct
import sys


def half(b, at):
    return struct.unpack_from("<e", b, at)[0]


def q4_0(b):
    nibbles = [x & 15 for x in b[2:18]] + [x >> 4 for x in b[2:18]]
    return [half(b, 0) * (q - 8) for q in nibbles]


def q8_0(b):
    return [half(b, 0) * q for q in struct.unpack_from("<32b", b, 2)]


def q4_k(b):
    # Scales A-H and mins a-h, six bits each, in twelve bytes:
    # EEAAAAAA FFBBBBBB GGCCCCCC HHDDDDDD eeaaaaaa ffbbbbbb ggcccccc hhdddddd eeeeEEEE ffffFFFF ggggGGGG hhhhHHHH
    s = b[4:16]
    scales = [s[i] & 63 for i in range(4)] + [(s[8 + i] & 15) + 16 * (s[i] >> 6) for i in range(4)]
    mins = [s[4 + i] & 63 for i in range(4)] + [(s[8 + i] >> 4) + 16 * (s[4 + i] >> 6) for i in range(4)]
    out = []
    for pair in range(4):
        q = b[16 + 32 * pair:48 + 32 * pair]
        for high in (0, 1):
            i = 2 * pair + high
            out += [half(b, 0) * scales[i] * (x >> 4 if high else x & 15) - half(b, 2) * mins[i] for x in q]
    return out


def q6_k(b):
    scales = struct.unpack_from("<16b", b, 192)
    codes = []
    for part in range(2):
        low, high = b[64 * part:64 * part + 64], b[128 + 32 * part:160 + 32 * part]
        nibbles = [x & 15 for x in low] + [x >> 4 for x in low]
        codes += [nibbles[i] + 16 * (high[i % 32] >> 2 * (i // 32) & 3) for i in range(128)]
    return [half(b, 208) * scales[i // 16] * (q - 32) for i, q in enumerate(codes)]


def f16(b):
    return [half(b, 0)]


def bf16(b):
    return [struct.unpack("<f", b"\0\0" + b)[0]]


# name: (GGUF number, values and bytes of a block, offsets of its halves, blocks in a row, decoder)
TYPES = {"q4_0": (2, 32, 18, [0], 4, q4_0), "q8_0": (8, 32, 34, [0], 4, q8_0), "q4_k": (12, 256, 144, [0, 2], 2, q4_k),
         "q6_k": (14, 256, 210, [208], 2, q6_k), "f16": (1, 1, 2, [], 64, f16), "bf16": (30, 1, 2, [], 64, bf16)}


def text(s):
    s = s.encode()
    return struct.pack("<Q", len(s)) + s


def metadata():
    def key(name, kind, value):
        return text("test." + name) + struct.pack("<I", kind) + value
    numbers = [("u8", 0, "<B", 255), ("i8", 1, "<b", -128), ("u16", 2, "<H", 65535), ("i16", 3, "<h", -300),
               ("u32", 4, "<I", 4000000000), ("i32", 5, "<i", -7), ("f32", 6, "<f", 0.25), ("bool", 7, "<B", 1),
               ("u64", 10, "<Q", 1 << 40), ("i64", 11, "<q", -(1 << 40)), ("f64", 12, "<d", 1e-300)]
    keys = [key(name, kind, struct.pack(form, value)) for name, kind, form, value in numbers]
    keys.append(key("text", 8, text("h\u00e9llo")))
    strings = ["a", "", "\u4e16\u754c"]
    keys.append(key("strings", 9, struct.pack("<IQ", 8, 3) + b"".join(map(text, strings))))
    keys.append(key("ints", 9, struct.pack("<IQ3i", 5, 3, 1, -2, 3)))
    keys.append(key("floats", 9, struct.pack("<IQ2f", 6, 2, 0.5, -1.5)))
    return len(keys), b"".join(keys)


def main():
    rng = random.Random(20261)
    infos, data, count = b"", b"", 0

    def add(name, kind, columns, body):
        nonlocal infos, data, count
        infos += text(name) + struct.pack("<IQQIQ", 2, columns, 2, kind, len(data))
        data += body + bytes(-len(body) % 32)
        count += 1

    for name, (kind, values, size, halves, blocks, decode) in TYPES.items():
        raw, expected = b"", []
        for _ in range(2 * blocks):
            b = bytearray(rng.randrange(256) for _ in range(size))
            for at in halves:
                struct.pack_into("<e", b, at, rng.uniform(-0.05, 0.05))
            if not halves:
                b[1] &= 0xBF  # finite
            raw += bytes(b)
            expected += decode(bytes(b))
        add(name + ".raw", kind, blocks * values, raw)
        add(name + ".expected", 0, blocks * values, struct.pack("<%df" % len(expected), *expected))
    keys, pairs = metadata()
    head = b"GGUF" + struct.pack("<IQQ", 3, count, keys) + pairs + infos
    with open(sys.argv[1], "wb") as f:
        f.write(head + bytes(-len(head) % 32) + data)


if __name__ == "__main__":
    main()
