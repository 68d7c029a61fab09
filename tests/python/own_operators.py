"""What our own operators (aotc::) mean, and operators that eager PyTorch has for other devices only, in terms of eager ones."""
import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401  declares quantized_decomposed::


def native_norm(self, p=2, dim=None, keepdim=False, dtype=None):
    return torch.norm(self, p, dim, keepdim, dtype=dtype)


def instance_norm_functional(input, weight=None, bias=None, running_mean=None, running_var=None, momentum=0.1, eps=1e-5):
    mean, var = running_mean.clone(), running_var.clone()
    out = torch.instance_norm(input, weight, bias, mean, var, True, momentum, eps, False)
    return out, mean, var


def depthwise(self, weight, kernel_size, bias, stride, padding, dilation):
    convolution = torch.conv3d if self.dim() == 5 else torch.conv2d
    return convolution(self, weight, bias, stride, padding, dilation, self.shape[1])


def attention(query, key, value, attn_bias=None, compute_log_sumexp=False):
    """The first result."""
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=attn_bias)


def grouped_mm(input, weight, offs):
    """grouped_mm_fallback of transformers (integrations/moe.py)."""
    out, start = torch.zeros(input.size(0), weight.size(2), dtype=input.dtype), 0
    for i, end in enumerate(offs.tolist()):
        out[start:end] = input[start:end] @ weight[i]
        start = max(start, end)
    return out


def product(call):
    """Products of half precision with results in f32: there are kernels for CUDA alone."""
    return lambda out_dtype, **args: call(**{k: x.to(out_dtype) if isinstance(x, torch.Tensor) else x for k, x in args.items()})


OWN = {
    "aten::mm.dtype": product(torch.ops.aten.mm.default),  # CUDA
    "aten::bmm.dtype": product(torch.ops.aten.bmm.default),  # CUDA
    "aten::addmm.dtype": product(torch.ops.aten.addmm.default),  # CUDA
    "aten::baddbmm.dtype": product(torch.ops.aten.baddbmm.default),  # CUDA
    "aten::convolution_overrideable": torch.ops.aten.convolution.default,  # hooks of other devices
    "aten::_conv_depthwise2d": depthwise,  # CUDA
    "aten::conv_depthwise3d": depthwise,  # CUDA
    "aten::_scaled_dot_product_flash_attention": attention,  # CUDA
    "aten::_scaled_dot_product_efficient_attention": attention,  # CUDA
    "aten::_scaled_dot_product_cudnn_attention": attention,  # CUDA
    "aten::_scaled_dot_product_fused_attention_overrideable": attention,  # other devices
    "aotc::instance_norm_functional": instance_norm_functional,
    "aotc::kth": lambda self, k, dim: torch.kthvalue(self, k, dim, True),
    "transformers::grouped_mm_fallback": grouped_mm,  # of the transformers package
    "aten::native_norm": native_norm,  # sparse tensors only
    "aten::native_norm.ScalarOpt_dim_dtype": native_norm,
}
