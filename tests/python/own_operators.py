"""What our own operators (aotc::) mean, and operators that eager PyTorch has for other devices only, in terms of eager ones."""
import torch


def native_norm(self, p=2, dim=None, keepdim=False, dtype=None):
    return torch.norm(self, p, dim, keepdim, dtype=dtype)


def instance_norm_functional(input, weight=None, bias=None, running_mean=None, running_var=None, momentum=0.1, eps=1e-5):
    mean, var = running_mean.clone(), running_var.clone()
    out = torch.instance_norm(input, weight, bias, mean, var, True, momentum, eps, False)
    return out, mean, var


OWN = {
    "aotc::instance_norm_functional": instance_norm_functional,
    "aten::native_norm": native_norm,  # sparse tensors only
    "aten::native_norm.ScalarOpt_dim_dtype": native_norm,
}
