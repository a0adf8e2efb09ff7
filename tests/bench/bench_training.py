"""Training of the repair model beside PyTorch eager: the same configuration, loss, optimizer and batches, one thread, CPU seconds.

Usage: bench_training.py BUILD. The peer below is the model as one would write it in PyTorch: padded batches, additive
masks, scaled_dot_product_attention, torch.optim.Muon and AdamW, bfloat16 products where the processor has them. The
samples are made up, with the lengths that functions of the standard library have. Both are warm before the clock starts,
and they take turns, because the machine may be shared.
"""
import json
import math
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY, CELLS, STEPS, ROUNDS = 4096, 2500, 40, 2
# Layers as ModelSettings has them: r same row, f all cells, c same column.
SHAPES = {
    "trm-demo": {"width": 128, "heads": 4, "inner": 352, "encoder": "rf"},
    "one call of trm-coderepair-7m's layers": {"width": 256, "heads": 8, "inner": 1024, "encoder": "rc"},
}
PAD, EOS, BOS, EOL = 0, 1, 2, 3
HAS_BF16 = "avx512_bf16" in Path("/proc/cpuinfo").read_text() or "amx_bf16" in Path("/proc/cpuinfo").read_text()


def made_samples(count, seed):
    """(cells, rows, columns, edit): lengths log-normal around 99 cells, up to 400; every seventh clean, new tokens mostly one."""
    rng = random.Random(seed)
    out = []
    for i in range(count):
        length = min(400, max(12, int(rng.lognormvariate(math.log(99), 0.75))))
        cells, rows, columns, row, column = [], [], [], 0, 0
        for _ in range(length):
            end = column >= 3 and rng.random() < 0.1 or column == 47
            cells.append(EOL if end else rng.randrange(70, VOCABULARY))
            rows.append(row)
            columns.append(column)
            row, column = (min(row + 1, 63), 0) if end else (row, column + 1)
        first = rng.randrange(length - 3)
        new = [rng.randrange(70, VOCABULARY) for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3, 8]))]
        out.append((cells, rows, columns, None if i % 7 == 0 else (first, first + rng.choice([0, 1, 1, 2]), new)))
    return out


def write(path, samples):
    with open(path, "wb") as file:
        file.write(struct.pack("<i", len(samples)))
        for cells, rows, columns, edit in samples:
            file.write(struct.pack(f"<i{len(cells)}h", len(cells), *cells) + bytes(rows) + bytes(columns))
            first, end, new = edit or (-1, -1, [])
            file.write(struct.pack(f"<iii{len(new)}h", first, end, len(new), *new))


class Linear(nn.Linear):
    def __init__(self, i, o):
        super().__init__(i, o, bias=False)
        nn.init.trunc_normal_(self.weight, std=i**-0.5)

    def forward(self, x):
        if not HAS_BF16:
            return F.linear(x, self.weight)
        return F.linear(x.bfloat16(), self.weight.bfloat16()).float()


def rms(x):
    return F.rms_norm(x, (x.shape[-1],), eps=1e-5)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        d, inner, self.heads = shape["width"], shape["inner"], shape["heads"]
        half = d // self.heads
        self.qkv, self.out, self.gate_up, self.down = Linear(d, 3 * d), Linear(d, d), Linear(d, 2 * inner), Linear(inner, d)
        angle = torch.arange(400)[:, None] * 1e4 ** (-torch.arange(0, half, 2) / half)[None]
        self.register_buffer("cos", torch.cat([angle.cos()] * 2, 1))
        self.register_buffer("sin", torch.cat([angle.sin()] * 2, 1))

    def rotated(self, x, places):
        a, b = x.chunk(2, -1)
        cos, sin = (table[:x.shape[2]] if places is None else table[places][:, None] for table in (self.cos, self.sin))
        return x * cos + torch.cat([-b, a], -1) * sin

    def forward(self, x, mask, places):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        o = F.scaled_dot_product_attention(self.rotated(q, places), self.rotated(k, places), v, attn_mask=mask)
        x = rms(x + self.out(o.transpose(1, 2).reshape(b, t, d)))
        gate, up = self.gate_up(x).chunk(2, -1)
        return rms(x + self.down(F.silu(gate) * up))


class Peer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        d = self.width = shape["width"]
        self.layers = shape["encoder"]
        self.embedding, self.rows, self.columns, self.near = nn.Embedding(VOCABULARY, d), nn.Embedding(64, d), nn.Embedding(64, d), Linear(5 * d, d)
        self.repeats, self.marks = nn.Embedding(32, d), nn.Embedding(16, d)
        nn.init.trunc_normal_(self.embedding.weight, std=d**-0.5)
        self.blocks = nn.ModuleList(Block(shape) for _ in self.layers)
        score = lambda: nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, 1))
        self.start, self.none = score(), score()
        self.end_query, self.end_key, self.end_length = Linear(d, d), Linear(d, d), nn.Embedding(33, 1)
        self.context, self.first, self.gru = Linear(4 * d, d), nn.Linear(d, d), nn.GRU(d, d, batch_first=True)
        self.query, self.key, self.mixed, self.written = (Linear(d, d) for _ in range(4))
        self.gate, self.distance, self.bias = nn.Linear(d, 1), nn.Embedding(81, 1), nn.Parameter(torch.zeros(VOCABULARY))

    def trunk(self, ids, rows, columns, mask):
        e = self.embedding(ids) * self.width**0.5 * mask[..., None]
        padded = F.pad(e, (0, 0, 2, 2))
        none = torch.zeros_like(ids)  # repeats and marks: the peer need not find them, only add their rows
        x = rms(e + self.rows(rows) + self.columns(columns) + self.repeats(none) + self.marks(none) + self.near(torch.cat([padded[:, i:i + ids.shape[1]] for i in range(5)], -1)))
        pad = torch.zeros_like(mask).masked_fill(mask == 0, -1e4)
        same = lambda of: pad[:, None, None] + torch.zeros(mask.shape[0], 1, mask.shape[1], mask.shape[1]).masked_fill((of[:, :, None] != of[:, None])[:, None], -1e4)
        # Along a column a cell's place is its row, else where it stands in the function.
        reach = {"r": lambda: (same(rows), None), "c": lambda: (same(columns), rows), "f": lambda: (pad[:, None, None], None)}
        for kind, block in zip(self.layers, self.blocks):
            x = block(x, *reach[kind]())
        return x, pad

    def loss(self, ids, rows, columns, mask, first, end, tokens, bug):
        h, pad = self.trunk(ids, rows, columns, mask)
        b, t, d = h.shape
        at = lambda i: h[torch.arange(b), i.clamp(0, t - 1)]
        mean = (h * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        start = torch.cat([self.start(h)[..., 0] + pad, self.none(mean)], 1).log_softmax(1)
        loss = -start.gather(1, torch.where(bug > 0, first, t)[:, None]).sum()
        length = torch.arange(t)[None] - first[:, None]
        score = (self.end_key(h) @ self.end_query(at(first))[..., None])[..., 0] / d**0.5 + self.end_length(length.clamp(0, 32))[..., 0] + pad
        loss = loss - (score.masked_fill((length < 0) | (length > 32), -1e4).log_softmax(1).gather(1, end[:, None])[:, 0] * bug).sum()
        context = rms(self.context(torch.cat([at(i) for i in (first - 1, first, end - 1, end)], -1)))
        before = torch.cat([torch.full_like(tokens[:, :1], BOS), tokens[:, :-1]], 1)
        q, _ = self.gru(self.embedding(before) * d**0.5 + context[:, None], torch.tanh(self.first(context))[None])
        q = rms(q + context[:, None])
        copy = (self.query(q) @ self.key(h).transpose(1, 2) / d**0.5 + (self.distance(length.clamp(-40, 40) + 40)[..., 0] + pad)[:, None]).softmax(-1)
        o = rms(q + self.mixed(copy @ h))
        written = self.written(o)
        weight = self.embedding.weight
        logits = (F.linear(written.bfloat16(), weight.bfloat16()).float() if HAS_BF16 else F.linear(written, weight)) + self.bias
        p_written = logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0].exp()
        p_copied = (copy * (ids[:, None] == tokens[..., None])).sum(-1)
        g = torch.sigmoid(self.gate(o))[..., 0]
        return (loss - (torch.log(g * p_written + (1 - g) * p_copied + 1e-8) * (tokens != PAD) * bug[:, None]).sum()) / b


def batches(samples):
    order = sorted(range(len(samples)), key=lambda i: len(samples[i][0]))
    out, current = [], []
    for i in order:
        if current and len(samples[i][0]) * (len(current) + 1) > CELLS:
            out.append(current)
            current = []
        current.append(i)
    out.append(current)
    random.Random(1).shuffle(out)
    return [[samples[i] for i in batch] for batch in out]


def tensors(batch):
    padded = lambda lists: nn.utils.rnn.pad_sequence([torch.tensor(x) for x in lists], batch_first=True)
    ids, rows, columns = (padded([s[k] for s in batch]) for k in range(3))
    edits = [s[3] or (0, 0, []) for s in batch]
    first, end = (torch.tensor([e[k] for e in edits]) for k in (0, 1))
    return ids, rows, columns, (ids != PAD).float(), first, end, padded([e[2] + [EOS] for e in edits]), torch.tensor([float(s[3] is not None) for s in batch])


class PeerTrainer:
    def __init__(self, shape):
        torch.manual_seed(7)
        self.model = Peer(shape)
        self.average = [p.detach().clone() for p in self.model.parameters()]
        named = dict(self.model.named_parameters())
        tables = ("embedding", "rows", "columns", "repeats", "marks", "end_length", "distance")
        matrices = [p for n, p in named.items() if p.ndim == 2 and min(p.shape) > 8 and not n.startswith(tables)]
        rest = [p for p in named.values() if all(p is not m for m in matrices)]
        self.optimizers = [torch.optim.Muon(matrices, lr=2e-3, momentum=0.95, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
                           torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.98), weight_decay=0)]

    def run(self, work):
        """Samples per CPU second over these batches."""
        before, seen = time.process_time(), 0
        for batch in work:
            self.model.loss(*tensors(batch)).backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            with torch.no_grad():
                torch._foreach_lerp_(self.average, list(self.model.parameters()), 0.002)
            seen += len(batch)
        return seen / (time.process_time() - before)


def own(build, folder, name, threads, shape):
    """(samples per CPU second, samples per wall second) of the second half of a run of 2 STEPS steps."""
    run = Path(folder, name)
    command = [Path(build) / "bench_training", Path(folder, "train"), Path(folder, "validation"), run, f"steps={2 * STEPS}", f"threads={threads}",
               f"cells={CELLS}", "evaluations=1", f"vocabulary={VOCABULARY}", *(f"{key}={value}" for key, value in shape.items())]
    subprocess.run(command, check=True, capture_output=True)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "curve" not in line]
    half, last = steps[STEPS - 1], steps[-1]
    seen = last["samples_seen"] - half["samples_seen"]
    return seen / (60 * (last["cpu_minutes"] - half["cpu_minutes"])), last["samples_per_s"]


def measure(build, name, shape, samples, folder):
    work = batches(samples)
    peer = PeerTrainer(shape)
    rates, peer_rates = [], []
    peer.run(work[:10])
    for i in range(ROUNDS):
        rates.append(own(build, folder, f"{shape['encoder']}-{i}", 1, shape)[0])
        peer_rates.append(peer.run(work[10 + i * STEPS:10 + (i + 1) * STEPS]))
    rate, peer_rate = max(rates), max(peer_rates)
    parameters = sum(p.numel() for p in peer.model.parameters())
    print(json.dumps({"bench": f"training of {name}, {parameters / 1e6:.2f} M parameters, batches of {CELLS} cells", "mendel": round(rate, 1),
                      "peer": round(peer_rate, 1), "peer_name": f"PyTorch {torch.__version__} eager", "unit": "samples/CPU s",
                      "ratio": round(rate / peer_rate, 2), "target": ">= 1.2x", "met": rate >= 1.2 * peer_rate}), flush=True)


def main():
    torch.set_num_threads(1)
    samples = made_samples(4000, 3)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "train"), samples)
        write(Path(folder, "validation"), made_samples(16, 4))
        for name, shape in SHAPES.items():
            measure(sys.argv[1], name, shape, samples, folder)
        one_wall, two_wall = (own(sys.argv[1], folder, f"threads-{n}", n, SHAPES["trm-demo"])[1] for n in (1, 2))
    print(json.dumps({"bench": "training of trm-demo with two threads, wall clock, beside one", "mendel": round(two_wall, 1), "peer": round(one_wall, 1),
                      "peer_name": "Mendel, one thread", "unit": "samples/s", "ratio": round(two_wall / one_wall, 2), "target": ""}))


if __name__ == "__main__":
    main()
