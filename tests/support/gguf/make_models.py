#!/usr/bin/env python3
"""Seeds of the gguf_model fuzz target: tiny models that load, and some that lie.

make_models.py FOLDER. A seed is a GGUF file, or four bytes with its length, the file, and its mmproj file.
"""
import struct
import sys
from pathlib import Path

U32, I32, F32, BOOL, STR, ARR = 4, 5, 6, 7, 8, 9
H, FFN, HEADS, KV, VOCAB = 8, 8, 2, 1, 24
TOKENS = [chr(c) for c in range(ord("a"), ord("a") + 16)] + ["ab", "abc", "\u2581", "<0x0A>", "<|im_start|>", "<|im_end|>",
                                                             "<|image_pad|>", "<|video_pad|>"]


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def value(v):
    if isinstance(v, bool):
        return BOOL, struct.pack("<B", v)
    if isinstance(v, int):
        return (U32, struct.pack("<I", v)) if v >= 0 else (I32, struct.pack("<i", v))
    if isinstance(v, float):
        return F32, struct.pack("<f", v)
    if isinstance(v, str):
        return STR, text(v)
    kind = value(v[0])[0]
    return ARR, struct.pack("<IQ", kind, len(v)) + b"".join(value(x)[1] for x in v)


def gguf(keys, tensors):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for k, v in keys.items():
        kind, data = value(v)
        head += text(k) + struct.pack("<I", kind) + data
    at, body = 0, b""
    for i, (name, shape) in enumerate(tensors.items()):
        count = 1
        for d in shape:
            count *= d
        head += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", d) for d in reversed(shape))
        head += struct.pack("<IQ", 0, at)
        data = struct.pack("<f", 1.0 + i / 64) * count
        data += b"\0" * (-len(data) % 32)
        at += len(data)
        body += data
    return head + b"\0" * (-len(head) % 32) + body


def language(arch, model="gpt2", pre="qwen2", **more):
    keys = {"general.architecture": arch, f"{arch}.block_count": 1, f"{arch}.context_length": 64,
            f"{arch}.embedding_length": H, f"{arch}.feed_forward_length": FFN, f"{arch}.attention.head_count": HEADS,
            f"{arch}.attention.head_count_kv": KV, f"{arch}.attention.layer_norm_rms_epsilon": 1e-5,
            f"{arch}.rope.freq_base": 10000.0, "tokenizer.ggml.model": model, "tokenizer.ggml.pre": pre,
            "tokenizer.ggml.tokens": TOKENS, "tokenizer.ggml.token_type": [1] * 19 + [6, 3, 3, 3, 4],
            "tokenizer.ggml.eos_token_id": 21, "tokenizer.ggml.bos_token_id": 20}
    if model == "gpt2":
        keys["tokenizer.ggml.merges"] = ["a b", "ab c"]
    else:
        keys["tokenizer.ggml.scores"] = [-float(i) for i in range(len(TOKENS))]
    keys.update(more)
    d = H // HEADS
    t = {"token_embd.weight": [VOCAB, H], "output_norm.weight": [H], "blk.0.attn_norm.weight": [H],
         "blk.0.ffn_norm.weight": [H], "blk.0.attn_q.weight": [H, H], "blk.0.attn_k.weight": [KV * d, H],
         "blk.0.attn_v.weight": [KV * d, H], "blk.0.attn_output.weight": [H, H], "blk.0.ffn_gate.weight": [FFN, H],
         "blk.0.ffn_up.weight": [FFN, H], "blk.0.ffn_down.weight": [H, FFN]}
    if arch.startswith("qwen2"):
        t |= {"blk.0.attn_q.bias": [H], "blk.0.attn_k.bias": [KV * d], "blk.0.attn_v.bias": [KV * d]}
    if arch.startswith("qwen3"):
        t |= {"blk.0.attn_q_norm.weight": [d], "blk.0.attn_k_norm.weight": [d], "output.weight": [VOCAB, H]}
    if arch.endswith("vl"):
        keys[f"{arch}.rope.dimension_sections"] = [1, 1, 0, 0]
    return keys, t


def visual(projector, **more):
    c, f, patch = 8, 12, 2
    keys = {"general.architecture": "clip", "clip.has_vision_encoder": True, "clip.projector_type": projector,
            "clip.vision.projection_dim": H, "clip.vision.patch_size": patch, "clip.vision.embedding_length": c,
            "clip.vision.feed_forward_length": f, "clip.vision.block_count": 1, "clip.vision.attention.head_count": 2,
            "clip.vision.attention.layer_norm_epsilon": 1e-6, "clip.vision.image_mean": [0.5, 0.5, 0.5],
            "clip.vision.image_std": [0.5, 0.5, 0.5]}
    keys.update(more)
    t = {"v.patch_embd.weight": [c, 3, patch, patch]}
    b = "v.blk.0."
    names = {"attn_out": [c, c], "ffn_up": [f, c], "ffn_down": [c, f]}
    if projector == "qwen2.5vl_merger":
        names |= {"attn_q": [c, c], "attn_k": [c, c], "attn_v": [c, c], "ffn_gate": [f, c]}
        t |= {"v.patch_embd.weight.1": [c, 3, patch, patch], b + "ln1.weight": [c], b + "ln2.weight": [c],
              "v.post_ln.weight": [c], "mm.0.weight": [4 * c, 4 * c], "mm.0.bias": [4 * c], "mm.2.weight": [H, 4 * c],
              "mm.2.bias": [H]}
    else:
        t |= {n + s: [c] for n in (b + "ln1", b + "ln2", "v.post_ln") for s in (".weight", ".bias")}
        t |= {"v.patch_embd.bias": [c], "v.position_embd.weight": [4, c]}
    if projector == "qwen3vl_merger":
        names |= {"attn_qkv": [3 * c, c]}
        t |= {"v.patch_embd.weight.1": [c, 3, patch, patch], "mm.0.weight": [4 * c, 4 * c], "mm.0.bias": [4 * c],
              "mm.2.weight": [H, 4 * c], "mm.2.bias": [H], "v.deepstack.0.norm.weight": [4 * c],
              "v.deepstack.0.norm.bias": [4 * c], "v.deepstack.0.fc1.weight": [4 * c, 4 * c],
              "v.deepstack.0.fc1.bias": [4 * c], "v.deepstack.0.fc2.weight": [H, 4 * c], "v.deepstack.0.fc2.bias": [H]}
    if projector == "idefics3":
        names |= {"attn_q": [c, c], "attn_k": [c, c], "attn_v": [c, c]}
        t |= {"mm.model.fc.weight": [H, 4 * c]}
    for n, shape in names.items():
        t |= {b + n + ".weight": shape, b + n + ".bias": shape[:1]}
    return keys, t


def both(model, mmproj):
    a, b = gguf(*model), gguf(*mmproj)
    return struct.pack("<I", len(a)) + a + b


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    smol = language("llama", pre="smollm")
    smol[0]["tokenizer.ggml.tokens"] = TOKENS[:-2] + ["<image>", "<end_of_utterance>"]
    factors = language("llama", pre="llama-bpe")
    factors[1]["rope_freqs.weight"] = [H // HEADS // 2]
    lie = language("qwen2")
    lie[0]["qwen2.block_count"] = 1 << 30
    shape = language("qwen3")
    shape[1]["blk.0.attn_q.weight"] = [H, H + 1]
    seeds = {
        "llama": gguf(*language("llama", pre="gpt-2")), "factors": gguf(*factors), "qwen2": gguf(*language("qwen2")),
        "qwen3": gguf(*language("qwen3")), "pieces": gguf(*language("llama", model="llama", pre="default")),
        "smolvlm": both(smol, visual("idefics3", **{"clip.vision.image_size": 4, "clip.vision.projector.scale_factor": 2})),
        "qwen2_5_vl": both(language("qwen2vl"), visual("qwen2.5vl_merger", **{"clip.vision.n_wa_pattern": 1})),
        "qwen3_vl": both(language("qwen3vl"), visual("qwen3vl_merger", **{"clip.vision.is_deepstack_layers": [True]})),
        "no_visual_half": gguf(*language("qwen2vl")), "many_layers": gguf(*lie), "bad_shape": gguf(*shape),
        "mismatch": both(language("qwen3"), visual("idefics3", **{"clip.vision.image_size": 4})),
    }
    for name, data in seeds.items():
        (out / f"{name}.gguf").write_bytes(data)


main()
