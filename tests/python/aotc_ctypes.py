"""libaotc for Python, as much as the tests want: open a package and run it on torch tensors where they lie.

    model = Model("build/libaotc.so", "model.pt2pkg", cuda_graph="on")
    outputs = model(x, y)               # on the current CUDA stream; outputs are the caller's (made once, written each call)

Mirrors abi/aotc.h; sizes of structs are checked by the library itself (struct_size)."""
import ctypes
from ctypes import POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

import torch

DTYPES = {torch.float32: (2, 32), torch.float64: (2, 64), torch.float16: (2, 16), torch.bfloat16: (4, 16), torch.int64: (0, 64),
          torch.int32: (0, 32), torch.int16: (0, 16), torch.int8: (0, 8), torch.uint8: (1, 8), torch.bool: (6, 8)}


class Device(ctypes.Structure):
    _fields_ = [("type", c_int32), ("id", c_int32)]


class DataType(ctypes.Structure):
    _fields_ = [("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("device", Device), ("ndim", c_int32), ("dtype", DataType), ("shape", POINTER(c_int64)),
                ("strides", POINTER(c_int64)), ("byte_offset", c_uint64)]


class Error(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("status", c_int32), ("text", c_char * 512), ("node", c_char * 128), ("op", c_char * 96),
                ("python", c_char * 256)]


def dl_tensor(t):
    """A view of a torch tensor; the tensor is kept alive by it."""
    shape, strides = (c_int64 * max(t.dim(), 1))(*t.shape), (c_int64 * max(t.dim(), 1))(*t.stride())
    kind = 2 if t.is_cuda else 1
    d = Tensor(t.data_ptr() if t.numel() else None, Device(kind, t.device.index or 0), t.dim(), DataType(*DTYPES[t.dtype], 1), shape,
               strides, 0)
    d.keep = (t, shape, strides)
    return d


class Model:
    def __init__(self, library, package, options=None):
        self.lib = ctypes.CDLL(library)
        self.error = Error(struct_size=ctypes.sizeof(Error))
        self.package, self.model, self.context = c_void_p(), c_void_p(), c_void_p()
        self.check(self.lib.aotc_package_open(package.encode(), None, byref(self.package), byref(self.error)))
        self.check(self.lib.aotc_model_load(self.package, None, byref(self.model), byref(self.error)))
        self.check(self.lib.aotc_context_create(self.model, options and byref(options), byref(self.context), byref(self.error)))
        self.bound = None

    def check(self, status):
        if status:
            e = self.error
            raise RuntimeError(b" | ".join(x for x in (e.text, e.node, e.op, e.python) if x).decode(errors="replace"))

    def bind(self, inputs, outputs):
        """What run() uses from now on: lists of torch tensors."""
        n, m = len(inputs), len(outputs)
        self.keep = [dl_tensor(t) for t in inputs], [dl_tensor(t) for t in outputs]
        self.bound = (Tensor * max(n, 1))(*self.keep[0]), n, (Tensor * max(m, 1))(*self.keep[1]), m
        return self

    def run(self, stream=None):
        inputs, n, outputs, m = self.bound
        if self.lib.aotc_run(self.context, inputs, n, outputs, m, c_void_p(stream or 0), byref(self.error)):
            self.check(1)

    def synchronize(self, stream=None):
        self.check(self.lib.aotc_synchronize(self.context, byref(self.error)))

    def close(self):
        self.lib.aotc_context_destroy(self.context)
        self.lib.aotc_model_release(self.model)
        self.lib.aotc_package_close(self.package)
