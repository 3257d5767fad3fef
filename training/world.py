"""The C++ renderer (tools/world) as a stream of training batches, prefetched on a background thread."""
import collections
import ctypes
import glob
import os
import queue
import subprocess
import tempfile
import threading
from multiprocessing.pool import ThreadPool
from typing import NamedTuple

import numpy as np
import torch

from bpe import IMAGE_PAD, PAD, USER, VISION_END, VISION_START
from packed import boundaries

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CANVASES = [(256, 256), (192, 320), (320, 192), (192, 384), (384, 192), (128, 384), (384, 128)]  # width, height
CANVAS_WEIGHTS = [0.30, 0.14, 0.18, 0.09, 0.13, 0.06, 0.10]
FRAME_CANVASES = [(128, 128), (192, 128), (128, 192)]
FRAME_CANVAS_WEIGHTS = [0.4, 0.4, 0.2]
# Evaluation clips last 2 to 30 s: two samples a second, so that half of them have all 32 frames. Long ones are harder.
# Every count is a shape to prepare for: these are dense enough.
FRAME_COUNTS = [4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 32]
FRAME_COUNT_WEIGHTS = [0.54 * n / 143 for n in FRAME_COUNTS[:-1]] + [0.46]  # 4 + ... + 28 = 143
FRAME_PIXELS = 1024 * 16384  # of a batch of clips
TEXT = {"image": 320, "pair": 224}
MAX_OBJECTS, OBJECT_FIELDS = 12, 16
EVENT_PAIRS = 80


def build(out="/tmp/libsl_world.so"):
    """Compiles the world library, its files side by side; needs g++ alone."""
    src = [f for f in sorted(glob.glob(os.path.join(ROOT, "tools/world/*.cc"))) if not f.endswith("preview.cc")]
    with tempfile.TemporaryDirectory() as folder, ThreadPool(os.cpu_count() or 2) as pool:
        objects = [os.path.join(folder, f"{i}.o") for i in range(len(src))]
        flags = ["g++", "-std=c++20", "-O3", "-march=native", "-fPIC", "-pthread", "-I", ROOT]
        pool.map(lambda p: subprocess.run([*flags, "-c", p[0], "-o", p[1]], check=True), list(zip(src, objects)), 1)
        subprocess.run([*flags, "-shared", *objects, "-o", out], check=True)
    return out


class World:
    def __init__(self, lib_path, tokenizer_blob, threads):
        self.lib = ctypes.CDLL(lib_path)
        self.lib.sl_world_create.restype = ctypes.c_void_p
        blob = tokenizer_blob.encode()
        self.handle = ctypes.c_void_p(self.lib.sl_world_create(blob, ctypes.c_size_t(len(blob)), ctypes.c_int(threads)))
        if not self.handle:
            raise RuntimeError("the world library refused the tokenizer")

    def measure(self, heldout):
        """Stills are from here on those of the iid or the held-out split: to choose between weights, never to train."""
        self.lib.sl_world_measure(self.handle, ctypes.c_int(int(heldout)))

    def corpus(self, seed, lines):
        cap = lines * 400
        buf = ctypes.create_string_buffer(cap)
        self.lib.sl_world_corpus.restype = ctypes.c_size_t
        n = self.lib.sl_world_corpus(ctypes.c_uint64(seed), ctypes.c_int(lines), buf, ctypes.c_size_t(cap))
        return buf.raw[:n].decode().split("\n")

    @staticmethod
    def ptr(a):
        return a.ctypes.data_as(ctypes.c_void_p)

    @staticmethod
    def pixels(*shape):
        """Where the device can copy from without another copy."""
        return torch.empty(shape, dtype=torch.uint8, pin_memory=torch.cuda.is_available()).numpy()

    def images(self, seed, batch, n_images, canvas, text, outliers):
        w, h = canvas
        out = {"pixels": self.pixels(batch, n_images, h, w, 3), "tokens": np.empty((batch, text), np.int32),
               "answer": np.empty((batch, text), np.uint8), "segment": np.empty((batch, text), np.int32),
               "objects": np.empty((batch, n_images, MAX_OBJECTS, OBJECT_FIELDS), np.float32),
               "domain": np.empty((batch,), np.float32)}
        self.lib.sl_world_fill_images(
            self.handle, ctypes.c_uint64(seed), batch, n_images, w, h, text, ctypes.c_float(outliers),
            *[self.ptr(out[k]) for k in ("pixels", "tokens", "answer", "segment", "objects", "domain")])
        return out

    def clips(self, seed, batch, frames, canvas, text):
        w, h = canvas
        out = {"pixels": self.pixels(batch, frames, h, w, 3), "times": np.empty((batch, frames), np.float32),
               "tokens": np.empty((batch, text), np.int32), "answer": np.empty((batch, text), np.uint8),
               "segment": np.empty((batch, text), np.int32)}
        self.lib.sl_world_fill_clips(
            self.handle, ctypes.c_uint64(seed), batch, frames, w, h, text,
            *[self.ptr(out[k]) for k in ("pixels", "times", "tokens", "answer", "segment")])
        out["events"] = np.empty((batch, frames, EVENT_PAIRS), np.uint8)
        self.lib.sl_world_clip_events(self.handle, ctypes.c_uint64(seed), batch, frames, w, h, self.ptr(out["events"]))
        return out


def prefix(batch, spans, tokens_per_span, times, char_ids):
    """Prompt before the question: ids [B, P], padded on the left where timestamps are shorter."""
    parts = [np.full((batch, 1), USER, np.int32)]
    for i in range(spans):
        if times is not None:
            t = np.rint(times[:, i] * 10).astype(np.int64)
            d = np.asarray(char_ids["digits"])
            tens = np.where(t >= 100, d[t // 100 % 10], PAD)
            dot, s = (np.full(batch, char_ids[c]) for c in (".", "s"))
            parts.append(np.stack([tens, d[t // 10 % 10], dot, d[t % 10], s], 1).astype(np.int32))
        row = [VISION_START] + [IMAGE_PAD] * tokens_per_span + [VISION_END]
        parts.append(np.tile(np.asarray(row, np.int32), (batch, 1)))
    ids = np.concatenate(parts, 1)
    return np.take_along_axis(ids, np.argsort(ids != PAD, axis=1, kind="stable"), 1)


def pick_targets(segment, answer):
    """Flat indices of the tokens to predict, and their weight: a fixed number of them, filled up with others at weight 0.
    More than fit (a batch in thousands) are left out."""
    at = np.flatnonzero((answer > 0) & (segment >= 0))
    room = int(segment.size * 0.45)
    weight = np.zeros(room, np.float32)
    weight[:len(at)] = 1
    return np.concatenate([at[:room], np.arange(1, 1 + max(0, room - len(at)))]), weight


class Shape(NamedTuple):
    """What every batch of one shape has in common."""
    kind: str  # image, pair, clip
    canvas: tuple  # width, height
    frames: int = 1

    def batch(self, scale):
        pixels = self.frames * self.canvas[0] * self.canvas[1]
        return max(2, int(scale * (FRAME_PIXELS / pixels if self.kind == "clip" else 96 if self.kind == "pair" else 256)))

    def text(self):
        # Long clips hold more events and fewer of them fit a batch: each is asked about more.
        return TEXT.get(self.kind) or (384 if self.frames >= 16 else 224)


def shapes():
    return [Shape(kind, c) for kind in ("image", "pair") for c in CANVASES] + \
        [Shape("clip", c, n) for c in FRAME_CANVASES for n in FRAME_COUNTS]


class Source:
    """Makes batches. `mix(fraction done) -> {kind: probability}`; kinds: image, pair, clip."""

    def __init__(self, world, tokenizer, seed, scale, mix):
        self.world, self.scale, self.mix = world, scale, mix
        self.char_ids = {"digits": [tokenizer.encode(str(i))[0] for i in range(10)],
                         ".": tokenizer.encode(".")[0], "s": tokenizer.encode("s")[0]}
        self.rng = np.random.default_rng(seed)

    def draw(self, fraction):
        r, mix = self.rng, self.mix(fraction)
        kind = r.choice(list(mix), p=np.asarray(list(mix.values())) / sum(mix.values()))
        return self.draw_of(kind)

    def draw_of(self, kind):
        r = self.rng
        if kind != "clip":
            return Shape(kind, CANVASES[r.choice(len(CANVASES), p=CANVAS_WEIGHTS)])
        frames = r.choice(FRAME_COUNTS, p=np.asarray(FRAME_COUNT_WEIGHTS) / sum(FRAME_COUNT_WEIGHTS))
        return Shape(kind, FRAME_CANVASES[r.choice(3, p=FRAME_CANVAS_WEIGHTS)], int(frames))

    def make(self, shape):
        seed, batch, canvas = int(self.rng.integers(1 << 62)), shape.batch(self.scale), shape.canvas
        if shape.kind == "clip":
            out = self.world.clips(seed, batch, shape.frames, canvas, shape.text())
            spans, per = shape.frames, canvas[0] * canvas[1] // 1024
        else:
            spans, per = 2 if shape.kind == "pair" else 1, canvas[0] * canvas[1] // 256
            out = self.world.images(seed, batch, spans, canvas, shape.text(), 0.06 if shape.kind == "image" else 0.0)
        ids = out["prefix"] = prefix(batch, spans, per, out.get("times"), self.char_ids)
        out["visual_at"] = np.flatnonzero(ids == IMAGE_PAD)
        out["targets"], out["target_weight"] = pick_targets(out["segment"], out.pop("answer"))
        out.update(boundaries((ids == PAD).sum(1), ids.shape[1], shape.text()))
        batch = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in out.items()}
        return {**batch, "shape": shape}


class Stream:
    """Endless batches, made in the background. With repeats above 1 a batch comes again after `delay` others were made,
    so that the device need not wait for as many."""

    def __init__(self, sources, repeats=1, delay=48, depth=4):
        self.fraction, self.repeats, self.delay = 0.0, repeats, delay
        self.queue = queue.Queue(depth)
        for s in sources:
            threading.Thread(target=self.run, args=(s,), daemon=True).start()

    def run(self, source):
        again, made = collections.deque(), 0  # (when, batch, uses left)
        while True:
            batch = source.make(source.draw(self.fraction))
            if torch.cuda.is_available():
                batch = {k: v.pin_memory() if torch.is_tensor(v) and not v.is_pinned() else v for k, v in batch.items()}
            self.queue.put(batch)
            made += 1
            if self.repeats > 1:
                again.append((made + self.delay, batch, self.repeats - 1))
            while again and again[0][0] <= made:
                _, batch, left = again.popleft()
                self.queue.put(batch)
                if left > 1:
                    again.append((made + self.delay, batch, left - 1))

    def next(self):
        return self.queue.get()
