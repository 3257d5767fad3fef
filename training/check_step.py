"""Holds the fast training step to the plain one, and times it by kind of batch (on a CUDA device).

  python3 training/check_step.py [--json FILE] [--gradients | --profile]

The same batch through packed attention and through attention under the mask, in float32 and bfloat16: losses and
gradients. Then graphs against plain steps: milliseconds each, and how long a batch takes to make.
"""
import argparse
import collections
import json
import os
import statistics
import time

import torch

import bpe
from graphs import Steps, compile_parts
from model import Scenes
from step import step_loss, to_device
from train import mix, optimisers
from world import ROOT, Shape, Source, World, build

SHAPES = [Shape("image", (256, 256)), Shape("clip", (192, 128), 32),
          Shape("image", (128, 384))]


def gradients(model, batch, dtype, fast):
    model.zero_grad(set_to_none=True)
    loss, parts, missed = step_loss(model, batch, dtype, (0.25, 0.15), fast)
    loss.backward()
    grads = torch.cat([p.grad.flatten().double() for p in model.parameters() if p.grad is not None])
    return loss.item(), grads, missed.sum().item()


def off(a, b):
    return ((a - b).norm() / b.norm()).item()


def timed(run, times=12):
    ms = []
    for _ in range(times):
        torch.cuda.synchronize()
        began = time.time()
        run()
        torch.cuda.synchronize()
        ms.append((time.time() - began) * 1e3)
    return statistics.median(ms)


def kernels(run, times=3):
    """Milliseconds of a step by kernel, the most first."""
    from torch.profiler import ProfilerActivity, profile
    with profile(activities=[ProfilerActivity.CUDA]) as p:
        for _ in range(times):
            run()
        torch.cuda.synchronize()
    total = collections.Counter()
    for e in p.events():
        if e.device_type == torch.autograd.DeviceType.CUDA:
            total[e.name[:120]] += e.device_time / 1e3 / times
    return total.most_common()


def check_graphs(a, model, steps, source, batches, rows):
    """The same batches compiled and recorded, against the plain steps' losses and gradients before."""
    before = [(steps.run(b, 0.0, 0.25, 0.15)[0], gradients(model, b, torch.bfloat16, True)[1]) for b in batches]
    torch.cuda.empty_cache()
    compile_parts(model)
    steps.prepare(source, SHAPES)
    for shape, batch, (plain, grads), row in zip(SHAPES, batches, before, rows):
        parts = steps.run(batch, 0.0, 0.25, 0.15)[0]
        row["graph_losses_off"] = max(abs(parts[n].item() - v.item()) / max(abs(v.item()), 1e-3) for n, v in plain.items())
        row["compiled_grad_off"] = off(gradients(model, batch, torch.bfloat16, True)[1], grads)
        row["graph_ms"] = timed(lambda: steps.run(batch, 0.0, 0.25, 0.15))
        print(shape, {k: round(row[k], 5) for k in ("graph_ms", "graph_losses_off", "compiled_grad_off")}, flush=True)
        if a.profile:
            row["kernels"] = kernels(lambda: steps.run(batch, 0.0, 0.25, 0.15))
            for name, ms in row["kernels"][:40]:
                print(f"  {ms:7.2f} {name[:90]}", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--json")
    ap.add_argument("--profile", action="store_true", help="also list the kernels of each shape's graph")
    ap.add_argument("--gradients", action="store_true", help="only compare, time nothing")
    ap.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    a = ap.parse_args()
    tok = bpe.Tokenizer(os.path.join(ROOT, "models/scenes/tokenizer.json"))
    source = Source(World(build(), tok.blob(), a.threads), tok, 5, 1.0, mix(0.4))
    torch.manual_seed(3)
    model = Scenes().to("cuda")
    rate = torch.zeros((), device="cuda")
    steps = Steps(model, optimisers(model, rate), rate, torch.bfloat16)
    rows, batches = [], []
    for shape in SHAPES:
        source.make(shape)
        began = time.time()
        batch = source.make(shape)
        row = {"shape": str(shape), "make_ms": (time.time() - began) * 1e3}
        batch = to_device(batch, "cuda")
        batches.append(batch)
        exact = gradients(model, batch, torch.float32, False)
        for name, fast in (("masked", False), ("packed", True)):
            loss, grads, _ = gradients(model, batch, torch.bfloat16, fast)
            row[name + "_loss_off"], row[name + "_grad_off"] = abs(loss - exact[0]) / exact[0], off(grads, exact[1])
        if not a.gradients:
            row["plain_ms"] = timed(lambda: steps.run(batch, 0.0, 0.25, 0.15), 6)
        rows.append(row)
        print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}), flush=True)
    if not a.gradients:
        check_graphs(a, model, steps, source, batches, rows)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
