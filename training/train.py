"""Trains the `scenes` model from nothing but this repository.

  python3 training/train.py --minutes 9 --budget 15.6 --state /tmp/scenes --out OUT   # run it again to go on

A stage is trained in stretches of --minutes, set-up included. --budget is the training time in minutes at the stage's end,
stages before it (--init, --done) counted in; the learning rate falls to 0 there. State is kept in --state; weights so
far are also written to --out in parts under 16 MB (training/export.py joins them). training/README.md has both stages.
"""
import argparse
import json
import os
import time

import torch
import torch.nn.functional as F

import bpe
from losses import answer_loss, dense_loss, event_loss, segment_accuracy
from model import CONFIG, Scenes, load_weights
from muon import Muon
from parts import read_weights, write_parts
from world import ROOT, Stream, World, build


def optimisers(model, lr):
    """Muon for matrices within the network (its step does not depend on a matrix's size, so zeros are a fine start);
    AdamW for the rest."""
    matrices, others, decay = [], [], []
    for name, p in model.named_parameters():
        if p.ndim == 2 and "embed_tokens" not in name and not name.startswith(("dense.fc2", "events.")):
            matrices.append(p)
        elif p.ndim >= 2:
            decay.append(p)
        else:
            others.append(p)
    adam = torch.optim.AdamW([{"params": decay, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
                             lr=lr, betas=(0.9, 0.98), **({"fused": True} if torch.cuda.is_available() else {}))
    return [Muon(matrices, lr=lr), adam]


def mix(clip_share):
    """How often each kind of batch comes; without a share, clips wait until stills are known a little."""
    def at(fraction):
        clip = clip_share if clip_share is not None else 0.12 if fraction < 0.15 else 0.30
        return {"image": 1 - clip - 0.07, "pair": 0.07, "clip": clip}
    return at


def rate(fraction, steps, warm_up):
    """Of the peak learning rate: up over the first steps, then level for a tenth of the stage, then down to 0."""
    return min(1.0, (steps + 1) / warm_up) * (1.0 if fraction < 0.1 else max(0.0, (1 - fraction) / 0.9))


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


def forward(model, batch, dtype):
    """One batch -> hidden states at targets, target ids, segment ids, encoder tokens, domain logit, visual tokens."""
    px = batch["pixels"]
    b, spans = px.shape[:2]
    tokens, domain = model.encoder(px.flatten(0, 1))
    visual = model.projector(tokens, spans if batch["kind"] == "clip" else 0)
    ids = torch.cat([batch["prefix"], batch["tokens"]], 1).long()
    p, t = batch["prefix"].shape[1], batch["tokens"].shape[1]
    x = F.embedding(ids, model.decoder.embed_tokens.weight).to(dtype)
    x = x.masked_scatter((ids == bpe.IMAGE_PAD)[..., None], visual.to(dtype).reshape(-1))
    n = p + t
    valid = batch["prefix"] != bpe.PAD
    seg = torch.cat([torch.where(valid, -2, -1), batch["segment"]], 1)  # -2 prefix, -1 padding
    at = torch.arange(n, device=px.device)
    mask = ((seg[:, None] == -2) | (seg[:, None] == seg[:, :, None])) & (at[None, None] <= at[None, :, None])
    mask &= (seg[:, None] != -1) | (at[None, None] == at[None, :, None])
    first = torch.ones_like(seg[:, p:], dtype=torch.bool)
    first[:, 1:] = seg[:, p + 1:] != seg[:, p:-1]
    text_at = torch.arange(t, device=px.device).expand(b, t)
    start = torch.where(first, text_at, 0).cummax(1).values
    positions = torch.cat([(valid.cumsum(1) - 1).clamp(min=0), valid.sum(1, keepdim=True) + text_at - start], 1)
    hidden = model.decoder(x, positions, mask[:, None])
    target = batch["targets"]
    rows, cols = target // t, target % t
    return hidden[rows, p + cols - 1], batch["tokens"].long()[rows, cols], rows * 1000 + batch["segment"][rows, cols], \
        tokens, domain, visual


def compile_blocks(model, stream, device, dtype, batches):
    """Compiles what compiles; a group that fails stays as it is. Other shapes are compiled again when they first come:
    `batches` are run for that, and teach nothing."""
    import torch._dynamo
    import torch._inductor.config as inductor
    torch._dynamo.config.suppress_errors = True
    torch._dynamo.config.cache_size_limit = 32
    if hasattr(inductor.triton, "coalesce_tiling_analysis"):
        inductor.triton.coalesce_tiling_analysis = False
    enc = model.encoder
    for name, group in {"decoder": model.decoder.layers, "stage1": enc.stage1, "stage2": enc.stage2}.items():
        began = time.time()
        try:
            for block in group:
                block.compile(dynamic=True)
            for _ in range(2):
                step_loss(model, to_device(stream.next(), device), dtype)[0].backward()
            torch.cuda.synchronize()
        except Exception as error:  # compiler faults of any kind: plain execution is always right
            print(f"{name} stays uncompiled: {type(error).__name__}", flush=True)
            for block in group:
                block._compiled_call_impl = None
        model.zero_grad(set_to_none=True)
        print(f"{name}: {time.time() - began:.1f} s", flush=True)
    began = time.time()
    for _ in range(batches):
        step_loss(model, to_device(stream.next(), device), dtype)[0].backward()
        model.zero_grad(set_to_none=True)
    print(f"{batches} batches: {time.time() - began:.1f} s", flush=True)


def to_device(batch, device):
    return {k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v for k, v in batch.items()}


def step_loss(model, batch, dtype, dense_weight=0.5, event_weight=0.15):
    """Total loss of a batch, its parts, and what the log needs."""
    with torch.autocast(batch["pixels"].device.type, torch.bfloat16, enabled=dtype != torch.float32):
        hidden, target, segment, tokens, domain, visual = forward(model, batch, dtype)
        logits = model.decoder.logits(hidden).float()
        loss = text = answer_loss(logits, target)
        still = batch["kind"] != "clip"
        dense = model.dense(tokens) if still else None
        events = None if still else model.events(visual)
    parts = dense_loss(dense, batch["objects"].flatten(0, 1)) if still else {}
    if still:
        loss = loss + dense_weight * sum(parts.values())
        label = batch["domain"].repeat_interleave(batch["pixels"].shape[1])
    else:
        label = torch.zeros_like(domain)
        parts["events"] = event_loss(events, batch["events"].flatten(0, 1))
        loss = loss + event_weight * parts["events"]
    parts["domain"] = F.binary_cross_entropy_with_logits(domain.float(), label)
    return loss + 0.2 * parts["domain"], text, parts, (logits, target, segment)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--minutes", type=float, default=9)
    ap.add_argument("--budget", type=float, default=15.6)
    ap.add_argument("--state", default="/tmp/scenes")
    ap.add_argument("--out", default=os.environ.get("OUT", "/tmp/out"))
    ap.add_argument("--init", help="weights to start from: a folder with parts, or a model.safetensors")
    ap.add_argument("--done", type=float, default=0, help="with --init: minutes those weights were trained for")
    ap.add_argument("--finish", action="store_true", help="let the rate reach 0 at this stretch's end, if the budget ends later")
    ap.add_argument("--cycles", type=int, default=1, help="how often the rate falls to 0; the weights then are averaged")
    ap.add_argument("--clip-share", type=float, help="share of batches that are clips")
    ap.add_argument("--answers-only", action="store_true",
                    help="leave out the losses of the heads only training uses: they start anew from a model.safetensors")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--scale", type=float, default=1.0, help="batch size multiplier")
    ap.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    ap.add_argument("--lib", help="the world library, when it is built already")
    ap.add_argument("--compile", action="store_true")
    ap.add_argument("--compile-batches", type=int, default=0, help="batches run before time counts, for a short stage")
    ap.add_argument("--warm-up", type=int, help="steps in which the rate rises: 300 for a first stage, else 100")
    ap.add_argument("--steps", type=int, default=1 << 30)
    a = ap.parse_args()
    began = time.time()
    cuda = torch.cuda.is_available()
    device, dtype = ("cuda", torch.bfloat16) if cuda else ("cpu", torch.float32)
    torch.manual_seed(a.seed)
    os.makedirs(a.state, exist_ok=True)
    os.makedirs(a.out, exist_ok=True)
    tok = bpe.Tokenizer(os.path.join(ROOT, "models/scenes/tokenizer.json"))
    assert tok.size <= CONFIG["text_config"]["vocab_size"], tok.size
    model = Scenes().to(device)
    opts = optimisers(model, a.lr)
    done_s, stage_s, step = 0.0, 0.0, 0  # stage_s: the training time at this stage's start
    saved = os.path.join(a.state, "state.pt")
    mean = CycleMean()
    if os.path.exists(saved):
        st = torch.load(saved, map_location=device)
        model.load_state_dict(st["model"])
        for o, s in zip(opts, st["opts"]):
            o.load_state_dict(s)
        done_s, stage_s, step = st["done_s"], st["stage_s"], st["step"]
        mean.mean, mean.count = st["mean"], st["ended"]
        if a.cycles != st["cycles"]:
            ap.error(f"the stage in {a.state} was begun with --cycles {st['cycles']}")
        if mean.count >= a.cycles:
            ap.error(f"the stage in {a.state} is finished: a new one needs a --state of its own")
    elif a.init:
        load_weights(model, read_weights(a.init))
        done_s = stage_s = a.done * 60
    warm_up = a.warm_up or (100 if done_s > 0 else 300)
    aux = (0.0, 0.0) if a.answers_only else (0.25, 0.15)  # weights of the dense and the event losses
    world = World(a.lib or build(), tok.blob(), a.threads)
    stream = Stream(world, tok, a.seed * 1000003 + int(stage_s) * 7919 + step, a.scale, mix(a.clip_share))
    if a.compile:
        compile_blocks(model, stream, device, dtype, a.compile_batches)
    log = open(os.path.join(a.out, "log.jsonl"), "a")
    limit_s, budget_s, start_s = a.minutes * 60, a.budget * 60, done_s
    train_from = time.time()  # compiling is not training
    end_s = min(budget_s, start_s + limit_s - 2 - (train_from - began)) if a.finish else budget_s
    ema = {}
    waited = 0.0
    end, first = step + a.steps, step
    while time.time() - began < limit_s and step < end and mean.count < a.cycles:
        done_s = start_s + time.time() - train_from
        stream.fraction = fraction = (done_s - stage_s) / max(1.0, end_s - stage_s)
        if fraction * a.cycles >= mean.count + 1:
            mean.add(model)
            first = step
            continue
        lr = a.lr * rate(fraction * a.cycles - mean.count, step - first, warm_up)
        t0 = time.time()
        batch = stream.next()
        waited += time.time() - t0
        loss, text, parts, shown = step_loss(model, to_device(batch, device), dtype,
                                             aux[0] * (2 if done_s < 480 else 1), aux[1])
        for o in opts:
            for g in o.param_groups:
                g["lr"] = lr
            o.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
        step += 1
        if step % 25 == 0 or step <= 3:
            k = batch["kind"]
            if k == "clip":  # half of the evaluation's clips have the most frames
                k = "clip32" if batch["times"].shape[1] == 32 else "clip"
            now = {k + ".text": text.item(), k + ".exact": segment_accuracy(*shown)}
            now.update({k + "." + n: v.item() for n, v in parts.items()})
            for n, v in now.items():
                ema[n] = v if n not in ema else 0.8 * ema[n] + 0.2 * v
        if step % 200 == 0 or step <= 3:
            row = {"step": step, "s": round(done_s, 1), "lr": round(lr, 6), "waited_s": round(waited, 1),
                   **{n: round(v, 4) for n, v in sorted(ema.items())}}
            print(json.dumps(row), flush=True)
            log.write(json.dumps(row) + "\n")
            log.flush()
    done_s = start_s + time.time() - train_from
    if mean.count == a.cycles - 1 and done_s >= end_s:
        mean.add(model)  # the last step went past the end
    torch.save({"model": model.state_dict(), "opts": [o.state_dict() for o in opts], "done_s": done_s, "stage_s": stage_s,
                "step": step, "mean": mean.mean, "ended": mean.count, "cycles": a.cycles}, saved)
    write_parts(mean.mean if mean.count == a.cycles else model.state_dict(), a.out)
    print(json.dumps({"stopped_at_step": step, "trained_s": round(done_s, 1), "waited_s": round(waited, 1),
                      "cycles_ended": mean.count}), flush=True)


if __name__ == "__main__":
    main()
