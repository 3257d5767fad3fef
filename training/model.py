"""The `scenes` network in PyTorch: the definition the native engine must agree with.

Shapes: B images, H x W token map (NHWC), C channels, N visual tokens, T text tokens.
Attention in the encoder is written as dense attention under a boolean mask: the same function as the
engine's block lists, and fast enough on a GPU at these sizes.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = {
    "architectures": ["ScenesForConditionalGeneration"],
    "model_type": "scenes",
    "vision_config": {
        "stem_channels": [32, 64],
        "stage1": {"depth": 3, "dim": 128, "heads": 4, "kernel": 5, "dilations": [1, 2, 3], "mlp_ratio": 3},
        "stage2": {"depth": 3, "dim": 256, "heads": 8, "n_win": 4, "topk": 4, "mlp_ratio": 3},
        "stage3": {"depth": 3, "dim": 256, "heads": 8, "window": 4, "carrier": 2, "mlp_ratio": 3,
                   "carrier_mlp_ratio": 2},
        "layer_norm_eps": 1e-6,
        "frame_merge": 2,
        "frame_neighbours": True,
        "domain_hidden": 128,
    },
    "text_config": {
        "model_type": "llama", "hidden_size": 384, "intermediate_size": 832, "num_hidden_layers": 6,
        "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 64, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "vocab_size": 1280, "max_position_embeddings": 4096,
        "tie_word_embeddings": True, "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
    },
    "torch_dtype": "bfloat16",
}

if hasattr(F, "scaled_dot_product_attention"):
    def attend(q, k, v, mask=None, scale=None):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
else:  # older PyTorch: the definition itself
    def attend(q, k, v, mask=None, scale=None):
        s = (q @ k.transpose(-1, -2)) * (scale if scale is not None else q.shape[-1] ** -0.5)
        if mask is not None:
            s = s.masked_fill(~mask, float("-inf"))
        return s.softmax(-1) @ v


def split_heads(qkv, heads):
    """[B, N, 3C] -> three [B, heads, N, d]."""
    b, n, c3 = qkv.shape
    return qkv.view(b, n, 3, heads, c3 // 3 // heads).permute(2, 0, 3, 1, 4).unbind(0)


def join_heads(o):
    b, h, n, d = o.shape
    return o.transpose(1, 2).reshape(b, n, h * d)


class Mlp(nn.Module):
    def __init__(self, dim, ratio):
        super().__init__()
        self.fc1 = nn.Linear(dim, dim * ratio)
        self.fc2 = nn.Linear(dim * ratio, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


def norm_linear(norm, linear, x):
    """x [M, C]: tokens of any arrangement, so that one compiled kernel serves all."""
    return linear(norm(x))


def add_branches(x, o, proj, norm, mlp):
    """x, o [M, C]: what attention found, then the MLP, each added to the stream."""
    x = x + proj(o)
    return x + mlp(norm(x))


class DwConv(nn.Module):
    """Depth-wise convolution on an NHWC map."""

    def __init__(self, dim, k):
        super().__init__()
        self.k = k
        self.weight = nn.Parameter(torch.randn(dim, 1, k, k) * (0.5 / k))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        y = F.conv2d(x.permute(0, 3, 1, 2), self.weight.to(x.dtype), self.bias.to(x.dtype),
                     padding=self.k // 2, groups=x.shape[-1])
        return y.permute(0, 2, 3, 1)


class Down(nn.Module):
    """conv3x3 stride 2 then LayerNorm over channels, NHWC in and out."""

    def __init__(self, cin, cout, eps):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(cout, eps=eps)

    def forward(self, x):
        return self.norm(self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous())


def neighbourhood_axis(length, kernel, dilation):
    """allowed[i, j]: query i reads key j (vision.md 1.2.2)."""
    allowed = torch.zeros(length, length, dtype=torch.bool)
    for i in range(length):
        r, p = i % dilation, i // dilation
        g = (length - r + dilation - 1) // dilation
        if g < kernel:
            raise ValueError(f"map side {length} is below kernel*dilation {kernel * dilation}")
        start = min(max(p - kernel // 2, 0), g - kernel)
        for t in range(kernel):
            allowed[i, (start + t) * dilation + r] = True
    return allowed


class Masks:
    """Static masks per map size, built once."""

    def __init__(self):
        self.cache = {}

    def neighbourhood(self, h, w, kernel, dilation, device):
        key = ("na", h, w, kernel, dilation, device)
        if key not in self.cache:
            rows = neighbourhood_axis(h, kernel, dilation)
            cols = neighbourhood_axis(w, kernel, dilation)
            m = (rows[:, None, :, None] & cols[None, :, None, :]).reshape(h * w, h * w)
            self.cache[key] = m.to(device)[None, None]
        return self.cache[key]

    def regions(self, h, w, n_win, device):
        key = ("region", h, w, n_win, device)
        if key not in self.cache:
            r = (torch.arange(h) // (h // n_win))[:, None] * n_win + (torch.arange(w) // (w // n_win))[None]
            self.cache[key] = r.reshape(-1).to(device)
        return self.cache[key]


MASKS = Masks()


class DilatedBlock(nn.Module):
    def __init__(self, cfg, dilation, eps):
        super().__init__()
        c = cfg["dim"]
        self.heads, self.kernel, self.dilation = cfg["heads"], cfg["kernel"], dilation
        self.pos = DwConv(c, 3)
        self.norm1 = nn.LayerNorm(c, eps=eps)
        self.qkv = nn.Linear(c, 3 * c)
        self.proj = nn.Linear(c, c)
        self.norm2 = nn.LayerNorm(c, eps=eps)
        self.mlp = Mlp(c, cfg["mlp_ratio"])

    def mask(self, x):
        return MASKS.neighbourhood(x.shape[1], x.shape[2], self.kernel, self.dilation, x.device)

    def forward(self, x, mask):
        b, h, w, c = x.shape
        x = x + self.pos(x)
        q, k, v = split_heads(self.qkv(self.norm1(x)).view(b, h * w, 3 * c), self.heads)
        o = join_heads(attend(q, k, v, mask))
        x = x + self.proj(o).view(b, h, w, c)
        return x + self.mlp(self.norm2(x))


class BilevelBlock(nn.Module):
    def __init__(self, cfg, eps):
        super().__init__()
        c = cfg["dim"]
        self.heads, self.n_win, self.topk = cfg["heads"], cfg["n_win"], cfg["topk"]
        self.pos = DwConv(c, 3)
        self.norm1 = nn.LayerNorm(c, eps=eps)
        self.qkv = nn.Linear(c, 3 * c)
        self.lce = DwConv(c, 5)
        self.proj = nn.Linear(c, c)
        self.norm2 = nn.LayerNorm(c, eps=eps)
        self.mlp = Mlp(c, cfg["mlp_ratio"])

    def route(self, q, k, h, w):
        """q, k [B, H*W, C] -> allowed [B, R, R]: topk regions of each region, one list for all heads."""
        b, _, c = q.shape
        n, rh, rw = self.n_win, h // self.n_win, w // self.n_win
        qr = q.float().view(b, n, rh, n, rw, c).mean((2, 4)).view(b, n * n, c)
        kr = k.float().view(b, n, rh, n, rw, c).mean((2, 4)).view(b, n * n, c)
        idx = (qr @ kr.transpose(1, 2)).topk(self.topk, dim=-1).indices
        return torch.zeros(b, n * n, n * n, dtype=torch.bool, device=q.device).scatter_(2, idx, True)

    def forward(self, x, region):
        """region [H*W]: the routing region of each token."""
        b, h, w, c = x.shape
        x = x + self.pos(x)
        qkv = self.qkv(self.norm1(x)).view(b, h * w, 3 * c)
        with torch.no_grad():
            allowed = self.route(qkv[..., :c], qkv[..., c:2 * c], h, w)
            mask = allowed[:, region][:, :, region][:, None]
        q, k, v = split_heads(qkv, self.heads)
        o = join_heads(attend(q, k, v, mask, scale=c ** -0.5)).view(b, h, w, c)
        o = o + self.lce(qkv[..., 2 * c:].reshape(b, h, w, c))
        x = x + self.proj(o)
        return x + self.mlp(self.norm2(x))


class CarrierBlock(nn.Module):
    def __init__(self, cfg, eps):
        super().__init__()
        c = cfg["dim"]
        self.heads, self.win, self.car = cfg["heads"], cfg["window"], cfg["carrier"]
        self.pos = DwConv(c, 3)
        self.hat_norm1 = nn.LayerNorm(c, eps=eps)
        self.hat_qkv = nn.Linear(c, 3 * c)
        self.hat_proj = nn.Linear(c, c)
        self.hat_norm2 = nn.LayerNorm(c, eps=eps)
        self.hat_mlp = Mlp(c, cfg["carrier_mlp_ratio"])
        self.norm1 = nn.LayerNorm(c, eps=eps)
        self.qkv = nn.Linear(c, 3 * c)
        self.proj = nn.Linear(c, c)
        self.norm2 = nn.LayerNorm(c, eps=eps)
        self.mlp = Mlp(c, cfg["mlp_ratio"])

    def forward(self, x, ct):
        """x [B, H, W, C]; ct [B, nW, car*car, C] in window order. Returns both."""
        b, h, w, c = x.shape
        nw, m = ct.shape[1], ct.shape[2]
        t = self.attend_all(ct.reshape(b, nw * m, c), self.hat_norm1, self.hat_qkv, self.hat_proj, self.hat_norm2, self.hat_mlp)
        x = x + self.pos(x)
        s, gh, gw = self.win, h // self.win, w // self.win
        p = x.view(b, gh, s, gw, s, c).permute(0, 1, 3, 2, 4, 5).reshape(b * nw, s * s, c)
        y = torch.cat([t.view(b * nw, m, c), p], 1)
        y = self.attend_all(y, self.norm1, self.qkv, self.proj, self.norm2, self.mlp)
        x = y[:, m:].reshape(b, gh, gw, s, s, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return x, y[:, :m].reshape(b, nw, m, c)

    def attend_all(self, y, norm1, qkv, proj, norm2, mlp):
        """Every token of a set sees every other: y [sets, N, C] -> the same."""
        sets, n, c = y.shape
        y = y.reshape(sets * n, c)
        heads = split_heads(norm_linear(norm1, qkv, y).view(sets, n, 3 * c), self.heads)
        return add_branches(y, join_heads(attend(*heads)).reshape(sets * n, c), proj, norm2, mlp).view(sets, n, c)


def sincos2d(h, w, device):
    """[h, w, 128]: sines and cosines of the normalised centre coordinates."""
    omega = math.pi * 2.0 ** (6.0 * torch.arange(32, device=device) / 31.0)
    u = ((torch.arange(w, device=device) + 0.5) / w)[None, :, None].expand(h, w, 1) * omega
    v = ((torch.arange(h, device=device) + 0.5) / h)[:, None, None].expand(h, w, 1) * omega
    return torch.cat([u.sin(), u.cos(), v.sin(), v.cos()], -1)


def pool(x):
    """Mean and (biased) standard deviation over a map's tokens: [B, N, C] -> [B, 2C]."""
    y = x.float()
    return torch.cat([y.mean(1), (y.var(1, unbiased=False) + 1e-6).sqrt()], -1)


class Encoder(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        eps = cfg["layer_norm_eps"]
        s0, s1 = cfg["stem_channels"]
        c1, c2 = cfg["stage1"]["dim"], cfg["stage2"]["dim"]
        self.stem0 = nn.Conv2d(3, s0, 3, stride=2, padding=1)
        self.stem1 = nn.Conv2d(s0, s1, 3, stride=2, padding=1)
        self.stem2 = Down(s1, c1, eps)
        self.stage1 = nn.ModuleList([DilatedBlock(cfg["stage1"], d, eps) for d in cfg["stage1"]["dilations"]])
        self.down = Down(c1, c2, eps)
        self.stage2 = nn.ModuleList([BilevelBlock(cfg["stage2"], eps) for _ in range(cfg["stage2"]["depth"])])
        self.position = nn.Linear(128, c2)
        self.stage3 = nn.ModuleList([CarrierBlock(cfg["stage3"], eps) for _ in range(cfg["stage3"]["depth"])])
        self.win, self.car = cfg["stage3"]["window"], cfg["stage3"]["carrier"]
        self.norm = nn.LayerNorm(c2, eps=eps)
        self.domain_norm = nn.LayerNorm(2 * c1 + 2 * c2, eps=eps)
        self.domain_fc1 = nn.Linear(2 * c1 + 2 * c2, cfg["domain_hidden"])
        self.domain_fc2 = nn.Linear(cfg["domain_hidden"], 1)

    def forward(self, pixels):
        """pixels [B, H, W, 3] uint8 -> tokens [B, H/16, W/16, C], domain logit [B] (> 0: not a scene)."""
        x = (pixels.permute(0, 3, 1, 2).to(self.stem0.weight.dtype) / 255.0 - 0.5) / 0.5
        x = x.contiguous(memory_format=torch.channels_last)
        x = F.gelu(self.stem1(F.gelu(self.stem0(x))))
        x = self.stem2(x.permute(0, 2, 3, 1))
        for blk in self.stage1:
            x = blk(x, blk.mask(x))
        low = pool(x.flatten(1, 2))
        x = self.down(x)
        b, h, w, c = x.shape
        for blk in self.stage2:
            x = blk(x, MASKS.regions(h, w, blk.n_win, x.device))
        x = x + self.position(sincos2d(h, w, x.device).to(x.dtype))
        s, m = self.win, self.car
        k = s // m
        ct = x.view(b, h // s, m, k, w // s, m, k, c).mean((3, 6)).permute(0, 1, 3, 2, 4, 5)
        ct = ct.reshape(b, (h // s) * (w // s), m * m, c)
        for blk in self.stage3:
            x, ct = blk(x, ct)
        x = self.norm(x)
        d = torch.cat([low, pool(x.flatten(1, 2))], -1)
        domain = self.domain_fc2(F.gelu(self.domain_fc1(self.domain_norm(d)))).squeeze(-1)
        return x, domain


class Projector(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.merge = nn.Linear(4 * cin, cin)
        self.fc1 = nn.Linear(cin, cout)
        self.fc_prev = nn.Linear(cin, cout, bias=False)
        self.fc_next = nn.Linear(cin, cout, bias=False)
        self.fc2 = nn.Linear(cout, cout)

    def forward(self, x, frames=0):
        """x [B, H, W, C] -> [B, N, cout]. frames: 0 for stills, else B holds clips of so many frames, one after another.

        A clip's frames are merged 2x2, and each sees the same place in the frame before and the frame after it (the
        first is its own predecessor, the last its own successor), so that change shows within one visual token.
        """
        if not frames:
            return self.fc2(F.gelu(self.fc1(x.flatten(1, 2))))
        b, h, w, c = x.shape
        x = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b // frames, frames, h * w // 4, 4 * c)
        x = self.merge(x)
        before = torch.cat([x[:, :1], x[:, :-1]], 1)
        after = torch.cat([x[:, 1:], x[:, -1:]], 1)
        return self.fc2(F.gelu(self.fc1(x) + self.fc_prev(before) + self.fc_next(after))).flatten(0, 1)


class RmsNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return (y * self.weight).to(x.dtype)


def rope_tables(positions, d, theta):
    """positions [B, T] -> cos, sin [B, 1, T, d] in the half-split layout."""
    inv = theta ** (-torch.arange(0, d, 2, device=positions.device).float() / d)
    ang = positions.float()[..., None] * inv
    ang = torch.cat([ang, ang], -1)[:, None]
    return ang.cos(), ang.sin()


def rope(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class Layer(nn.Module):
    def __init__(self, t):
        super().__init__()
        c, self.h, self.g, self.d = t["hidden_size"], t["num_attention_heads"], t["num_key_value_heads"], t["head_dim"]
        self.input_layernorm = RmsNorm(c, t["rms_norm_eps"])
        self.q_proj = nn.Linear(c, self.h * self.d, bias=False)
        self.k_proj = nn.Linear(c, self.g * self.d, bias=False)
        self.v_proj = nn.Linear(c, self.g * self.d, bias=False)
        self.o_proj = nn.Linear(self.h * self.d, c, bias=False)
        self.post_attention_layernorm = RmsNorm(c, t["rms_norm_eps"])
        self.gate_proj = nn.Linear(c, t["intermediate_size"], bias=False)
        self.up_proj = nn.Linear(c, t["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(t["intermediate_size"], c, bias=False)

    def forward(self, x, cos, sin, mask):
        b, n, _ = x.shape
        y = self.input_layernorm(x)
        q = self.q_proj(y).view(b, n, self.h, self.d).transpose(1, 2)
        k = self.k_proj(y).view(b, n, self.g, self.d).transpose(1, 2)
        v = self.v_proj(y).view(b, n, self.g, self.d).transpose(1, 2)
        q, k = rope(q, cos, sin).to(v.dtype), rope(k, cos, sin).to(v.dtype)
        r = self.h // self.g
        o = attend(q, k.repeat_interleave(r, 1), v.repeat_interleave(r, 1), mask)
        x = x + self.o_proj(join_heads(o))
        y = self.post_attention_layernorm(x)
        return x + self.down_proj(F.silu(self.gate_proj(y)) * self.up_proj(y))


class Decoder(nn.Module):
    def __init__(self, t):
        super().__init__()
        self.t = t
        self.embed_tokens = nn.Embedding(t["vocab_size"], t["hidden_size"])
        self.layers = nn.ModuleList([Layer(t) for _ in range(t["num_hidden_layers"])])
        self.norm = RmsNorm(t["hidden_size"], t["rms_norm_eps"])

    def forward(self, x, positions, mask):
        """x [B, T, C], mask [B, 1, T, T] (True: may attend) -> hidden states [B, T, C]."""
        cos, sin = rope_tables(positions, self.t["head_dim"], self.t["rope_theta"])
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.norm(x)

    def logits(self, h):
        return h @ self.embed_tokens.weight.to(h.dtype).t()


class DenseHead(nn.Module):
    """Training only: what stands at each token. Objectness, box, classes, label characters."""
    SIZES = {"obj": 1, "box": 4, "shape": 10, "colour": 10, "size": 3, "fill": 4, "kind": 8, "chars": 5 * 37}

    def __init__(self, c):
        super().__init__()
        self.fc1 = nn.Linear(c, 384)
        self.fc2 = nn.Linear(384, sum(self.SIZES.values()))

    def forward(self, x):
        return dict(zip(self.SIZES, self.fc2(F.gelu(self.fc1(x))).float().split(list(self.SIZES.values()), -1)))


class EventHead(nn.Module):
    """Training only: which events a frame is the first to show, as (event type, shape) pairs."""
    TYPES, SHAPES = 8, 10

    def __init__(self, c):
        super().__init__()
        self.fc = nn.Linear(c, self.TYPES * self.SHAPES)

    def start(self):
        """Events are rare: begin at "none"."""
        self.fc.weight.data.normal_(std=0.02)
        self.fc.bias.data.fill_(-8.0)

    def forward(self, visual):
        """visual [frames, N, C] -> logits [frames, pairs]: a soft maximum over the places in the frame."""
        return self.fc(F.layer_norm(visual.float(), visual.shape[-1:])).float().logsumexp(1)


class Scenes(nn.Module):
    def __init__(self, cfg=CONFIG):
        super().__init__()
        self.cfg = cfg
        self.encoder = Encoder(cfg["vision_config"])
        self.projector = Projector(cfg["vision_config"]["stage3"]["dim"], cfg["text_config"]["hidden_size"])
        self.decoder = Decoder(cfg["text_config"])
        self.dense = DenseHead(cfg["vision_config"]["stage3"]["dim"])
        self.events = EventHead(cfg["text_config"]["hidden_size"])
        self.apply(init_weights)
        self.events.start()
        for layer in (self.projector.fc_prev, self.projector.fc_next):  # a clip starts as so many stills
            nn.init.zeros_(layer.weight)
        for name, p in self.named_parameters():  # residual branches start small
            if name.endswith(("o_proj.weight", "down_proj.weight", ".proj.weight", "fc2.weight", "hat_proj.weight")):
                p.data.mul_(0.3)


def init_weights(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, std=m.weight.shape[1] ** -0.5 * 0.7)
        if m.bias is not None:
            nn.init.zeros_(m.bias)
    elif isinstance(m, nn.Embedding):
        nn.init.normal_(m.weight, std=0.05)


# What a start may lack: parts that came later, and heads that are used in training only and not exported.
ABSENT_AT_START = ("projector.fc_prev.", "projector.fc_next.", "events.", "dense.")


def load_weights(model, state):
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [n for n in missing if not n.startswith(ABSENT_AT_START)]
    if missing or unexpected:
        raise ValueError(f"weights do not fit: missing {missing[:3]}, unexpected {unexpected[:3]}")


EXPORT_PREFIX = {"encoder.": "vision.", "projector.": "projector.", "decoder.": "model."}


def export_name(name):
    """PyTorch parameter name -> name in model.safetensors, or None for parts used in training only."""
    for old, new in EXPORT_PREFIX.items():
        if name.startswith(old):
            rest = name[len(old):]
            if old == "decoder.":
                for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
                    rest = rest.replace(f".{part}.", f".self_attn.{part}.")
                for part in ("gate_proj", "up_proj", "down_proj"):
                    rest = rest.replace(f".{part}.", f".mlp.{part}.")
            return new + rest
    return None
