"""What our own operators (aotc::) mean, and operators that eager PyTorch has for other devices only, in terms of eager ones."""
import torch


def native_norm(self, p=2, dim=None, keepdim=False, dtype=None):
    return torch.norm(self, p, dim, keepdim, dtype=dtype)


OWN = {
    "aten::native_norm": native_norm,  # sparse tensors only
    "aten::native_norm.ScalarOpt_dim_dtype": native_norm,
}
