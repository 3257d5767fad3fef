"""Training losses: answers, and what stands where (training only)."""
import torch
import torch.nn.functional as F


def answer_loss(logits, target):
    return F.cross_entropy(logits, target)


def event_loss(logits, labels):
    """logits, labels [frames, pairs]; per event, since most frames show none."""
    labels = labels.float()
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / labels.sum().clamp(min=1)


@torch.no_grad()
def segment_accuracy(logits, target, segment):
    """Share of answers whose every token is the arg max given the right tokens before it."""
    wrong = (logits.argmax(-1) != target).float()
    _, index = segment.unique(return_inverse=True)
    bad = torch.zeros(int(index.max()) + 1, device=logits.device).index_add_(0, index, wrong)
    return (bad == 0).float().mean().item()


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
    """pred: maps [B, H, W, *]; objects [B, 12, 16] (tools/world/c_api.h). An object is predicted at its centre's token."""
    b, h, w, _ = pred["obj"].shape
    img, slot = (objects[..., 0] > 0).nonzero(as_tuple=True)
    o = objects[img, slot]
    col = (o[:, 1] * w).long().clamp(0, w - 1)
    row = (o[:, 2] * h).long().clamp(0, h - 1)
    want = torch.zeros(b, h, w, device=o.device)
    want[img, row, col] = 1
    out = {"obj": F.binary_cross_entropy_with_logits(pred["obj"][..., 0], want, reduction="sum") / max(1, len(o))}
    at = {k: v[img, row, col] for k, v in pred.items() if k != "obj"}
    raw = at["box"]
    box = torch.stack([(col + 0.5 + raw[:, 0]) / w, (row + 0.5 + raw[:, 1]) / h,
                       (raw[:, 2].clamp(max=6).exp()) / w, (raw[:, 3].clamp(max=6).exp()) / h], 1)
    out["box"] = (1 - iou(box, o[:, 1:5])[1]).mean()
    for i, name in enumerate(("shape", "colour", "size", "fill", "kind")):
        label = o[:, 5 + i].long()
        ok = label >= 0
        if name in pred:
            label = torch.where(ok, label, 0)
            ce = F.cross_entropy(at[name], label, reduction="none")
            out[name] = 0.5 * (ce * ok).sum() / ok.sum().clamp(min=1)
    chars = torch.where(o[:, 11:16] < 0, 36, o[:, 11:16]).long()
    labelled = o[:, 10] > 0
    ce = F.cross_entropy(at["chars"].view(-1, 5, 37).flatten(0, 1), chars.flatten(), reduction="none").view(-1, 5)
    out["chars"] = (ce.mean(1) * torch.where(labelled, 1.0, 0.05)).sum() / labelled.sum().clamp(min=1)
    return out
