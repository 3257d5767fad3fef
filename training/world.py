"""The C++ renderer (tools/world) as a stream of training batches, prefetched on a background thread."""
import ctypes
import glob
import os
import queue
import subprocess
import tempfile
import threading
from multiprocessing.pool import ThreadPool

import numpy as np
import torch

from bpe import IMAGE_PAD, PAD, USER, VISION_END, VISION_START

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CANVASES = [(256, 256), (192, 320), (320, 192), (192, 384), (384, 192), (128, 384), (384, 128)]  # width, height
CANVAS_WEIGHTS = [0.30, 0.14, 0.18, 0.09, 0.13, 0.06, 0.10]
FRAME_CANVASES = [(128, 128), (192, 128), (128, 192)]
# Evaluation clips last 2 to 30 s: two samples a second, so that half of them have all 32 frames. Long ones are harder.
FRAME_COUNTS = list(range(4, 33))
FRAME_COUNT_WEIGHTS = [n / 910 for n in FRAME_COUNTS[:-1]] + [0.46]  # 4 + ... + 31 = 490
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

    def images(self, seed, batch, n_images, canvas, text, outliers):
        w, h = canvas
        out = {"pixels": np.empty((batch, n_images, h, w, 3), np.uint8), "tokens": np.empty((batch, text), np.int32),
               "answer": np.empty((batch, text), np.uint8), "segment": np.empty((batch, text), np.int32),
               "objects": np.empty((batch, n_images, MAX_OBJECTS, OBJECT_FIELDS), np.float32),
               "domain": np.empty((batch,), np.float32)}
        self.lib.sl_world_fill_images(
            self.handle, ctypes.c_uint64(seed), batch, n_images, w, h, text, ctypes.c_float(outliers),
            *[self.ptr(out[k]) for k in ("pixels", "tokens", "answer", "segment", "objects", "domain")])
        return out

    def clips(self, seed, batch, frames, canvas, text):
        w, h = canvas
        out = {"pixels": np.empty((batch, frames, h, w, 3), np.uint8), "times": np.empty((batch, frames), np.float32),
               "tokens": np.empty((batch, text), np.int32), "answer": np.empty((batch, text), np.uint8),
               "segment": np.empty((batch, text), np.int32)}
        self.lib.sl_world_fill_clips(
            self.handle, ctypes.c_uint64(seed), batch, frames, w, h, text,
            *[self.ptr(out[k]) for k in ("pixels", "times", "tokens", "answer", "segment")])
        out["events"] = np.empty((batch, frames, EVENT_PAIRS), np.uint8)
        self.lib.sl_world_clip_events(self.handle, ctypes.c_uint64(seed), batch, frames, w, h, self.ptr(out["events"]))
        return out


def prefix(batch, spans, tokens_per_span, times, char_ids):
    """Prompt before the question: ids [B, P]; PAD marks slots a shorter timestamp leaves empty."""
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
    return np.concatenate(parts, 1)


class Stream:
    """Endless batches. `mix(fraction done) -> {kind: probability}`; kinds: image, pair, clip."""

    def __init__(self, world, tokenizer, seed, scale, mix, depth=6):
        self.world, self.tok, self.seed, self.scale, self.mix = world, tokenizer, seed, scale, mix
        self.char_ids = {"digits": [tokenizer.encode(str(i))[0] for i in range(10)],
                         ".": tokenizer.encode(".")[0], "s": tokenizer.encode("s")[0]}
        self.fraction = 0.0
        self.rng = np.random.default_rng(seed)
        self.queue = queue.Queue(depth)
        threading.Thread(target=self.run, daemon=True).start()

    def make(self, kind=None):
        r, s = self.rng, self.scale
        mix = self.mix(self.fraction)
        kind = kind or r.choice(list(mix), p=np.asarray(list(mix.values())) / sum(mix.values()))
        seed = int(r.integers(1 << 62))
        if kind == "clip":
            canvas = FRAME_CANVASES[r.choice(3, p=[0.4, 0.4, 0.2])]
            n = int(r.choice(FRAME_COUNTS, p=np.asarray(FRAME_COUNT_WEIGHTS) / sum(FRAME_COUNT_WEIGHTS)))
            batch = max(2, int(s * 1024 * 16384 / (n * canvas[0] * canvas[1])))
            # Long clips hold more events and fewer of them fit a batch: each is asked about more.
            out = self.world.clips(seed, batch, n, canvas, 384 if n >= 16 else 224)
            spans, per = n, canvas[0] * canvas[1] // 1024
        else:
            canvas = CANVASES[r.choice(len(CANVASES), p=CANVAS_WEIGHTS)]
            spans = 2 if kind == "pair" else 1
            batch = max(2, int(s * (96 if kind == "pair" else 256)))
            out = self.world.images(seed, batch, spans, canvas, 224 if kind == "pair" else 320,
                                    0.0 if kind == "pair" else 0.06)
            per = canvas[0] * canvas[1] // 256
        out["prefix"] = prefix(batch, spans, per, out.get("times"), self.char_ids)
        out["kind"] = kind
        seg, ans = out["segment"], out["answer"]
        out["targets"] = np.flatnonzero((ans > 0) & (seg >= 0)).astype(np.int64)
        return {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in out.items()}

    def run(self):
        while True:
            batch = self.make()
            if torch.cuda.is_available():
                batch = {k: v.pin_memory() if torch.is_tensor(v) else v for k, v in batch.items()}
            self.queue.put(batch)

    def next(self):
        return self.queue.get()
