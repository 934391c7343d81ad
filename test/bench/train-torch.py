"""PyTorch's side of the training benchmark: requests come as lines of JSON, answers go as lines of JSON."""
import importlib
import importlib.util
import json
import logging
import resource
import sys
import time
import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class LoraLinear(nn.Module):
    """y = xW + b + alpha / rank (x Aᵀ) Bᵀ with the base frozen (Hu et al. 2021), as peft computes it."""

    def __init__(self, base, rank, alpha, first):
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        self.a = nn.Parameter(torch.tensor(first, dtype=torch.float32).reshape(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.a), self.b) * self.scaling


class Layer(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x, mask):
        batch, tokens, width = x.shape
        split = lambda v: v.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(
            split(self.query(x)), split(self.key(x)), split(self.value(x)), attn_mask=mask
        )
        x = self.attention_norm(x + self.output(mixed.transpose(1, 2).reshape(batch, tokens, width)))
        return self.norm(x + self.down(F.gelu(self.up(x))))


class Encoder(nn.Module):
    def __init__(self, job):
        super().__init__()
        width = job["width"]
        self.tokens = nn.Embedding(job["vocabulary"], width)
        self.positions = nn.Embedding(job["tokens"], width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(width, job["heads"], job["inner"]) for _ in range(job["layers"]))
        self.head = nn.Linear(width, job["classes"])
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0, 0.02)

    def forward(self, ids, mask):
        x = self.norm(self.tokens(ids) + self.positions(torch.arange(ids.shape[1])))
        added = (1.0 - mask[:, None, None, :].float()) * -1e9
        for layer in self.layers:
            x = layer(x, added)
        weight = mask.float()[:, :, None]
        return self.head((x * weight).sum(1) / weight.sum(1))


def model_of(job):
    torch.manual_seed(0)
    return Encoder(job)


def allow_export_without_onnx():
    """The exporter asks for the onnx package only to add functions of onnxscript, of which this model has none."""
    if importlib.util.find_spec("onnx"):
        return
    for package in ("torch.onnx._internal.torchscript_exporter", "torch.onnx._internal"):
        try:
            utils = importlib.import_module(package + ".onnx_proto_utils")
        except ModuleNotFoundError:
            continue
        utils._add_onnxscript_fn = lambda model, _: model
        return


def export(job):
    allow_export_without_onnx()
    ids = torch.ones(2, job["tokens"], dtype=torch.long)
    axes = {"ids": {0: "batch", 1: "time"}, "mask": {0: "batch", 1: "time"}, "logits": {0: "batch"}}
    torch.onnx.export(
        model_of(job), (ids, ids), job["model"], input_names=["ids", "mask"], output_names=["logits"],
        dynamic_axes=axes, opset_version=14, dynamo=False,
    )
    return {"exported": True}


def open_job(job):
    torch.set_num_threads(job["threads"])
    model = model_of(job)
    if job["kind"] == "lora":
        model.requires_grad_(False)
        model.head.requires_grad_(True)
        with open(job["adapter"]) as file:
            first = json.load(file)
        for i, layer in enumerate(model.layers):
            for name in ("query", "value"):
                lora = LoraLinear(getattr(layer, name), job["rank"], job["alpha"], first[f"layers.{i}.{name}"])
                setattr(layer, name, lora)
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": job["decay"]},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=job["lr"], fused=True)
    versions = f"PyTorch {torch.__version__} eager, fused AdamW, Python {sys.version.split()[0]}"
    return (model, trained, optimizer, job), {"versions": versions, "trained": sum(p.numel() for p in trained), "parts": {}}


def steps(state, batches):
    model, trained, optimizer, job = state
    losses, milliseconds = [], []
    for given in batches:
        started = time.perf_counter()
        shape = (job["batch"], job["tokens"])
        ids, mask = (torch.tensor(given[name]).view(shape) for name in ("ids", "mask"))
        loss = F.cross_entropy(model(ids, mask), torch.tensor(given["labels"]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, job["clipNorm"])
        optimizer.step()
        losses.append(loss.item())
        milliseconds.append(1000 * (time.perf_counter() - started))
    return {"losses": losses, "milliseconds": milliseconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


state = None
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "export":
        answer = export(request["job"])
    elif request["do"] == "open":
        state, answer = open_job(request["job"])
    else:
        answer = steps(state, request["batches"])
    print(json.dumps(answer), flush=True)
