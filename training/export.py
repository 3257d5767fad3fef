"""Writes models/scenes/model.safetensors (bf16, names of training/model.py's export_name) from weight parts.

  python3 training/export.py PARTS_FOLDER models/scenes
"""
import copy
import json
import os
import struct
import sys

import torch

from model import CONFIG, export_name
from parts import read_parts

DTYPES = {torch.bfloat16: "BF16", torch.float32: "F32", torch.int32: "I32"}


def raw(t):
    t = t.contiguous()
    return (t.view(torch.int16) if t.dtype == torch.bfloat16 else t).numpy().tobytes()


def write_safetensors(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, t in tensors.items():
        size = t.numel() * t.element_size()
        header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + size]}
        offset += size
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for t in tensors.values():
            f.write(raw(t))


def main():
    parts, out = sys.argv[1:3]
    os.makedirs(out, exist_ok=True)
    state = read_parts(parts)
    tensors = {}
    for name, t in state.items():
        target = export_name(name)
        if target:
            tensors[target] = t.to(torch.bfloat16)
    write_safetensors(os.path.join(out, "model.safetensors"), dict(sorted(tensors.items())))
    config = copy.deepcopy(CONFIG)
    if "projector.fc_prev.weight" not in tensors:
        del config["vision_config"]["frame_neighbours"]
    json.dump(config, open(os.path.join(out, "config.json"), "w"), indent=2)
    print(f"{sum(t.numel() for t in tensors.values()) / 1e6:.2f} M weights, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
