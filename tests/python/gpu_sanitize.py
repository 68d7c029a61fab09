#!/usr/bin/env python3
"""Runs one tool of compute-sanitizer over compiled models: the benchmark's models at small sizes and the test fixtures.

    python3 tests/python/gpu_sanitize.py memcheck --bench BENCH/gpu --build build-device [--work DIR] [--jobs 8]

A case passes when aotc-run ends well and the tool reports nothing.  The last line is "N passed, N failed"."""
import argparse
import concurrent.futures
import glob
import os
import subprocess
import sys

ROWS = ["pw_chain", "layernorm", "gemm_gelu", "skinny16", "skinny1", "gemm_fp32", "splitk", "resnet50_nhwc_b1", "resnet50_nchw_b1", "vit_b1",
        "bert_b1", "gpt2_prefill_b1", "gpt2_decode_b1", "llama_prefill_b1", "llama_decode_b1", "unet_b1", "dlrm_b16"]
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def flat(value):
    import torch
    if isinstance(value, torch.Tensor):
        return [value]
    return [y for x in value for y in flat(x)]


def export_rows(args):
    """PATH.pt2 and PATH.inputs.safetensors of every row at its small size."""
    import torch
    from safetensors.torch import save_file
    sys.path.insert(0, os.path.abspath(args.bench))
    import models
    torch.set_grad_enabled(False)
    for row in ROWS:
        stem = os.path.join(args.work, row)
        if os.path.exists(stem + ".inputs.safetensors"):
            continue
        module, inputs, _ = models.build(row, "cpu", tiny=True)
        torch.export.save(torch.export.export(module, inputs), stem + ".pt2")
        save_file({f"input{i}": x.contiguous().clone() for i, x in enumerate(flat(inputs))}, stem + ".inputs.safetensors")


def check(args, model):
    stem = os.path.join(args.work, os.path.basename(model)[:-4])
    package = stem + ".pt2pkg"
    if not os.path.exists(package):
        done = subprocess.run([args.build + "/aotc", model, "-o", package, "--target=cuda:sm_90", "-j2"], capture_output=True, text=True)
        if done.returncode:
            return f"aotc: {done.stderr[:600]}"
    inputs = model[:-4] + ".inputs.safetensors"
    command = ["compute-sanitizer", "--tool", args.tool, "--error-exitcode", "99", "--print-limit", "5"]
    command += [args.build + "/aotc-run", package, "--device", "cuda", "--inputs", inputs, "--outputs", stem + ".outputs", "--repeat", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return None if done.returncode == 0 else (done.stdout + done.stderr)[-1500:]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("tool", choices=["memcheck", "racecheck", "initcheck", "synccheck"])
    p.add_argument("--bench", required=True)
    p.add_argument("--build", default="build-device")
    p.add_argument("--work", default="/tmp/aotc-gpu-sanitize")
    p.add_argument("--jobs", type=int, default=6)
    args = p.parse_args()
    os.makedirs(args.work, exist_ok=True)
    export_rows(args)
    models = [os.path.join(args.work, r + ".pt2") for r in ROWS]
    models += [f for f in sorted(glob.glob(root + "/tests/fixtures/*.pt2")) if os.path.exists(f[:-4] + ".inputs.safetensors")]
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for model, problem in zip(models, pool.map(lambda m: check(args, m), models)):
            passed += problem is None
            print(f"{args.tool} {os.path.basename(model):<32} {'ok' if problem is None else 'FAILED'}", flush=True)
            if problem:
                print("    " + problem.replace("\n", "\n    "), flush=True)
    print(f"{passed} passed, {len(models) - passed} failed")
    sys.exit(passed != len(models))


main()
