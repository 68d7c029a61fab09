"""Cases whose outputs on a GPU are not those of the reference, which PyTorch computed on a CPU: what PyTorch says on this GPU.

    python3 gpu_eager.py REPORT CASES PARITY AOTC AOTC_RUN [DEVICE]     REPORT: of run_parity.py; PARITY: the suite's folder;
                                                                        DEVICE: cuda; cpu tries this file without a GPU

What PyTorch leaves open (the places of equal elements in an unstable sort) its CPU and GPU code settle in two ways; a package
for a GPU owes the second.  Prints every case with `as eager` or the difference, and then `N passed, N failed`."""
import json
import os
import subprocess
import sys
import tempfile

import torch
from torch.export.passes import move_to_device_pass

report, cases, parity, aotc, aotc_run = sys.argv[1:6]
device = sys.argv[6] if len(sys.argv) > 6 else "cuda"
target = {"cuda": "cuda:sm_90", "cpu": "native"}[device]
sys.path.insert(0, parity)
import compare  # noqa: E402
import sftio  # noqa: E402

DTYPES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64", "F16": "float16",
          "BF16": "bfloat16", "F32": "float32", "F64": "float64", "C64": "complex64", "C128": "complex128"}


def tensors(path):
    """The inputs of a case in order, on the GPU."""
    found = sftio.read(path)
    raw = [found[f"input{i}"] for i in range(len(found))]
    return [torch.frombuffer(bytearray(r.data), dtype=getattr(torch, DTYPES[r.dtype])).reshape(r.shape).to(device) for r in raw]


def difference(name):
    """None if the package's outputs are those of eager PyTorch on this GPU, else a message."""
    meta = json.load(open(os.path.join(cases, name + ".json")))
    source = os.path.join(cases, name + ".pt2")
    module = move_to_device_pass(torch.export.load(source), device).module()
    with tempfile.TemporaryDirectory() as work:
        package, out = os.path.join(work, "m.pt2pkg"), os.path.join(work, "out.safetensors")
        subprocess.run([aotc, source, "-o", package, f"--target={target}"], check=True)
        for run in meta["runs"]:
            inputs = os.path.join(cases, run["inputs_file"])
            subprocess.run([aotc_run, package, "--device", device, "--inputs", inputs, "--outputs", out], check=True)
            values = module(*tensors(inputs))
            values = [v for v in torch.utils._pytree.tree_leaves(values) if v is not None]
            got = sftio.read(out)
            for i, (value, kind) in enumerate(zip(values, run["outputs"])):
                if value.dtype in (torch.bfloat16, torch.float16):
                    value = value.float()
                message = compare.close(got[f"output{i}"].numpy(), value.cpu().numpy(), kind.get("rtol", 0), kind.get("atol", 0))
                if message:
                    return f"output{i}: {message}"
    return None


counts = [0, 0]
for case in json.load(open(report))["cases"]:
    if case["status"] != "wrong":
        continue
    try:
        message = difference(case["name"])
    except Exception as e:  # an archive that this PyTorch cannot read: shown, counted as failed
        message = f"{type(e).__name__}: {e}"
    counts[bool(message)] += 1
    print(f"{case['name']:40} {message or 'as eager PyTorch on this GPU'}")
print(f"{counts[0]} passed, {counts[1]} failed")
sys.exit(counts[1] != 0)
