"""Pictures: every form that must decode, and every way in which one can be broken."""

import struct
import zlib

import gif_writer as gif
import jpeg_writer as jpg
import png_writer as png
from media_case import CELL, centres, enlarge, ffmpeg, grid, raw

SIZE = (48, 32)
# EXIF 2.3, tag 274: on which visual side the stored row 0 and column 0 lie.
_ROW0 = {1: "top", 2: "top", 3: "bottom", 4: "bottom", 5: "left", 6: "right", 7: "right", 8: "left"}
_COLUMN0 = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}


def stored_for(upright, orientation):
    """The picture to store so that a viewer that honours `orientation` shows `upright`."""
    height, width = len(upright), len(upright[0])

    def place(side, n):
        return {"top": (None, n), "bottom": (None, height - 1 - n), "left": (n, None), "right": (width - 1 - n, None)}[side]

    turned = orientation >= 5
    rows, columns = (width, height) if turned else (height, width)
    out = []
    for r in range(rows):
        row = []
        for c in range(columns):
            x1, y1 = place(_ROW0[orientation], r)
            x2, y2 = place(_COLUMN0[orientation], c)
            row.append(upright[y1 if y2 is None else y2][x1 if x2 is None else x2])
        out.append(row)
    return out


def jpeg_of(cells, size=None, **options):
    width, height = size or (len(cells[0]) * CELL, len(cells) * CELL)
    return jpg.jpeg(jpg.planes_of(cells, jpg.ycc), width, height, **options)


def jpegs(cases):
    cells = grid()
    spots = centres(cells)
    plain = jpeg_of(cells)
    ok = lambda name, data, size=SIZE, pixels=tuple(spots), tolerance=3: cases.good("image", name, data, size, pixels, tolerance)
    ok("jpeg_baseline.jpg", plain)
    ok("jpeg_progressive.jpg", jpeg_of(cells, progressive=True))
    ok("jpeg_restarts.jpg", jpeg_of(cells, restart=3))
    ok("jpeg_odd_size.jpg", jpeg_of(cells, size=(43, 29)), (43, 29))
    ok("jpeg_trailing_bytes.jpg", plain + b"\0" * 999)
    ok("jpeg_stray_bytes_between_segments.jpg", plain[:71] + b"\0\0\0" + plain[71:])
    ok("jpeg_named_png.png", plain)
    rgb = jpg.jpeg(jpg.planes_of(cells), *SIZE, ids=[ord(c) for c in "RGB"])
    ok("jpeg_rgb.jpg", rgb, tolerance=0)
    grey = [[(sum(c) // 3,) for c in row] for row in cells]
    shown = [[c * 3 for c in row] for row in grey]
    ok("jpeg_grey.jpg", jpg.jpeg(jpg.planes_of(grey), *SIZE), pixels=centres(shown), tolerance=0)
    ink = [[(*c, 255 - 20 * (n % 4)) for n, c in enumerate(row)] for row in cells]
    paper = [[tuple(round(v * c[3] / 255) for v in c[:3]) for c in row] for row in ink]
    cmyk = lambda apps, **o: jpg.jpeg(jpg.planes_of(ink), *SIZE, apps=apps, **o)
    ok("jpeg_cmyk.jpg", cmyk(jpg.app_adobe(0)), pixels=centres(paper), tolerance=1)
    ok("jpeg_cmyk_progressive.jpg", cmyk(jpg.app_adobe(0), progressive=True), pixels=centres(paper), tolerance=1)
    ok("jpeg_cmyk_without_adobe.jpg", cmyk(b""), pixels=centres(paper), tolerance=1)
    # YCCK holds the YCC of the inks' complement beside K.
    ycck = jpg.planes_of(ink, lambda c: (*jpg.ycc(tuple(255 - v for v in c[:3])), c[3]))
    ok("jpeg_ycck.jpg", jpg.jpeg(ycck, *SIZE, apps=jpg.app_adobe(2)), pixels=centres(paper), tolerance=4)
    for n in range(1, 9):
        stored = stored_for(cells, n)
        ok(f"jpeg_exif_{n}.jpg", jpeg_of(stored, apps=jpg.app_exif(jpg.exif(n))))
        ok(f"jpeg_exif_{n}_big_endian.jpg", jpeg_of(stored, apps=jpg.app_exif(jpg.exif(n, order=">"))))
    ok("jpeg_exif_9.jpg", jpeg_of(cells, apps=jpg.app_exif(jpg.exif(9))))
    ok("jpeg_exif_wrong_type.jpg", jpeg_of(cells, apps=jpg.app_exif(jpg.exif(6, entry_type=4))))
    ok("jpeg_exif_cut.jpg", jpeg_of(cells, apps=jpg.app_exif(jpg.exif(6)[:15])))
    ok("jpeg_exif_wild_offset.jpg", jpeg_of(cells, apps=jpg.app_exif(b"II*\0\xff\xff\xff\xff")))
    ok("jpeg_smallest.jpg", jpeg_of([[cells[0][0]]], size=(4, 4)), (4, 4), [(2, 2, *cells[0][0])])
    bad_jpegs(cases, cells, plain)


def bad_jpegs(cases, cells, plain):
    bad = lambda name, data, reason: cases.bad("image", name, data, reason)
    scan = plain.index(b"\xff\xda")
    for at in (3, 4, 20, scan - 5, scan + 1, scan + 10, scan + 20, len(plain) - 10, len(plain) - 2, len(plain) - 1):
        bad(f"jpeg_cut_at_{at:04}.jpg", plain[:at], "IMAGE_TRUNCATED")
    progressive = jpeg_of(cells, progressive=True)
    for part in (3, 6, 9):
        bad(f"jpeg_progressive_cut_{part}.jpg", progressive[: len(progressive) * part // 10], "IMAGE_TRUNCATED")
    bad("jpeg_two_bytes.jpg", plain[:2], "IMAGE_UNSUPPORTED_FORMAT")
    bad("jpeg_65535x65535.jpg", jpeg_of(cells, size=(65535, 65535)), "IMAGE_TOO_LARGE")
    bad("jpeg_16000x16000.jpg", jpeg_of(cells, size=(16000, 16000)), "IMAGE_TOO_LARGE")
    # Within the limits, but with data for a corner only.
    bad("jpeg_4000x4000_of_24_blocks.jpg", jpeg_of(cells, size=(4000, 4000)), "IMAGE_TRUNCATED")
    bad("jpeg_zero_width.jpg", jpeg_of(cells, size=(0, 32)), "IMAGE_TOO_SMALL")
    bad("jpeg_zero_height.jpg", jpeg_of(cells, size=(48, 0)), "IMAGE_TOO_SMALL")
    bad("jpeg_1x1.jpg", jpeg_of([[cells[0][0]]], size=(1, 1)), "IMAGE_TOO_SMALL")
    bad("jpeg_many_scans.jpg", jpeg_of(cells, progressive=True, extra_scans=200), "IMAGE_UNSUPPORTED_FORMAT")
    bad("jpeg_12_bit.jpg", jpeg_of(cells, precision=12), "IMAGE_UNSUPPORTED_FORMAT")
    bad("jpeg_lossless_frame.jpg", jpeg_of(cells, sof=0xC3), "IMAGE_UNSUPPORTED_FORMAT")
    two = jpg.jpeg(jpg.planes_of(cells)[:2], *SIZE)
    bad("jpeg_two_components.jpg", two, "IMAGE_UNSUPPORTED_FORMAT")
    bad("jpeg_no_frame_header.jpg", plain[:2] + plain[scan:], "IMAGE_CORRUPT")
    bad("jpeg_end_after_start.jpg", b"\xff\xd8\xff\xd9", "IMAGE_CORRUPT")
    huffman = plain.index(b"\xff\xc4")
    # The library falls back to the tables of motion JPEG, by which the data end early.
    bad("jpeg_without_tables.jpg", plain[:huffman] + plain[plain.index(b"\xff\xc0") :], "IMAGE_TRUNCATED")
    bad("jpeg_segment_length_1.jpg", plain[:2] + b"\xff\xe0\0\1" + plain[2:], "IMAGE_CORRUPT")
    data = bytearray(plain)
    data[scan + 20 : scan + 40] = b"\xff\xff\xff\x55\xee" * 4
    bad("jpeg_overwritten_scan.jpg", bytes(data), "IMAGE_TRUNCATED")
    data[scan + 20 :] = b"\xfe\xed" * 40
    bad("jpeg_codes_that_are_none.jpg", bytes(data), "IMAGE_CORRUPT")


def pngs(cases):
    cells = grid()
    rgb = enlarge(cells)
    spots = centres(cells)
    ok = lambda name, data, size=SIZE, pixels=tuple(spots), tolerance=0: cases.good("image", name, data, size, pixels, tolerance)
    for interlaced in (False, True):
        tail = "_interlaced.png" if interlaced else ".png"
        ok("png_rgb8" + tail, png.png(rgb, png.RGB, 8, interlaced))
        # 16 bits that round to the 8-bit value.
        deep = [[tuple(v * 257 + 100 for v in c) for c in row] for row in rgb]
        ok("png_rgb16" + tail, png.png(deep, png.RGB, 16, interlaced))
        clear = [[(*c, 128 if x < 24 else 255) for x, c in enumerate(row)] for row in rgb]
        over_white = [(x, y, *[round((v * 128 + 255 * 127) / 255) if x < 24 else v for v in c]) for x, y, *c in spots]
        ok("png_rgba8" + tail, png.png(clear, png.RGBA, 8, interlaced), pixels=over_white, tolerance=1)
        ok("png_rgba16" + tail, png.png([[tuple(v * 257 for v in c) for c in row] for row in clear], png.RGBA, 16, interlaced),
           pixels=over_white, tolerance=1)
        for depth in (1, 2, 4, 8, 16):
            top = (1 << depth) - 1
            level = lambda c, top=top: round(sum(c) / 3 / 255 * top)
            rows = [[(level(c),) for c in row] for row in rgb]
            shown = [(x, y, *[round(level(c) * 255 / top)] * 3) for x, y, *c in spots]
            ok(f"png_grey{depth}" + tail, png.png(rows, png.GREY, depth, interlaced), pixels=shown)
        for depth in (1, 2, 4, 8):
            colours = [c for row in cells for c in row][: 1 << depth]
            rows = [[((y // CELL * 6 + x // CELL) % len(colours),) for x in range(48)] for y in range(32)]
            shown = [(x, y, *colours[(y // CELL * 6 + x // CELL) % len(colours)]) for x, y, *_ in spots]
            table = png.chunk(b"PLTE", b"".join(map(bytes, colours)))
            ok(f"png_palette{depth}" + tail, png.png(rows, png.PALETTE, depth, interlaced, before=table), pixels=shown)
    grey_alpha = [[(100, 0 if x < 24 else 255) for x in range(48)] for _ in range(32)]
    halves = [(5, 5, 255, 255, 255), (40, 5, 100, 100, 100)]
    ok("png_grey_alpha8.png", png.png(grey_alpha, png.GREY_ALPHA), pixels=halves)
    ok("png_grey_alpha16.png", png.png([[tuple(v * 257 for v in p) for p in row] for row in grey_alpha], png.GREY_ALPHA, 16), pixels=halves)
    rows = [[(0 if x < 24 else 1,) for x in range(48)] for _ in range(32)]
    table = png.chunk(b"PLTE", bytes([9, 9, 9, 100, 100, 100])) + png.chunk(b"tRNS", b"\0")
    ok("png_palette_transparent.png", png.png(rows, png.PALETTE, 8, before=table), pixels=halves)
    key = png.chunk(b"tRNS", struct.pack(">HHH", *cells[0][0]))
    keyed = [(x, y, 255, 255, 255) if tuple(c) == cells[0][0] else (x, y, *c) for x, y, *c in spots]
    ok("png_rgb_transparent_colour.png", png.png(rgb, png.RGB, before=key), pixels=keyed)
    small = enlarge(cells, 13, 7)
    ok("png_odd_size_interlaced.png", png.png(small, png.RGB, 8, True), (13, 7), [(0, 0, *cells[0][0]), (12, 6, *cells[0][1])])
    ok("png_apng.png", png.apng([rgb, [row[::-1] for row in rgb]]))
    ok("png_apng_hidden_first.png", png.apng([rgb, [row[::-1] for row in rgb]], first_is_hidden=True))
    for n in range(1, 9):
        turn = png.chunk(b"eXIf", jpg.exif(n))
        ok(f"png_exif_{n}.png", png.png(enlarge(stored_for(cells, n)), png.RGB, **({"before": turn} if n % 2 else {"after": turn})))
    ok("png_trailing_bytes.png", png.png(rgb, png.RGB) + b"tail" * 50)
    ok("png_bad_crc_of_text.png", png.png(rgb, png.RGB, before=png.chunk(b"tEXt", b"a\0b", crc=1)))
    bomb = zlib.compress(bytes(64 << 20), 9)
    ok("png_text_bomb.png", png.png(rgb, png.RGB, before=png.chunk(b"zTXt", b"a\0\0" + bomb)))
    ok("png_profile_bomb.png", png.png(rgb, png.RGB, before=png.chunk(b"iCCP", b"a\0\0" + bomb)))
    ok("png_10000_text_chunks.png", png.png(rgb, png.RGB, before=png.chunk(b"tEXt", b"a\0b") * 10000))
    ok("png_4x4.png", png.png(enlarge(cells, 4, 4), png.RGB), (4, 4), [(1, 1, *cells[0][0])])
    long = [[cells[0][x % 6] for x in range(3000)] for _ in range(4)]
    ok("png_3000x4.png", png.png(long, png.RGB), (3000, 4), [(2999, 3, *cells[0][2999 % 6])])
    bad_pngs(cases, cells, rgb)


def bad_pngs(cases, cells, rgb):
    bad = lambda name, data, reason: cases.bad("image", name, data, reason)
    plain = png.png(rgb, png.RGB)
    for at in (8, 20, 32, 33, 45, 60, len(plain) - 20, len(plain) - 12, len(plain) - 4, len(plain) - 1):
        bad(f"png_cut_at_{at:04}.png", plain[:at], "IMAGE_TRUNCATED")
    bad("png_seven_bytes.png", plain[:7], "IMAGE_UNSUPPORTED_FORMAT")
    for side in (65535, (1 << 31) - 1, 1 << 31, (1 << 32) - 1):
        bad(f"png_side_{side}.png", png.png(rgb, png.RGB, size=(side, side)), "IMAGE_TOO_LARGE")
    bad("png_1x20000.png", png.png(rgb, png.RGB, size=(1, 20000)), "IMAGE_TOO_SMALL")
    bad("png_8x20000.png", png.png(rgb, png.RGB, size=(8, 20000)), "IMAGE_TOO_LARGE")
    bad("png_zero_width.png", png.png(rgb, png.RGB, size=(0, 32)), "IMAGE_TOO_SMALL")
    bad("png_zero_height.png", png.png(rgb, png.RGB, size=(48, 0)), "IMAGE_TOO_SMALL")
    bad("png_1x1.png", png.png(enlarge(cells, 1, 1), png.RGB), "IMAGE_TOO_SMALL")
    bad("png_fewer_rows_than_said.png", png.png(rgb, png.RGB, size=(48, 64)), "IMAGE_CORRUPT")
    bad("png_no_pixels.png", png.SIGNATURE + png.header(48, 32, png.RGB, 8) + png.chunk(b"IEND"), "IMAGE_CORRUPT")
    bad("png_no_palette.png", png.png([[(0,)] * 48] * 32, png.PALETTE), "IMAGE_CORRUPT")
    bad("png_header_not_first.png", png.SIGNATURE + png.chunk(b"tEXt", b"a\0" + b"b" * 20) + plain[8:], "IMAGE_CORRUPT")
    bad("png_depth_3.png", png.png(rgb, png.RGB, 8).replace(b"\x08\x02\0\0\0", b"\x03\x02\0\0\0", 1), "IMAGE_CORRUPT")
    data = png.pixels(rgb, png.RGB, 8)
    wrong = [
        ("depth", struct.pack(">IIBBBBB", 48, 32, 3, 2, 0, 0, 0)),
        ("colour_type", struct.pack(">IIBBBBB", 48, 32, 8, 5, 0, 0, 0)),
        ("compression", struct.pack(">IIBBBBB", 48, 32, 8, 2, 1, 0, 0)),
        ("interlacing", struct.pack(">IIBBBBB", 48, 32, 8, 2, 0, 0, 9)),
    ]
    for name, head in wrong:
        bad(f"png_unknown_{name}.png", png.SIGNATURE + png.chunk(b"IHDR", head) + png.chunk(b"IDAT", data) + png.chunk(b"IEND"), "IMAGE_CORRUPT")
    bad("png_bad_crc_of_header.png", plain[:29] + b"\0\0\0\0" + plain[33:], "IMAGE_CORRUPT")
    bad("png_bad_crc_of_pixels.png", plain[:-16] + b"\0\0\0\0" + plain[-12:], "IMAGE_CORRUPT")
    bad("png_second_header.png", plain[:33] + png.header(4000, 4000, png.RGB, 8) + plain[33:], "IMAGE_CORRUPT")
    bad("png_not_deflate.png", png.png(rgb, png.RGB, data=b"\xff" * 500), "IMAGE_CORRUPT")
    bad("png_chunk_past_end.png", plain[:33] + struct.pack(">I", 0x7FFFFFFF) + plain[37:], "IMAGE_TRUNCATED")


def webps(cases):
    cells = grid()
    rgb = enlarge(cells)
    spots = centres(cells)
    arguments = lambda codec, *more: ["-f", "rawvideo", "-pix_fmt", "bgra", "-s", "48x32", "-r", "5", "-i", "-", "-c:v", codec, *more]
    out = cases.path("webp_lossless.webp")
    ok = lambda name, data, size=SIZE, pixels=tuple(spots), tolerance=0: cases.good("image", name, data, size, pixels, tolerance)
    lossless = ffmpeg(arguments("libwebp", "-lossless", "1"), out, raw(rgb))
    ok("webp_lossless.webp", lossless)
    lossy = ffmpeg(arguments("libwebp", "-quality", "95", "-pix_fmt", "yuv420p"), cases.path("webp_lossy.webp"), raw(rgb))
    ok("webp_lossy.webp", lossy, tolerance=12)
    clear = [[(*c, 0 if x < 24 else 255) for x, c in enumerate(row)] for row in rgb]
    white = [(x, y, *((255,) * 3 if x < 24 else c)) for x, y, *c in spots]
    ok("webp_alpha.webp", ffmpeg(arguments("libwebp", "-lossless", "1"), cases.path("webp_alpha.webp"), raw(clear)), pixels=white)
    moving = raw(rgb) + raw([row[::-1] for row in rgb]) + raw(rgb[::-1])
    animated = ffmpeg(arguments("libwebp_anim", "-lossless", "1", "-loop", "0"), cases.path("webp_animated.webp"), moving)
    ok("webp_animated.webp", animated)
    at = lossless.index(b"VP8L")
    frame = lossless[at:]
    riff = lambda body: b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    part = lambda kind, body: kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
    canvas = lambda w, h, flags: part(b"VP8X", struct.pack("<I", flags) + struct.pack("<I", w - 1)[:3] + struct.pack("<I", h - 1)[:3])
    place = lambda x, y: part(b"ANMF", struct.pack("<I", x // 2)[:3] + struct.pack("<I", y // 2)[:3] + b"\x2f\0\0\x1f\0\0\x64\0\0\0" + frame)
    anim = part(b"ANIM", bytes(6))
    shifted = [(x + 10, y + 20, *c) for x, y, *c in spots] + [(2, 2, 255, 255, 255)]
    ok("webp_animated_offset.webp", riff(canvas(64, 60, 2) + anim + place(10, 20)), (64, 60), shifted)
    for n in range(1, 9):
        turned = enlarge(stored_for(cells, n))
        size = f"{len(turned[0])}x{len(turned)}"
        command = arguments("libwebp", "-lossless", "1")
        command[command.index("48x32")] = size
        still = ffmpeg(command, cases.path("scratch.webp"), raw(turned))
        body = canvas(len(turned[0]), len(turned), 8) + still[still.index(b"VP8L") :]
        ok(f"webp_exif_{n}.webp", riff(body + part(b"EXIF", (b"Exif\0\0" if n % 2 else b"") + jpg.exif(n))))
    bad = lambda name, data, reason: cases.bad("image", name, data, reason)
    for name, data in (("lossless", lossless), ("lossy", lossy), ("animated", animated)):
        for at in (12, 20, 29, 40, len(data) // 2, len(data) - 5):
            bad(f"webp_{name}_cut_at_{at:04}.webp", data[:at], "IMAGE_TRUNCATED")
    bad("webp_11_bytes.webp", lossless[:11], "IMAGE_UNSUPPORTED_FORMAT")
    bad("webp_canvas_16777216.webp", riff(canvas(1 << 24, 1 << 24, 2) + anim + place(0, 0)), "IMAGE_TOO_LARGE")
    bad("webp_frame_outside_canvas.webp", riff(canvas(64, 60, 2) + anim + place(40, 40)), "IMAGE_CORRUPT")
    bad("webp_canvas_unlike_picture.webp", riff(canvas(100, 100, 0) + frame), "IMAGE_CORRUPT")
    bad("webp_wrong_mark.webp", lossless[:20] + b"\x2e" + lossless[21:], "IMAGE_CORRUPT")
    bad("webp_unknown_chunk_first.webp", riff(part(b"ABCD", bytes(40)) + frame), "IMAGE_CORRUPT")
    bad("webp_no_picture.webp", riff(canvas(48, 32, 0) + part(b"XMP ", b"<x/>" * 4)), "IMAGE_CORRUPT")
    noise = bytearray(lossy)
    for i in range(60, len(noise), 3):
        noise[i] ^= 0x5A
    # A lossy frame has no check sum: noise gives some picture, or none; both are fine, a crash is not.
    cases.good("image", "webp_lossy_noise.webp", bytes(noise), SIZE, either="IMAGE_CORRUPT")


def gifs(cases):
    cells = [row[:4] for row in grid()]
    palette = [c for row in cells for c in row]
    rows = [[y // CELL * 4 + x // CELL for x in range(32)] for y in range(32)]
    spots = centres(cells)
    size = (32, 32)
    still = gif.gif(32, 32, palette, [gif.frame(rows)])
    ok = lambda name, data, size=size, pixels=tuple(spots): cases.good("image", name, data, size, pixels)
    ok("gif_still.gif", still)
    ok("gif_87a.gif", gif.gif(32, 32, palette, [gif.frame(rows)[8:]], version=b"87a"))
    ok("gif_interlaced.gif", gif.gif(32, 32, palette, [gif.frame(rows, interlaced=True)]))
    odd = [row[:31] for row in rows[:29]]
    ok("gif_interlaced_odd.gif", gif.gif(31, 29, palette, [gif.frame(odd, interlaced=True)]), (31, 29))
    ok("gif_local_palette.gif", gif.gif(32, 32, [(0, 0, 0), (1, 1, 1)], [gif.frame(rows, palette=palette)]))
    clear = [(x, y, *((255,) * 3 if tuple(c) == palette[5] else c)) for x, y, *c in spots]
    ok("gif_transparent.gif", gif.gif(32, 32, palette, [gif.frame(rows, transparent=5)]), pixels=clear)
    shifted = [(x + 7, y + 9, *c) for x, y, *c in spots] + [(1, 1, 255, 255, 255)]
    ok("gif_offset_frame.gif", gif.gif(50, 60, palette, [gif.frame(rows, x=7, y=9)]), (50, 60), shifted)
    frames = [gif.frame([[(i + n) % 16 for i in row] for row in rows], delay=10) for n in range(5)]
    ok("gif_animated.gif", gif.gif(32, 32, palette, frames, loop=3))
    ok("gif_endless.gif", gif.gif(32, 32, palette, frames, loop=0))
    ok("gif_no_trailer.gif", gif.gif(32, 32, palette, frames, trailer=False))
    ok("gif_second_frame_cut.gif", gif.gif(32, 32, palette, frames)[: len(still) + 60])
    comment = b"\x21\xfe" + gif.blocks(b"words " * 500)
    ok("gif_comment.gif", gif.gif(32, 32, palette, [comment, gif.frame(rows)]))
    busy = [[(x * x + y * 7 + x * y) % 16 for x in range(300)] for y in range(200)]
    dots = [(x, y, *palette[busy[y][x]]) for x, y in ((0, 0), (299, 199), (150, 100), (37, 161))]
    ok("gif_full_code_table.gif", gif.gif(300, 200, palette, [gif.frame(busy)]), (300, 200), dots)
    bad = lambda name, data, reason: cases.bad("image", name, data, reason)
    for at in (6, 10, 13, 40, 70, 75, len(still) // 2, len(still) - 3):
        bad(f"gif_cut_at_{at:04}.gif", still[:at], "IMAGE_TRUNCATED")
    bad("gif_65535x65535.gif", gif.gif(65535, 65535, palette, [gif.frame(rows)]), "IMAGE_TOO_LARGE")
    bad("gif_zero_size.gif", gif.gif(0, 0, palette, [gif.frame(rows)]), "IMAGE_TOO_SMALL")
    bad("gif_frame_larger_than_screen.gif", gif.gif(16, 16, palette, [gif.frame(rows)]), "IMAGE_CORRUPT")
    bad("gif_no_picture.gif", gif.gif(32, 32, palette, []), "IMAGE_CORRUPT")
    bad("gif_too_little_data.gif", gif.gif(32, 32, palette, [gif.frame(rows, data=b"\x10\x32\x54")]), "IMAGE_CORRUPT")
    bad("gif_wild_codes.gif", gif.gif(32, 32, palette, [gif.frame(rows, data=b"\xff" * 400)]), "IMAGE_CORRUPT")
    bad("gif_code_size_12.gif", gif.gif(32, 32, palette, [gif.frame(rows, bits=12, data=b"\0" * 400)]), "IMAGE_CORRUPT")


def others(cases):
    """Bytes that are no picture of a kind we take, whatever their names say."""
    bmp = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 14 + 40 + 192, 0, 0, 54, 40, 8, 8, 1, 24, 0, 192, 1, 1, 0, 0) + bytes(192)
    wrong = {
        "text.jpg": b"This is not a picture.\n" * 20,
        "page.png": b"<!doctype html><html><body>404</body></html>",
        "vector.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "document.pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
        "program.jpg": b"\x7fELF\x02\x01\x01" + bytes(57),
        "bitmap.bmp": bmp,
        "scan.tiff": b"II*\0\x08\0\0\0\0\0",
        "phone.heic": struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(64),
        "new.avif": struct.pack(">I", 24) + b"ftypavif\0\0\0\0mif1avif" + bytes(64),
        "archive.webp": b"PK\x03\x04" + bytes(60),
        "squeezed.gif": b"\x1f\x8b\x08" + bytes(60),
        "long.jxl": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40),
        "wave.webp": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
        "zeros.jpg": bytes(4096),
        "one_byte.png": b"\x89",
        "network_path.jpg": b"https://example.com/a.jpg",
        "postscript.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run\n",
        "wrapper.mvg": b"push graphic-context\nfill 'url(https://example.com/x)'\npop graphic-context\n",
    }
    for name, data in wrong.items():
        cases.bad("image", "not_a_picture_" + name, data, "IMAGE_UNSUPPORTED_FORMAT")
    cases.bad("image", "no_bytes.jpg", b"", "IMAGE_EMPTY")


def add(cases):
    jpegs(cases)
    pngs(cases)
    webps(cases)
    gifs(cases)
    others(cases)
