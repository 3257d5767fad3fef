"""Muon: momentum whose matrix update is orthogonalised by Newton-Schulz steps (Jordan et al. 2024; scale as in Liu et al. 2025)."""
import torch


@torch.no_grad()
def orthogonalise(g, steps=5):
    """g [N, R, C] -> nearest semi-orthogonal matrices, approximately."""
    x = g.bfloat16() if g.is_cuda else g
    flip = x.shape[1] > x.shape[2]
    if flip:
        x = x.transpose(1, 2)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.transpose(1, 2) if flip else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """For 2-D weights; parameters of one shape are updated together. lr may be a tensor on their device."""

    def __init__(self, params, lr=1e-3, momentum=0.95, weight_decay=0.05):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(p.shape, []).append(p)
            for shape, ps in by_shape.items():
                grads = [p.grad for p in ps]
                bufs = []
                for p in ps:
                    st = self.state[p]
                    if "m" not in st:
                        st["m"] = torch.zeros_like(p)
                    bufs.append(st["m"])
                torch._foreach_mul_(bufs, group["momentum"])
                torch._foreach_add_(bufs, grads)
                upd = torch._foreach_add(grads, bufs, alpha=group["momentum"])
                o = orthogonalise(torch.stack(upd)) * (0.2 * max(shape) ** 0.5)
                torch._foreach_mul_(ps, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(ps, list((o * -group["lr"]).unbind(0)))
