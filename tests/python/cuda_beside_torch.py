"""libaotc and PyTorch on one device in one process: tensors and streams of PyTorch, and its graph capture.

    python3 tests/python/cuda_beside_torch.py LIBAOTC.so cuda_device.pt2pkg

The package is the hand-written model of tests/cuda (entry "affine": y = 2 x + [1, 2, 3, 4], "random": 8 numbers).
Exits 77 where there is no PyTorch with a device.
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p, sizeof

try:
    import torch
except ImportError:
    torch = None
if torch is None or not torch.cuda.is_available():
    print("skipped: no PyTorch with a CUDA device")
    sys.exit(77)


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


aotc = ctypes.CDLL(sys.argv[1])
error = Error(struct_size=sizeof(Error))
checks = {True: 0, False: 0}


def check(status):
    if status:
        raise RuntimeError(error.text.decode())


def expect(good, what):
    checks[bool(good)] += 1
    if not good:
        print("FAILED:", what)


def view(t):
    kind = Device(2, t.device.index) if t.is_cuda else Device(1, 0)
    made = Tensor(t.data_ptr(), kind, t.dim(), DataType(2, 32, 1), (c_int64 * t.dim())(*t.shape), (c_int64 * t.dim())(*t.stride()))
    made.keep = t
    return made


def load(entry):
    package, model, context = c_void_p(), c_void_p(), c_void_p()
    check(aotc.aotc_package_open(sys.argv[2].encode(), None, byref(package), byref(error)))
    check(aotc.aotc_model_load(package, entry, byref(model), byref(error)))
    check(aotc.aotc_context_create(model, None, byref(context), byref(error)))
    aotc.aotc_model_release(model)
    aotc.aotc_package_close(package)
    return context


def run(context, inputs, outputs):
    stream = c_void_p(torch.cuda.current_stream().cuda_stream)
    ins, outs = (Tensor * max(1, len(inputs)))(*inputs), (Tensor * len(outputs))(*outputs)
    check(aotc.aotc_run(context, ins, len(inputs), outs, len(outputs), stream, byref(error)))
    return outs


bias = torch.tensor([1.0, 2, 3, 4], device="cuda")
context = load(b"affine")
for n in range(20):  # between PyTorch's own kernels, on its stream: nobody waits
    x = torch.randn(100 + n % 2, 4, device="cuda") * 3
    y = torch.empty_like(x)
    run(context, [view(x)], [view(y)])
    expect(torch.equal(y * 1, 2 * x + bias), "a run on PyTorch's default stream")
side = torch.cuda.Stream()
with torch.cuda.stream(side):
    x = torch.randn(100, 4, device="cuda")
    t = x.t().contiguous().t()  # columns first: copied on the device
    y = torch.empty_like(x)
    run(context, [view(t)], [view(y)])
    expect(torch.equal(y, 2 * x + bias), "strides, on a stream of PyTorch")
torch.cuda.synchronize()

x, y = torch.ones(100, 4, device="cuda"), torch.zeros(100, 4, device="cuda")
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph):
    z = x + 1
    run(context, [view(z)], [view(y)])
    w = y * 10
for n in range(5):
    x.fill_(n)
    graph.replay()
    torch.cuda.synchronize()
    expect(torch.equal(w, (2 * (torch.full_like(x, n) + 1) + bias) * 10), "inside a graph that PyTorch captured")

random = load(b"random")
r = torch.zeros(8, device="cuda")
run(random, [], [view(r)])
captured = torch.cuda.CUDAGraph()
torch.cuda.synchronize()
with torch.cuda.graph(captured):
    run(random, [], [view(r)])
seen = []
for n in range(4):
    captured.replay()
    torch.cuda.synchronize()
    seen.append(tuple(r.tolist()))
expect(len(set(seen)) == 4, "other random numbers in each replay")

aotc.aotc_context_destroy(context)
aotc.aotc_context_destroy(random)
expect(torch.equal(torch.arange(4, device="cuda").cpu(), torch.arange(4)), "PyTorch goes on")
print(f"{checks[True]} passed, {checks[False]} failed")
sys.exit(checks[False] != 0)
