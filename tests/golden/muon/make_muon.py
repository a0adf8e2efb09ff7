"""Writes muon.safetensors: three steps of torch.optim.Muon and AdamW on given gradients, for tests/model/optimizer_test.cpp."""
from pathlib import Path

import torch
from safetensors.torch import save_file

torch.manual_seed(5)
SHAPES = {"tall": (48, 16), "wide": (16, 40), "vector": (24,)}
RATES = [2e-3, 1e-3, 5e-4]
values = {name: torch.nn.Parameter(torch.randn(shape) * 0.3) for name, shape in SHAPES.items()}
out = {f"{name}.start": value.detach().clone() for name, value in values.items()}
matrices = torch.optim.Muon([values["tall"], values["wide"]], momentum=0.95, weight_decay=0.02, adjust_lr_fn="match_rms_adamw")
rest = torch.optim.AdamW([values["vector"]], betas=(0.9, 0.98), weight_decay=0)
for step, rate in enumerate(RATES):
    for name, value in values.items():
        value.grad = torch.randn_like(value) * 0.02  # together below the clipping norm
        out[f"{name}.gradient{step}"] = value.grad.clone()
    for optimizer in (matrices, rest):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    out |= {f"{name}.after{step}": value.detach().clone() for name, value in values.items()}
out["rates"] = torch.tensor(RATES)
save_file(out, Path(__file__).with_name("muon.safetensors"))
