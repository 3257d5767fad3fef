"""The decoder over a batch packed into one row of tokens, its attention in parts (CUDA only).

A row of a batch is a prefix (pictures), then questions with their answers; a question sees the prefix and itself. The
same function as Decoder.forward under the mask of that rule, which stays the definition. Attention of the prefix and of
the text over the prefix need no mask; the text's attention over its own question does, and merges with the other by
log-sum-exp. The backward pass of each part takes the merged output and log-sum-exp (as in ring attention, Liu et al.
2023). No kernel depends on what a batch holds beyond its shape, so that steps can be recorded as graphs.

Packed order: [B*P prefix tokens of all rows | B*T text tokens of all rows], N tokens in all. Prefixes are padded on the
left; the padding is a sequence of its own, which nobody reads.
"""
import numpy as np
import torch
import torch.nn.functional as F

from bpe import PAD
from model import rope, rope_tables

aten = torch.ops.aten


def boundaries(pads, prefix, text):
    """Sequence starts [2B+1], int32, of prefix rows (padding, then tokens) and of the text that reads them.

    pads [B]: left padding of each row's prefix of `prefix` tokens; `text` tokens follow it."""
    at = np.arange(len(pads))
    rows = np.append(np.stack([at * prefix, at * prefix + pads], 1).reshape(-1), len(pads) * prefix)
    texts = np.append(np.repeat(at * text, 2), len(pads) * text)
    return {"cu_rows": rows.astype(np.int32), "cu_text": texts.astype(np.int32)}


def places(prefix, segment):
    """Positions of the prefix [B, P] and of the text [B, T]: every question goes on where its row's prefix ends."""
    valid, (b, t) = prefix != PAD, segment.shape
    at = torch.arange(t, device=segment.device).expand(b, t)
    new = torch.ones_like(segment, dtype=torch.bool)
    new[:, 1:] = segment[:, 1:] != segment[:, :-1]
    start = torch.where(new, at, 0).cummax(1).values
    return (valid.cumsum(1) - 1).clamp(min=0), valid.sum(1, keepdim=True) + at - start


def own_question(segment, dtype):
    """segment [B, T] -> [B, 1, T, T], added to scores: a token sees what is before it in its question, and itself."""
    at = torch.arange(segment.shape[1], device=segment.device)
    seen = (segment[:, :, None] == segment[:, None]) & (at[:, None] >= at)
    return torch.where(seen, 0.0, float("-inf")).to(dtype)[:, None]


def merge(oa, la, ob, lb):
    """Two partial outputs [M, H, D] and their log-sum-exps [H, M] -> the attention over both."""
    l = torch.logaddexp(la, lb)
    wa, wb = ((x - l).exp().t()[..., None] for x in (la, lb))
    return (oa * wa + ob * wb).to(oa.dtype), l


class PackedAttention(torch.autograd.Function):
    """q [N, H, D], k and v [N, G, D] -> [N, H, D]; own [B, 1, T, T] as above; p: tokens of a prefix row."""

    @staticmethod
    def forward(ctx, q, k, v, own, p, cu_rows, cu_text):
        b, _, t, _ = own.shape
        pre, text = slice(None, b * p), slice(b * p, None)
        flash = aten._flash_attention_forward
        op, lp, state, unused, _ = flash(q[pre], k[pre], v[pre], cu_rows, cu_rows, p, p, 0.0, True, False)
        ox, lx, *_ = flash(q[text], k[pre], v[pre], cu_text, cu_rows, t, p, 0.0, False, False)
        oq, lq, seed, offset = aten._scaled_dot_product_efficient_attention(
            *PackedAttention.rows(q[text], k[text], v[text], b), own.expand(-1, q.shape[1], -1, -1), True)
        ot, lt = merge(ox, lx, oq.transpose(1, 2).flatten(0, 1), lq.transpose(0, 1).flatten(1))
        ctx.save_for_backward(q, k, v, own, op, lp, ot, lt, cu_rows, cu_text, state, unused, seed, offset)
        ctx.p = p
        return torch.cat([op, ot])

    @staticmethod
    def rows(q, k, v, b):
        """[B*T, heads, D] -> [B, H, T, D], keys and values once for each query head."""
        r = q.shape[1] // k.shape[1]
        return [x.unflatten(0, (b, -1)).transpose(1, 2) for x in
                (q, k.repeat_interleave(r, 1) if r > 1 else k, v.repeat_interleave(r, 1) if r > 1 else v)]

    @staticmethod
    def backward(ctx, grad):
        q, k, v, own, op, lp, ot, lt, cu_rows, cu_text, state, unused, seed, offset = ctx.saved_tensors
        (b, _, t, _), p, (heads, d), groups = own.shape, ctx.p, q.shape[1:], k.shape[1]
        pre, text = slice(None, b * p), slice(b * p, None)
        grad = grad.contiguous()
        back = aten._flash_attention_backward
        qp, kp, vp = back(grad[pre], q[pre], k[pre], v[pre], op, lp, cu_rows, cu_rows, p, p, 0.0, True, state, unused)
        qx, kx, vx = back(grad[text], q[text], k[pre], v[pre], ot, lt, cu_text, cu_rows, t, p, 0.0, False, state, unused)
        qo, ko, vo, _ = aten._scaled_dot_product_efficient_attention_backward(
            grad[text].unflatten(0, (b, t)).transpose(1, 2), *PackedAttention.rows(q[text], k[text], v[text], b),
            own.expand(-1, heads, -1, -1), ot.unflatten(0, (b, t)).transpose(1, 2),
            lt.unflatten(1, (b, t)).transpose(0, 1).contiguous(), seed, offset, 0.0, [True, True, True, False])
        qo = qo.transpose(1, 2).reshape(b * t, heads, d)
        ko, vo = (x.transpose(1, 2).reshape(b * t, groups, heads // groups, d).sum(2) for x in (ko, vo))
        return torch.cat([qp, qx + qo]), torch.cat([kp + kx, ko]), torch.cat([vp + vx, vo]), None, None, None, None


def project(layer, x, cos, sin):
    """x [N, C] -> q [N, H, D], k, v [N, G, D]."""
    y = layer.input_layernorm(x)
    q = layer.q_proj(y).view(-1, layer.h, layer.d)
    k = layer.k_proj(y).view(-1, layer.g, layer.d)
    v = layer.v_proj(y).view(-1, layer.g, layer.d)
    return rope(q, cos, sin).to(v.dtype), rope(k, cos, sin).to(v.dtype), v


def finish(layer, x, o):
    x = x + layer.o_proj(o.reshape(-1, layer.h * layer.d))
    y = layer.post_attention_layernorm(x)
    return x + layer.down_proj(F.silu(layer.gate_proj(y)) * layer.up_proj(y))


def decode(decoder, batch, visual, dtype):
    """Hidden states of the text [B*T, C]; visual [pictures, tokens, C] go where the prefix has their place."""
    prefix, tokens, segment = batch["prefix"].long(), batch["tokens"].long(), batch["segment"]
    (b, p), t = prefix.shape, tokens.shape[1]
    x = F.embedding(torch.cat([prefix.flatten(), tokens.flatten()]), decoder.embed_tokens.weight).to(dtype)
    x = x.index_copy(0, batch["visual_at"], visual.to(dtype).flatten(0, 1))
    positions = torch.cat([at.flatten() for at in places(prefix, segment)])
    cos, sin = (c[0].transpose(0, 1) for c in rope_tables(positions[None], decoder.t["head_dim"], decoder.t["rope_theta"]))
    own = own_question(segment, dtype)
    for layer in decoder.layers:
        q, k, v = project(layer, x, cos, sin)
        o = PackedAttention.apply(q, k, v, own, p, batch["cu_rows"], batch["cu_text"])
        x = finish(layer, x, o)
    return decoder.norm(x[b * p:])
