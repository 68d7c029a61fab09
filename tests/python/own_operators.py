"""What our own operators (aotc::) mean, and operators that eager PyTorch has for other devices only, in terms of eager ones."""
import torch

OWN = {}
