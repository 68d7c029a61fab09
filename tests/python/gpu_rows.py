"""Rows of gpu_models.py beside those of the GPU benchmark: kernels that are measured alone.

    transpose_f32, transpose_bf16   y = x transposed + y: a side of each access is not the last dim
    conv3x3_b1, conv3x3_b32         one convolution of ResNet-50 (256 channels, 14 x 14), NHWC, bf16, with bias and ReLU
"""
import torch


class Call(torch.nn.Module):
    def __init__(self, call, *parts):
        super().__init__()
        self.call, self.parts = call, torch.nn.ModuleList(parts)

    def forward(self, *inputs):
        return self.call(*self.parts, *inputs)


def transpose(dtype):
    x, y = torch.randn(4, 2048, 4096).to(dtype), torch.randn(4, 4096, 2048).to(dtype)
    return Call(lambda x, y: x.transpose(1, 2) + y), (x, y), 3 * x.numel() * x.element_size(), 0


def conv3x3(batch):
    conv = torch.nn.Conv2d(256, 256, 3, padding=1).bfloat16().to(memory_format=torch.channels_last)
    x = torch.randn(batch, 256, 14, 14).bfloat16().to(memory_format=torch.channels_last)
    return (Call(lambda conv, x: torch.relu(conv(x)), conv), (x,), 2 * (2 * x.numel() + 256 * 256 * 9),
            2 * x.numel() * 256 * 9)


ROWS = {
    "transpose_f32": lambda: transpose(torch.float32),
    "transpose_bf16": lambda: transpose(torch.bfloat16),
    "conv3x3_b1": lambda: conv3x3(1),
    "conv3x3_b32": lambda: conv3x3(32),
}


def build(row, device):
    """(module, inputs, meta) as models.build() of the benchmark gives them."""
    with torch.device(device):
        module, inputs, n_bytes, flops = ROWS[row]()
    return module.eval(), inputs, {"kind": "kernel", "unit": "bf16", "bytes": n_bytes, "flops": flops}
