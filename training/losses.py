"""Training losses: answers, and what stands where (training only)."""
import torch
import torch.nn.functional as F


def answer_loss(logits, target, weight):
    """Mean over targets of weight 1; those of weight 0 are filler."""
    return (F.cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum()


def event_loss(logits, labels):
    """logits, labels [frames, pairs]; per event, since most frames show none."""
    labels = labels.float()
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / labels.sum().clamp(min=1)


def iou(a, b):
    """Boxes as (cx, cy, w, h), matched row by row -> (iou, generalised iou)."""
    ax0, ay0, ax1, ay1 = a[:, 0] - a[:, 2] / 2, a[:, 1] - a[:, 3] / 2, a[:, 0] + a[:, 2] / 2, a[:, 1] + a[:, 3] / 2
    bx0, by0, bx1, by1 = b[:, 0] - b[:, 2] / 2, b[:, 1] - b[:, 3] / 2, b[:, 0] + b[:, 2] / 2, b[:, 1] + b[:, 3] / 2
    inter = (torch.min(ax1, bx1) - torch.max(ax0, bx0)).clamp(min=0) * \
        (torch.min(ay1, by1) - torch.max(ay0, by0)).clamp(min=0)
    union = a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - inter + 1e-6
    hull = (torch.max(ax1, bx1) - torch.min(ax0, bx0)) * (torch.max(ay1, by1) - torch.min(ay0, by0)) + 1e-6
    return inter / union, inter / union - (hull - union) / hull


def dense_loss(pred, objects):
    """pred: maps [B, H, W, *]; objects [B, 12, 16] (tools/world/c_api.h). An object is predicted at its centre's token.

    Empty slots are computed too and weigh nothing: no shape depends on how many objects there are."""
    b, h, w, _ = pred["obj"].shape
    real = objects[..., 0] > 0
    o = torch.where(real[..., None], objects, 0.5)
    col = (o[..., 1] * w).long().clamp(0, w - 1)
    row = (o[..., 2] * h).long().clamp(0, h - 1)
    at = row * w + col
    want = torch.zeros(b, h * w + 1, device=o.device).scatter(1, torch.where(real, at, h * w), 1.0)[:, :-1]
    count = real.sum().clamp(min=1)
    out = {"obj": F.binary_cross_entropy_with_logits(pred["obj"].flatten(1), want, reduction="sum") / count}
    o, real, col, row = o.flatten(0, 1), real.flatten(), col.flatten(), row.flatten()

    def pick(name):
        maps = pred[name].flatten(1, 2)
        return maps.gather(1, at[..., None].expand(-1, -1, maps.shape[-1])).flatten(0, 1)

    raw = pick("box")
    box = torch.stack([(col + 0.5 + raw[:, 0]) / w, (row + 0.5 + raw[:, 1]) / h,
                       (raw[:, 2].clamp(max=6).exp()) / w, (raw[:, 3].clamp(max=6).exp()) / h], 1)
    out["box"] = ((1 - iou(box, o[:, 1:5])[1]) * real).sum() / count
    for i, name in enumerate(("shape", "colour", "size", "fill", "kind")):
        label = o[:, 5 + i].long()
        known = real & (label >= 0)
        ce = F.cross_entropy(pick(name), torch.where(known, label, 0), reduction="none")
        out[name] = 0.5 * (ce * known).sum() / known.sum().clamp(min=1)
    chars = torch.where(o[:, 11:16] < 0, 36, o[:, 11:16]).long()
    labelled = real & (o[:, 10] > 0)
    ce = F.cross_entropy(pick("chars").view(-1, 5, 37).flatten(0, 1), chars.flatten(), reduction="none").view(-1, 5)
    out["chars"] = (ce.mean(1) * torch.where(labelled, 1.0, 0.05) * real).sum() / labelled.sum().clamp(min=1)
    return out
