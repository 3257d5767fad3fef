"""Weights in bf16, split into files under 16 MB, so that they can travel in small pieces; weights as shipped, read."""
import glob
import json
import os
import struct

import numpy as np
import torch

from model import export_name, Scenes


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


def read_safetensors(path):
    """F32 tensors by exported name; BF16 is widened by hand, since NumPy does not know it."""
    data = np.fromfile(path, np.uint8)
    size = struct.unpack("<Q", data[:8].tobytes())[0]
    out = {}
    for name, info in json.loads(data[8:8 + size].tobytes()).items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        raw = data[8 + size + begin:8 + size + end]
        if info["dtype"] == "BF16":
            wide = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        elif info["dtype"] == "F32":
            wide = raw.view(np.float32).copy()
        else:
            raise ValueError(f"{name} has the dtype {info['dtype']}")
        out[name] = torch.from_numpy(wide.reshape(info["shape"]))
    return out


def read_weights(path):
    """By PyTorch name, from a folder of parts or a model.safetensors (which lacks the heads used in training only)."""
    if os.path.isdir(path):
        return read_parts(path)
    weights = read_safetensors(path)
    names = {export_name(n): n for n in Scenes().state_dict()}
    return {names[n]: w for n, w in weights.items()}
