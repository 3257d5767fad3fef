"""Writes what PyTorch computes with the shipped weights, for the engine to be held to (tests/scenes/parity_test.cc).

  python3 training/parity.py [models/scenes] [tests/golden/scenes]

Run it after new weights are shipped or the renderer has changed; it needs g++ and any PyTorch from 1.13 on, no GPU.
answers.json holds 200 samples (how to render each, the question, the greedy reply), taps.safetensors a few of them in
numbers. Weights are read from model.safetensors itself and widened to float32, as the engine does.
"""
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

import bpe
from export import write_safetensors
from model import Scenes, export_name
from parts import read_safetensors
from world import CANVASES, ROOT, World, prefix

SEED, TEXT, MAX_REPLY_TOKENS, TAP_ROWS = 20261124, 320, 192, 8
# kind, stills or frames of a sample, canvas, samples, rows that are also written as numbers
GROUPS = [("still", 1, canvas, 18, [0] if i < 3 else []) for i, canvas in enumerate(CANVASES)]
GROUPS += [("pair", 2, (256, 256), 12, [0]), ("pair", 2, (320, 192), 12, [])]
GROUPS += [("clip", 4, (128, 128), 10, [0]), ("clip", 8, (192, 128), 10, []), ("clip", 12, (128, 192), 10, [0]),
           ("clip", 20, (128, 128), 10, []), ("clip", 32, (192, 128), 10, [])]


def build_portable(folder):
    """The world library without machine-specific instructions, so that pixels equal the engine build's."""
    out = os.path.join(folder, "libsl_world.so")
    src = [f for f in sorted(glob.glob(os.path.join(ROOT, "tools/world/*.cc"))) if not f.endswith("preview.cc")]
    subprocess.run(["g++", "-std=c++20", "-O2", "-DNDEBUG", "-ffp-contract=off", "-fPIC", "-shared", "-pthread", "-I",
                    ROOT, *src, "-o", out], check=True)
    return out


def load(path):
    model, weights = Scenes(), read_safetensors(path)
    state = model.state_dict()
    names = {n: export_name(n) for n in state}
    unused = set(weights) - set(names.values())
    if unused:
        raise ValueError(f"weights without a place: {sorted(unused)}")
    model.load_state_dict({n: weights[e] if e else state[n] for n, e in names.items()})
    return model.float().eval()


def checksum(a):
    """Sum of byte[i] * (i * K + 1) modulo 2^64; the test computes the same."""
    total = np.uint64(0)
    for at in range(0, a.size, 1 << 22):
        part = a[at:at + (1 << 22)].astype(np.uint64)
        weight = np.arange(at, at + part.size, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
        total += (part * weight).sum(dtype=np.uint64)
    return f"{int(total):016x}"


def causal_logits(model, x):
    """x [1, T, C] -> logits of the last row [V]."""
    n = x.shape[1]
    mask = torch.ones(n, n, dtype=torch.bool).tril()[None, None]
    hidden = model.decoder(x, torch.arange(n)[None], mask)
    return model.decoder.logits(hidden[:, -1])[0]


def questions(batch, row):
    """The question ids of each segment of a row; a row holds several, each with its answer."""
    out = []
    for s in range(int(batch["segment"][row].max()) + 1):
        ids = batch["tokens"][row][batch["segment"][row] == s].tolist()
        out.append(ids[:ids.index(bpe.ASSISTANT)])
    return out


class Reference:
    def __init__(self, model_folder, world, tokenizer):
        self.model = load(os.path.join(model_folder, "model.safetensors"))
        self.world, self.tok = world, tokenizer
        self.chars = {"digits": [tokenizer.encode(str(i))[0] for i in range(10)],
                      ".": tokenizer.encode(".")[0], "s": tokenizer.encode("s")[0]}

    def batch(self, kind, count, canvas, n, seed):
        if kind == "clip":
            return self.world.clips(seed, n, count, canvas, TEXT)
        return self.world.images(seed, n, count, canvas, TEXT, 0.0)

    def prompt(self, batch, row, question, kind):
        """Embedded prompt [1, T, C] and the vision taps of its pictures."""
        tokens, domain = self.model.encoder(torch.from_numpy(batch["pixels"][row]))
        visual = self.model.projector(tokens, tokens.shape[0] if kind == "clip" else 0)
        times = batch["times"][row:row + 1] if kind == "clip" else None
        ids = prefix(1, len(visual), visual.shape[1], times, self.chars)[0]
        ids = np.concatenate([ids[ids != bpe.PAD], question, [bpe.ASSISTANT]]).astype(np.int64)
        ids = torch.from_numpy(ids)[None]
        x = F.embedding(ids, self.model.decoder.embed_tokens.weight)
        x = x.masked_scatter((ids == bpe.IMAGE_PAD)[..., None], visual.reshape(-1))
        return x, {"encoder": tokens[0].flatten(0, 1), "projected": visual[0], "domain": domain}

    def reply(self, x):
        """Greedy text, and the logits of the prompt's last row."""
        out, first = [], None
        while len(out) < MAX_REPLY_TOKENS:
            logits = causal_logits(self.model, x)
            first = logits if first is None else first
            token = int(logits.argmax())
            if token == bpe.END:
                break
            out.append(token)
            x = torch.cat([x, self.model.decoder.embed_tokens.weight[token][None, None]], 1)
        return self.tok.decode(out), first


def spread(rows):
    """TAP_ROWS rows at equal distances."""
    return rows[torch.arange(TAP_ROWS) * len(rows) // TAP_ROWS].clone()


@torch.no_grad()
def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "models/scenes")
    out = sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, "tests/golden/scenes")
    os.makedirs(out, exist_ok=True)
    tok = bpe.Tokenizer(os.path.join(folder, "tokenizer.json"))
    with tempfile.TemporaryDirectory() as scratch:
        ref = Reference(folder, World(build_portable(scratch), tok.blob(), os.cpu_count() or 1), tok)
    taps, groups = {}, []
    for g, (kind, count, canvas, n, tapped) in enumerate(GROUPS):
        batch = ref.batch(kind, count, canvas, n, SEED + g)
        group = {"kind": kind, "seed": SEED + g, "count": count, "width": canvas[0], "height": canvas[1],
                 "text": TEXT, "pixels": checksum(batch["pixels"].reshape(-1)), "samples": []}
        for row in range(n):
            asked = questions(batch, row)
            question = asked[row % len(asked)]
            x, vision = ref.prompt(batch, row, question, kind)
            reply, logits = ref.reply(x)
            group["samples"].append({"question": tok.decode(question), "reply": reply})
            if row in tapped:
                name = f"{g}.{row}."
                taps.update({name + "encoder": spread(vision["encoder"]), name + "projected": spread(vision["projected"]),
                             name + "domain": vision["domain"].clone(), name + "logits": logits.clone()})
        groups.append(group)
        print(f"{kind} x{count} {canvas[0]}x{canvas[1]}: {group['samples'][0]}", flush=True)
    weights = checksum(np.fromfile(os.path.join(folder, "model.safetensors"), np.uint8))
    with open(os.path.join(out, "answers.json"), "w") as f:
        json.dump({"weights": weights, "tap_rows": TAP_ROWS, "max_reply_tokens": MAX_REPLY_TOKENS, "groups": groups},
                  f, indent=0)
        f.write("\n")
    write_safetensors(os.path.join(out, "taps.safetensors"), taps)


if __name__ == "__main__":
    main()
