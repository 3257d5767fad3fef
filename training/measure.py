"""Compares weights, and averages of two, by the share of answers whose every token is right given those before it.

  python3 training/measure.py WEIGHTS                    # a folder of parts or a model.safetensors
  python3 training/measure.py LATER EARLIER --out PARTS  # shares of LATER from 1 down; the best on held-out is written
  python3 training/measure.py LATER EARLIER --share 0.8 --out PARTS  # this share is written, nothing measured

Stills of the iid and the held-out split and clips, from seeds that neither training nor the evaluation uses. A quick
guide between weights: the figures that count go through the engine (sightline eval).
"""
import argparse
import json
import os

import torch

import bpe
from model import Scenes
from parts import read_weights, write_parts
from step import exact, step_loss, to_device
from world import ROOT, Source, World, build

SEED = 77_000_003
SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)


@torch.no_grad()
def accuracy(model, batches, device, dtype):
    hits = n = 0.0
    for batch in batches:
        batch = to_device(batch, device)
        share, count = exact(batch, step_loss(model, batch, dtype, (0.0, 0.0))[2])
        hits += share * count
        n += count
    return hits / n, int(n)


def average(later, earlier, share):
    """What the earlier weights lack stays the later's: shrunk, it would cost clips and give stills nothing."""
    return {n: w * share + earlier[n] * (1 - share) if n in earlier else w for n, w in later.items()}


def write(state, share, folder):
    os.makedirs(folder, exist_ok=True)
    write_parts(state, folder)
    print(f"share {share} is written to {folder}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("weights", nargs="+")
    ap.add_argument("--out")
    ap.add_argument("--clips", type=float, default=0.0, help="what clips must reach for a share to be written")
    ap.add_argument("--share", type=float, help="of the later weights, written without being measured")
    ap.add_argument("--batches", type=int, default=6, help="of each kind")
    ap.add_argument("--scale", type=float, default=1.0, help="batch size multiplier")
    ap.add_argument("--lib", help="the world library, when it is built already")
    a = ap.parse_args()
    states = [read_weights(w) for w in a.weights]
    if a.share is not None:
        if len(states) != 2 or not a.out:
            ap.error("--share needs two weights and --out")
        return write(average(*states, a.share), a.share, a.out)
    device, dtype = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    tok = bpe.Tokenizer(os.path.join(ROOT, "models/scenes/tokenizer.json"))
    world = World(a.lib or build(), tok.blob(), os.cpu_count() or 1)
    source = Source(world, tok, SEED, a.scale, None)
    batches = {}
    for split, kind in (("iid", "image"), ("heldout", "image"), ("clips", "clip")):
        world.measure(split == "heldout")
        batches[split] = [source.make(source.draw_of(kind)) for _ in range(a.batches)]
    model, best = Scenes().to(device).eval(), None
    for share in SHARES if len(states) > 1 else (1.0,):
        mixed = average(*states, share) if share < 1 else states[0]
        model.load_state_dict(mixed, strict=False)
        row = {split: accuracy(model, b, device, dtype) for split, b in batches.items()}
        print(json.dumps({"share": share, **{s: [round(v, 4), n] for s, (v, n) in row.items()}}), flush=True)
        if row["clips"][0] >= a.clips and (best is None or row["heldout"][0] > best[0]):
            best = row["heldout"][0], share, mixed
    if a.out and best:
        write(best[2], best[1], a.out)


if __name__ == "__main__":
    main()
