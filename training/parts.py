"""Weights in bf16, split into files under 16 MB, so that they can travel in small pieces."""
import glob
import os

import torch


def write_parts(state, folder, limit_bytes=15_000_000):
    part, size, index = {}, 0, 0

    def flush():
        nonlocal part, size, index
        if part:
            torch.save(part, os.path.join(folder, f"weights-{index}.pt"))
            part, size, index = {}, 0, index + 1

    for name, t in state.items():
        t = t.detach().to("cpu", torch.bfloat16).clone()
        if size + t.numel() * 2 > limit_bytes:
            flush()
        part[name] = t
        size += t.numel() * 2
    flush()


def read_parts(folder):
    state = {}
    for f in sorted(glob.glob(os.path.join(folder, "weights-*.pt"))):
        state.update({k: v.float() for k, v in torch.load(f, map_location="cpu").items()})
    if not state:
        raise FileNotFoundError(f"no weights-*.pt in {folder}")
    return state
