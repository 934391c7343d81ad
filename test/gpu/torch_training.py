"""The check's training in PyTorch: the same first weights, batches, losses and optimiser. Prints JSON."""

import json
import sys
import time

import torch
import torch.nn.functional as F


def load(path):
    """A safetensors file as float32 tensors."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        body = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(body[start:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


def forward(p, size, ids):
    batch, length = ids.shape
    width, heads = size["width"], size["heads"]
    linear = lambda x, name: F.linear(x, p[f"{name}.weight"].T, p[f"{name}.bias"])
    norm = lambda x, name: F.layer_norm(x, (width,), p[f"{name}.weight"], p[f"{name}.bias"], 1e-12)
    split = lambda x: x.view(batch, length, heads, width // heads).transpose(1, 2)
    positions = p["embeddings.position_embeddings.weight"][:length]
    x = norm(F.embedding(ids, p["embeddings.word_embeddings.weight"]) + positions, "embeddings.LayerNorm")
    for i in range(size["layers"]):
        name = f"encoder.layer.{i}"
        q, k, v = (split(linear(x, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, width)
        x = norm(x + linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        up = F.gelu(linear(x, f"{name}.intermediate.dense"))
        x = norm(x + linear(up, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    return linear(x.mean(1), "head")


def main():
    task = json.loads(sys.argv[1])
    size, device, precision = task["size"], task["device"], task["precision"]
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.set_num_threads(2)
    p = {name: t.to(device).requires_grad_() for name, t in load(task["weights"]).items()}
    decay = [t for t in p.values() if t.dim() >= 2]
    rest = [t for t in p.values() if t.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, fused=device == "cuda")
    mixed = precision == "mixed"
    scaler = torch.amp.GradScaler(device, enabled=mixed)
    with open(task["batches"]) as file:
        batches = [(torch.tensor(b["ids"]), torch.tensor(b["label"])) for b in json.load(file)]

    def step(i):
        ids, label = (t.to(device) for t in batches[i % len(batches)])
        with torch.autocast(device, dtype=torch.float16, enabled=mixed):
            loss = F.cross_entropy(forward(p, size, ids).float(), label)
        optimiser.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
        scaler.step(optimiser)
        scaler.update()
        return loss

    losses = [step(i).item() for i in range(20)]
    for i in range(size["steps"]):
        step(i)
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for i in range(size["steps"]):
        last = step(i)
    last.item()
    seconds = time.perf_counter() - started
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    version = f"PyTorch {torch.__version__}, {name}"
    print(json.dumps({"losses": losses, "examplesPerSecond": size["steps"] * size["batch"] / seconds, "version": version}))


main()
