"""Rows of gpu_models.py beside those of the GPU benchmark: kernels that are measured alone.

    transpose_f32, transpose_bf16   y = x transposed + y: a side of each access is not the last dim
    conv3x3_b1, conv3x3_b32         one convolution of ResNet-50 (256 channels, 14 x 14), NHWC, bf16, with bias and ReLU
    conv_*                          other windows: stride 2, 1x1 with stride 2, dilation and groups, channels that are no
                                    multiple of 64, three dimensions, one dimension
    conv_first*                     first layers: 3 channels, batch 16 and 1, row-major input; 1 channel; 6 channels
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


def conv(batch, channels, out_channels, sizes, kernel, row_major=False, **options):
    rank = len(sizes)
    layout = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d}[rank]
    kind = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[rank - 1]
    conv = kind(channels, out_channels, kernel, **options).bfloat16().to(memory_format=layout)
    x = torch.randn(batch, channels, *sizes).bfloat16().to(memory_format=layout)
    if row_major:
        x = x.contiguous()
    if rank == 1:  # channels last
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    y = conv(x)
    # Exports of 2.11 state a row-major result for convolutions on a GPU whose result is channels last: say it again.
    return (Call(lambda conv, x: torch.relu(conv(x)).to(memory_format=layout), conv), (x,),
            2 * (x.numel() + y.numel() + conv.weight.numel()), 2 * y.numel() * conv.weight[0].numel())


ROWS = {
    "transpose_f32": lambda: transpose(torch.float32),
    "transpose_bf16": lambda: transpose(torch.bfloat16),
    "conv3x3_b1": lambda: conv(1, 256, 256, (14, 14), 3, padding=1),
    "conv3x3_b32": lambda: conv(32, 256, 256, (14, 14), 3, padding=1),
    "conv_s2": lambda: conv(8, 128, 256, (29, 31), 3, stride=2, padding=1),
    "conv1x1_s2": lambda: conv(16, 256, 512, (56, 56), 1, stride=2),
    "conv_dilated": lambda: conv(4, 256, 256, (20, 20), 3, padding=12, dilation=12, groups=4),
    "conv_c72": lambda: conv(16, 72, 40, (17, 23), (5, 3), padding=(2, 0)),
    "conv3d": lambda: conv(2, 64, 96, (6, 14, 14), 3, padding=1, stride=(1, 2, 1)),
    "conv1d": lambda: conv(8, 384, 384, (3000,), 3, stride=2, padding=1),
    "conv_first": lambda: conv(16, 3, 64, (224, 224), 7, stride=2, padding=3),
    "conv_first_b1": lambda: conv(1, 3, 64, (224, 224), 7, stride=2, padding=3),
    "conv_first_row": lambda: conv(16, 3, 64, (224, 224), 7, row_major=True, stride=2, padding=3),
    "conv_first_mono": lambda: conv(16, 1, 32, (128, 400), 3, row_major=True, padding=1),
    "conv_first_6": lambda: conv(8, 6, 64, (256, 256), 3, padding=1),
}


def build(row, device):
    """(module, inputs, meta) as models.build() of the benchmark gives them."""
    with torch.device(device):
        module, inputs, n_bytes, flops = ROWS[row]()
    return module.eval(), inputs, {"kind": "kernel", "unit": "bf16", "bytes": n_bytes, "flops": flops}
