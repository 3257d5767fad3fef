"""Training steps as CUDA graphs, one for each shape of a batch: a step is some 3,000 small kernels, which take longer to
launch from Python than to run. Everything before the first replay is set-up and leaves weights and optimisers as they were.
"""
import time

import torch

from step import step_loss, to_device


def compile_parts(model):
    """Fuses what lies between attention and matrix products. A part that the compiler refuses stays as it is."""
    import torch._dynamo
    import torch._inductor.config as inductor
    import torch.fx.experimental._config as symbolic

    import model as network
    import packed
    torch._dynamo.config.suppress_errors = True
    torch._dynamo.config.cache_size_limit = 32
    symbolic.use_duck_shape = False  # a batch of 256 pictures of 16 x 16 tokens is no special case
    if hasattr(inductor.triton, "coalesce_tiling_analysis"):
        inductor.triton.coalesce_tiling_analysis = False
    for module, names in ((packed, ("project", "finish", "merge")), (network, ("norm_linear", "add_branches", "pool"))):
        for name in names:
            setattr(module, name, torch.compile(getattr(module, name), dynamic=True))
    for block in [*model.encoder.stage1, *model.encoder.stage2]:
        block.compile(dynamic=True)


class Steps:
    """Takes training steps. `run` returns tensors that the next step overwrites: the loss's parts and the missed targets.

    `rate` scales every step of every optimiser; like the losses' weights it lives on the device, since a graph holds its
    numbers."""

    def __init__(self, model, optimisers, rate, dtype):
        self.model, self.optimisers, self.rate, self.dtype = model, optimisers, rate, dtype
        self.weights = torch.zeros(2, device=rate.device)
        self.device = rate.device
        self.graphs, self.pool = {}, None

    def step(self, batch):
        loss, parts, missed = step_loss(self.model, batch, self.dtype, self.weights)
        for o in self.optimisers:
            o.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.grad is not None], 1.0)
        for o in self.optimisers:
            o.step()
        return parts, missed

    def run(self, batch, rate, dense, events):
        """rate: the learning rate; dense, events: weights of those losses."""
        self.rate.fill_(rate)
        self.weights[0], self.weights[1] = dense, events
        if batch["shape"] not in self.graphs:
            return self.step(to_device(batch, self.device))
        graph, static, out = self.graphs[batch["shape"]]
        for name, to in static.items():
            if torch.is_tensor(to):
                to.copy_(batch[name], non_blocking=True)
        graph.replay()
        return out

    def prepare(self, source, shapes, warm=2):
        """Records a graph for each shape from batches of `source`, which teach nothing."""
        began = time.time()
        kept = [(t, t.clone()) for t in self.tensors()]
        self.rate.zero_()
        self.pool = torch.cuda.graph_pool_handle()
        side = torch.cuda.Stream()
        for shape in sorted(shapes, key=lambda s: -s.batch(1.0) * s.frames * s.canvas[0] * s.canvas[1]):  # memory once
            t0 = time.time()
            static = to_device(source.make(shape), self.device)
            torch.cuda.synchronize()
            with torch.cuda.stream(side):
                for _ in range(warm):
                    self.step(static)
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            graph = torch.cuda.CUDAGraph()
            for o in self.optimisers:
                o.zero_grad(set_to_none=True)
            with torch.cuda.graph(graph, pool=self.pool, capture_error_mode="thread_local"):
                out = self.step(static)
            self.graphs[shape] = graph, static, out
            torch.cuda.synchronize()
            if time.time() - t0 > 3:
                print(f"{shape}: {time.time() - t0:.1f} s", flush=True)
        for t in self.tensors():
            t.zero_()  # optimiser state that the first steps made has no former value
        for t, former in kept:
            t.copy_(former)
        torch.cuda.synchronize()
        print(f"{len(shapes)} shapes: {time.time() - began:.1f} s, {torch.cuda.max_memory_reserved() / 2**30:.1f} GiB",
              flush=True)

    def tensors(self):
        """Everything a step changes: weights and the optimisers' state."""
        out = list(self.model.state_dict().values())
        for o in self.optimisers:
            for p in (p for g in o.param_groups for p in g["params"]):
                out += [t for t in o.state[p].values() if torch.is_tensor(t)]
        return out
