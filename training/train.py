"""Trains the `scenes` model from nothing but this repository.

  python3 training/train.py --minutes 9.5 --state /tmp/scenes --out OUT   # run it again to go on

Trained in stretches of --minutes, set-up included. --budget is the training time in minutes at the stage's end, stages
before it (--init, --done) counted in; set-up (building the renderer, compiling, recording graphs) is not training. The
learning rate falls to 0 at the stage's end and at the earlier --ends; the weights at each are written to OUT/end1 and so
on, and their average to OUT, in parts under 16 MB (training/export.py joins them). State is kept in --state.
training/README.md has the recipe.
"""
import argparse
import json
import os
import time

import torch

import bpe
from graphs import Steps, compile_parts
from model import CONFIG, Scenes, load_weights
from muon import Muon
from parts import read_weights, write_parts
from step import exact
from world import ROOT, Source, Stream, World, build, shapes


def optimisers(model, rate):
    """Muon for matrices within the network (its step does not depend on a matrix's size, so zeros are a fine start);
    AdamW for the rest. `rate` is a tensor: both follow it."""
    matrices, others, decay = [], [], []
    for name, p in model.named_parameters():
        if p.ndim == 2 and "embed_tokens" not in name and not name.startswith(("dense.fc2", "events.")):
            matrices.append(p)
        elif p.ndim >= 2:
            decay.append(p)
        else:
            others.append(p)
    adam = torch.optim.AdamW([{"params": decay, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
                             lr=rate, betas=(0.9, 0.98), **({"fused": True, "capturable": True} if rate.is_cuda else {}))
    return [Muon(matrices, lr=rate), adam]


PAIR_SHARE = 0.1


def mix(clip_share):
    """How often each kind of batch comes; clips are few until stills are known a little."""
    def at(fraction):
        clip = min(clip_share, 0.12) if fraction < 0.1 else clip_share
        return {"image": 1 - clip - PAIR_SHARE, "pair": PAIR_SHARE, "clip": clip}
    return at


class Schedule:
    """Of the peak learning rate: up over the first steps of a cycle, then level for a tenth of it, then down to 0 at its
    end. Cycles after the first start at half the peak."""

    def __init__(self, ends, warm_up):
        self.ends, self.warm_up = ends, warm_up

    def __call__(self, fraction, cycle, steps):
        begin = self.ends[cycle - 1] if cycle else 0.0
        within = (fraction - begin) / (self.ends[cycle] - begin)
        peak = 0.5 if cycle else 1.0
        return peak * min(1.0, (steps + 1) / self.warm_up) * min(1.0, max(0.0, (1 - within) / 0.9))


class CycleMean:
    """The equal average of the weights at the ends of cycles, where the learning rate is 0 (Izmailov et al. 2018)."""

    def __init__(self):
        self.mean, self.count = None, 0

    @torch.no_grad()
    def add(self, model):
        state, self.count = model.state_dict(), self.count + 1
        if self.mean is None:
            self.mean = {n: w.clone() for n, w in state.items()}
        for n, m in self.mean.items():
            m.lerp_(state[n], 1 / self.count)


class Log:
    """Running averages of what steps report, as lines of JSON."""

    def __init__(self, path):
        self.file, self.ema = open(path, "a"), {}

    def add(self, batch, parts, missed):
        k = batch["shape"].kind
        if k == "clip":  # half of the evaluation's clips have the most frames
            k = "clip32" if batch["shape"].frames == 32 else "clip"
        now = {f"{k}.exact": exact(batch, missed.cpu())[0], **{f"{k}.{n}": v.item() for n, v in parts.items()}}
        for n, v in now.items():
            self.ema[n] = v if n not in self.ema else 0.8 * self.ema[n] + 0.2 * v

    def write(self, row):
        line = json.dumps({**row, **{n: round(v, 4) for n, v in sorted(self.ema.items())}})
        print(line, flush=True)
        self.file.write(line + "\n")
        self.file.flush()


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--minutes", type=float, default=9)
    ap.add_argument("--budget", type=float, default=24.0)
    ap.add_argument("--state", default="/tmp/scenes")
    ap.add_argument("--out", default=os.environ.get("OUT", "/tmp/out"))
    ap.add_argument("--init", help="weights to start from: a folder with parts, or a model.safetensors")
    ap.add_argument("--done", type=float, default=0, help="with --init: minutes those weights were trained for")
    ap.add_argument("--ends", default="0.8,0.9,1", help="where the rate falls to 0, as fractions of the stage, the last 1")
    ap.add_argument("--clip-share", type=float, default=0.25, help="share of batches that are clips")
    ap.add_argument("--repeats", type=int, default=2, help="how often a batch is used: a device waits for fewer")
    ap.add_argument("--answers-only", action="store_true",
                    help="leave out the losses of the heads only training uses: they start anew from a model.safetensors")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--lr", type=float, default=2.2e-3)
    ap.add_argument("--scale", type=float, default=0.5, help="of 256 stills, 96 pairs or 16.8 million pixels of clips: a batch")
    ap.add_argument("--threads", type=int, default=max(2, (os.cpu_count() or 2) - 1), help="that make batches")
    ap.add_argument("--lib", help="the world library, when it is built already")
    ap.add_argument("--plain", action="store_true", help="neither compile nor record graphs (always so without CUDA)")
    ap.add_argument("--warm-up", type=int, help="steps in which the rate rises: 300 for a first stage, else 100")
    ap.add_argument("--steps", type=int, default=1 << 30)
    a = ap.parse_args()
    a.ends = [float(e) for e in a.ends.split(",")]
    if a.ends != sorted(set(a.ends)) or a.ends[0] <= 0 or a.ends[-1] != 1:
        ap.error("--ends must rise from above 0 to 1")
    return a, ap.error


class Stage:
    """What a stretch takes up and leaves: weights, optimisers, how far the stage is."""

    def __init__(self, a, error, device):
        self.path = os.path.join(a.state, "state.pt")
        self.model = Scenes().to(device)
        self.rate = torch.zeros((), device=device)
        self.optimisers = optimisers(self.model, self.rate)
        self.done_s, self.began_s = 0.0, 0.0  # training time, and what of it was before this stage
        self.step, self.first = 0, 0  # steps done, and at this cycle's beginning
        self.mean, self.ends = CycleMean(), a.ends
        if os.path.exists(self.path):
            self.load(error, device)
        elif a.init:
            load_weights(self.model, read_weights(a.init))
            self.done_s = self.began_s = a.done * 60

    def load(self, error, device):
        st = torch.load(self.path, map_location=device)
        if st.get("ends") != self.ends:
            error(f"the stage in {self.path} was begun with --ends {st.get('ends')}")
        if st["ended"] >= len(self.ends):
            error(f"the stage in {self.path} is finished: a new one needs a --state of its own")
        self.model.load_state_dict(st["model"])
        for o, s in zip(self.optimisers, st["optimisers"]):
            o.load_state_dict(s)
            for g in o.param_groups:
                g["lr"] = self.rate
        self.done_s, self.began_s, self.step, self.first = st["done_s"], st["began_s"], st["step"], st["first"]
        self.mean.mean, self.mean.count = st["mean"], st["ended"]

    def save(self, out):
        torch.save({"model": self.model.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers],
                    "done_s": self.done_s, "began_s": self.began_s, "step": self.step, "first": self.first,
                    "mean": self.mean.mean,
                    "ended": self.mean.count, "ends": self.ends}, self.path)
        write_parts(self.mean.mean if self.mean.count == len(self.ends) else self.model.state_dict(), out)

    def end_cycle(self, out):
        self.mean.add(self.model)
        self.first = self.step
        folder = os.path.join(out, f"end{self.mean.count}")
        os.makedirs(folder, exist_ok=True)
        write_parts(self.model.state_dict(), folder)


def main():
    a, error = arguments()
    began = time.time()
    cuda = torch.cuda.is_available()
    device, dtype = ("cuda", torch.bfloat16) if cuda else ("cpu", torch.float32)
    torch.manual_seed(a.seed)
    os.makedirs(a.state, exist_ok=True)
    os.makedirs(a.out, exist_ok=True)
    tok = bpe.Tokenizer(os.path.join(ROOT, "models/scenes/tokenizer.json"))
    assert tok.size <= CONFIG["text_config"]["vocab_size"], tok.size
    stage = Stage(a, error, device)
    lib, seed = a.lib or build(), a.seed * 1000003 + int(stage.began_s) * 7919 + stage.step
    # Two makers: while one does what only one thread can, the other's threads render.
    sources = [Source(World(lib, tok.blob(), n), tok, (seed, i), a.scale, mix(a.clip_share))
               for i, n in enumerate((a.threads - a.threads // 2, a.threads // 2))]
    steps = Steps(stage.model, stage.optimisers, stage.rate, dtype)
    if cuda and not a.plain:
        compile_parts(stage.model)
        steps.prepare(sources[0], shapes())
    log, stream = Log(os.path.join(a.out, "log.jsonl")), Stream(sources, a.repeats)
    schedule = Schedule(a.ends, a.warm_up or (100 if stage.began_s > 0 else 300))
    train_from, start_s, end_s = time.time(), stage.done_s, a.budget * 60
    waited, last = 0.0, stage.step + a.steps
    while time.time() - began < a.minutes * 60 and stage.step < last and stage.mean.count < len(a.ends):
        stage.done_s = start_s + time.time() - train_from
        stream.fraction = fraction = (stage.done_s - stage.began_s) / max(1.0, end_s - stage.began_s)
        if fraction >= a.ends[stage.mean.count]:
            stage.end_cycle(a.out)
            continue
        rate = a.lr * schedule(fraction, stage.mean.count, stage.step - stage.first)
        t0 = time.time()
        batch = stream.next()
        waited += time.time() - t0
        dense, events = (0.0, 0.0) if a.answers_only else (0.5 if stage.done_s < 480 else 0.25, 0.15)
        parts, missed = steps.run(batch, rate, dense, events)
        stage.step += 1
        if stage.step % 20 == 0 or stage.step <= 3:  # waits for the device
            log.add(batch, parts, missed)
        if stage.step % 200 == 0 or stage.step <= 3:
            log.write({"step": stage.step, "s": round(stage.done_s, 1), "lr": round(rate, 6), "waited_s": round(waited, 1)})
    if cuda:
        torch.cuda.synchronize()
    stage.done_s = start_s + time.time() - train_from
    if stage.mean.count == len(a.ends) - 1 and stage.done_s >= end_s:
        stage.end_cycle(a.out)  # the last step went past the end
    stage.save(a.out)
    print(json.dumps({"stopped_at_step": stage.step, "trained_s": round(stage.done_s, 1), "waited_s": round(waited, 1),
                      "cycles_ended": stage.mean.count}), flush=True)


if __name__ == "__main__":
    main()
