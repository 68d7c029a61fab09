"""A model with an operator of its own: exports it as model.pt2, with inputs and eager results for comparison.

    python model.py
"""
import torch
from safetensors.torch import save_file


@torch.library.custom_op("example::rms_norm", mutates_args=())
def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


@rms_norm.register_fake
def _(x, weight, eps=1e-6):
    return torch.empty_like(x)


@torch.library.custom_op("example::count_rows", mutates_args={"counter"})
def count_rows(counter: torch.Tensor, x: torch.Tensor) -> None:
    counter += x.shape[0]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.linspace(0.5, 1.5, 16))
        self.register_buffer("counter", torch.zeros(1, dtype=torch.int64))

    def forward(self, x):
        count_rows(self.counter, x)
        return torch.relu(rms_norm(x * 2, self.weight)) + 1, self.counter * 1


if __name__ == "__main__":
    x = torch.randn(3, 16)
    rows = torch.export.Dim("rows", min=1, max=4096)
    torch.export.save(torch.export.export(Net().eval(), (x,), dynamic_shapes=({0: rows},)), "model.pt2")
    y, counter = Net()(x)
    save_file({"input0": x}, "in.safetensors")
    save_file({"output0": y.detach(), "output1": counter}, "want.safetensors")
