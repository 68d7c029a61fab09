"""Values of a sample's tensors, and calls of samples: the Python side of tests/sample_values.h, which says the rules.

A sample is an object of `aotc ops --json`; op is its dotted name, "aten.add.Tensor".
"""
import numpy as np
import torch

DTYPES = {"bool": torch.bool, "u8": torch.uint8, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32, "i64": torch.int64,
          "u16": torch.uint16, "u32": torch.uint32, "u64": torch.uint64, "f8e4m3": torch.float8_e4m3fn,
          "f8e5m2": torch.float8_e5m2, "f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32,
          "f64": torch.float64, "c64": torch.complex64, "c128": torch.complex128}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MASK = (1 << 64) - 1
SIGNED = ("i8", "i16", "i32", "i64")
BITS = {"u8": 8, "i8": 8, "i16": 16, "u16": 16, "i32": 32, "u32": 32, "i64": 64, "u64": 64}


def seed_of(op, sample, number):
    h = 0xCBF29CE484222325
    for byte in f"{op} {sample['text']} {number}".encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def draw(seed, i):
    z = (seed + (i + 1) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def unit(seed, i):
    return float(draw(seed, i) >> 11) * 2.0**-53


def number(value):
    return float(value) if isinstance(value, str) else value


def special_float(dtype, i):
    inf, nan, most = float("inf"), float("nan"), torch.finfo(DTYPES[dtype]).max
    return [0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 0.5, -2.5, 2.5, 1.5, -0.5, 7.0, -7.0, most, -most][i % 16]


def special_int(dtype, i):
    bits = BITS[dtype]
    most = (1 << (bits - 1)) - 1 if dtype in SIGNED else (1 << bits) - 1
    least = -most - 1 if dtype in SIGNED else 0
    return [0, 1, most, least, 2, 7, most - 1, least + 1][i % 8]


def float_of(t, seed, i):
    if t["fill"] == "values":
        return float(number(t["values"][i % len(t["values"])]))
    if t["fill"] == "special":
        return special_float(t["dtype"], i)
    if t["fill"] == "definite":
        n = t["sizes"][-1]
        r, c = i // n % n, i % n
        upper = i // (n * n) * n * n + min(r, c) * n + max(r, c)
        return -1 + 2 * unit(seed, upper) + (n + 1 if r == c else 0)
    low, high = t.get("range", [-3, 3])
    return low + (high - low) * unit(seed, i)


def int_of(t, seed, i):
    signed = t["dtype"] in SIGNED
    if t["fill"] == "values":
        return int(t["values"][i % len(t["values"])])
    if t["dtype"] == "bool" and "range" not in t:
        return draw(seed, i) & 1
    if t["fill"] == "special":
        return special_int(t["dtype"], i)
    low, high = t.get("range", [-5, 5] if signed else [0, 9])
    return int(low) + draw(seed, i) % (int(high) - int(low) + 1)


def permutation(seed, n):
    p = list(range(n))
    for i in range(n - 1, 0, -1):
        j = draw(seed, i) % (i + 1)
        p[i], p[j] = p[j], p[i]
    return p


def storage_values(op, sample, t, n):
    seed = seed_of(op, sample, t["number"])
    dtype = DTYPES[t["dtype"]]
    is_float = dtype.is_floating_point
    if t["fill"] == "distinct" and not dtype.is_complex:
        return [(p - n // 2) / 4 if is_float else p for p in permutation(seed, n)]
    of = float_of if is_float or dtype.is_complex else int_of
    return [of(t, seed, i) for i in range(2 * n if dtype.is_complex else n)]


def tensor(op, sample, t):
    sizes, strides, dtype = t["sizes"], t["strides"], DTYPES[t["dtype"]]
    n = 0 if 0 in sizes else 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides))
    values = storage_values(op, sample, t, n)
    if dtype == torch.complex64:
        data = torch.from_numpy(np.array(values, np.float64).astype(np.float32).view(np.complex64))
    elif dtype == torch.complex128:
        data = torch.from_numpy(np.array(values, np.float64).view(np.complex128))
    elif dtype == torch.float64:
        data = torch.from_numpy(np.array(values, np.float64))
    elif dtype.is_floating_point:
        with np.errstate(over="ignore"):
            data = torch.from_numpy(np.array(values, np.float64).astype(np.float32)).to(dtype)
        data = torch.where(data.isnan(), data.new_full((), float("nan")), data) if dtype.itemsize == 2 else data
    elif dtype == torch.bool:
        data = torch.tensor([value != 0 for value in values], dtype=dtype)
    else:
        data = torch.from_numpy(np.array(values, {"torch.uint64": np.uint64}.get(str(dtype), str(dtype)[6:])))
    return data.as_strided(sizes, strides) if n else data.reshape(sizes)


def argument(op, sample, a):
    kind = a["kind"]
    if kind == "none":
        return None
    if kind == "list":
        return [argument(op, sample, item) for item in a["items"]]
    if kind == "tensor":
        return tensor(op, sample, a)
    if kind == "name":
        return getattr(torch, a["value"])
    return float(number(a["value"])) if kind == "float" else a["value"]


def arguments(op, sample):
    return {name: argument(op, sample, a) for name, a in sample["args"].items()}
