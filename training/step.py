"""What one training step computes: answers, what stands where, events, and whether a picture is a scene at all."""
import torch
import torch.nn.functional as F

import bpe
import packed
from losses import answer_loss, dense_loss, event_loss


def masked_text(model, batch, visual, dtype):
    """Hidden states of the text [B*T, C] by the decoder's definition: attention under a mask."""
    ids = torch.cat([batch["prefix"], batch["tokens"]], 1).long()
    p = batch["prefix"].shape[1]
    x = F.embedding(ids, model.decoder.embed_tokens.weight).to(dtype)
    x = x.masked_scatter((ids == bpe.IMAGE_PAD)[..., None], visual.to(dtype).reshape(-1))
    valid = batch["prefix"] != bpe.PAD
    seg = torch.cat([torch.where(valid, -2, -1), batch["segment"]], 1)  # -2 prefix, -1 padding
    at = torch.arange(ids.shape[1], device=x.device)
    mask = ((seg[:, None] == -2) | (seg[:, None] == seg[:, :, None])) & (at[None, None] <= at[None, :, None])
    mask &= (seg[:, None] != -1) | (at[None, None] == at[None, :, None])
    positions = torch.cat(packed.places(batch["prefix"], batch["segment"]), 1)
    return model.decoder(x, positions, mask[:, None])[:, p:].flatten(0, 1)


def forward(model, batch, dtype, fast=None):
    """One batch -> logits at targets, target ids, their weight (0: filler), encoder tokens, domain logit, visual tokens.

    fast: attention without masks (packed.py), by default wherever there is CUDA."""
    px = batch["pixels"]
    tokens, domain = model.encoder(px.flatten(0, 1))
    visual = model.projector(tokens, px.shape[1] if batch["shape"].kind == "clip" else 0)
    fast = px.is_cuda if fast is None else fast
    text = packed.decode(model.decoder, batch, visual, dtype) if fast else masked_text(model, batch, visual, dtype)
    at = batch["targets"]
    logits = model.decoder.logits(text.index_select(0, at - 1)).float()
    return logits, batch["tokens"].flatten()[at].long(), batch["target_weight"], tokens, domain, visual


def step_loss(model, batch, dtype, weights, fast=None):
    """Total loss of a batch, its parts, and which targets are missed. weights: of the dense and of the event losses."""
    with torch.autocast(batch["pixels"].device.type, torch.bfloat16, enabled=dtype != torch.float32):
        logits, target, weight, tokens, domain, visual = forward(model, batch, dtype, fast)
        still = batch["shape"].kind != "clip"
        head = model.dense(tokens) if still else model.events(visual)
    parts = {"text": answer_loss(logits, target, weight)}
    loss = parts["text"]
    if still:
        dense = dense_loss(head, batch["objects"].flatten(0, 1))
        loss = loss + weights[0] * sum(dense.values())
        parts.update(dense)
        label = batch["domain"].repeat_interleave(batch["pixels"].shape[1])
    else:
        parts["events"] = event_loss(head, batch["events"].flatten(0, 1))
        loss = loss + weights[1] * parts["events"]
        label = torch.zeros_like(domain)
    parts["domain"] = F.binary_cross_entropy_with_logits(domain.float(), label)
    missed = (logits.detach().argmax(-1) != target) & (weight > 0)
    return loss + 0.2 * parts["domain"], {n: v.detach() for n, v in parts.items()}, missed


def exact(batch, missed):
    """Share of answers whose every token is the arg max given the right tokens before it, and how many answers."""
    real, t = batch["target_weight"] > 0, batch["tokens"].shape[1]
    question = batch["targets"] // t * 1000 + batch["segment"].flatten()[batch["targets"]]
    _, index = question[real].unique(return_inverse=True)
    bad = torch.zeros(int(index.max()) + 1, device=missed.device).index_add_(0, index, missed[real].float())
    return (bad == 0).float().mean().item(), len(bad)


def to_device(batch, device):
    return {k: v.to(device, non_blocking=True) if torch.is_tensor(v) else v for k, v in batch.items()}
