#!/usr/bin/env python3
"""Checks of whole compiles on exported models: numbers, equal bytes, memory, sizes.

    python3 tests/python/check_models.py --build build [--jobs 2] MODEL.pt2...

Beside MODEL.pt2 lie MODEL.inputs.safetensors and MODEL.outputs.safetensors (eager PyTorch's).  One line a model and check:

  eager        largest difference, over the largest output, with 1 and 2 threads, <= 1e-4
  bytes        two compiles give equal packages
  folder       so does the unpacked archive
  json         so does its bare JSON with --weights-from that folder
  safetensors  so does its JSON with the weights as one .safetensors file (where torch is installed; a file without tied tensors,
               which it cannot tell)
  clang        --cc=clang gives the numbers of gcc, within 1e-5 of the largest output
  decomposed   so does the program after run_decompositions() (where torch is installed)
  compiler     peak resident memory of aotc and of its compilers, <= 2.5 x weights + 300 MB
  run          peak resident memory of aotc-run, <= weights + inputs and outputs + what the plan says + 10 MB
  flat         1,000 runs take no more memory than 10 (models whose run takes less than 20 ms)
  package      size, <= weights + 1 MiB
  needed       libraries that the model's .so needs: libc and libm alone

The last line is "N passed, N failed"."""
import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
from safetensors.numpy import load_file

MB = 1e6


# A process counts the memory of the one that started it until it runs its own program: a small one starts it.
SHIM = """import os, resource, sys
status = os.spawnvp(os.P_WAIT, sys.argv[2], sys.argv[2:])
with open(sys.argv[1], "w") as f:
    f.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(status if status >= 0 else 128 - status)"""


def run(command):
    """(exit status, stdout, stderr, peak resident bytes of it or of what it started)."""
    with tempfile.NamedTemporaryFile() as peak:
        done = subprocess.run([sys.executable, "-I", "-S", "-c", SHIM, peak.name, *command], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr, int(peak.read())


def must(command):
    status, out, err, peak = run(command)
    if status:
        raise RuntimeError(" ".join(command) + ": " + err[-400:])
    return out, peak


def difference(got, want):
    worst = 0.0
    for name, w in want.items():
        if w.size:
            w, g = w.astype(np.float64), got[name].astype(np.float64)
            worst = max(worst, float(np.abs(g - w).max()) / max(float(np.abs(w).max()), 1e-30))
    return worst


class Checks:
    def __init__(self, args):
        self.args, self.passed, self.failed = args, 0, 0

    def tell(self, model, check, holds, text):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"{model:<16} {check:<11} {'ok' if holds else 'FAILED':<7} {text}", flush=True)

    def tool(self, name):
        return os.path.join(self.args.build, name)

    def compile(self, model, package, *more):
        return must([self.tool("aotc"), model, "-o", package, "-j", str(self.args.jobs), *more])[1]

    def outputs(self, package, stem, threads=1, repeat=1):
        """Results as arrays, and the peak memory of the run."""
        to = package + ".out.safetensors"
        peak = must([self.tool("aotc-run"), package, "--inputs", stem + ".inputs.safetensors", "--outputs", to, "--threads",
                     str(threads), "--repeat", str(repeat)])[1]
        return load_file(to), peak

    def same(self, name, check, a, b):
        self.tell(name, check, filecmp.cmp(a, b, shallow=False), f"{os.path.getsize(b)} bytes")

    def model(self, path, work):
        stem, name = path[:-len(".pt2")], os.path.basename(path)[:-len(".pt2")]
        first, other = os.path.join(work, "first.pt2pkg"), os.path.join(work, "other.pt2pkg")
        peak = self.compile(path, first)
        want = load_file(stem + ".outputs.safetensors")
        results, run_peak = self.outputs(first, stem)
        error = max(difference(results, want), difference(self.outputs(first, stem, threads=2)[0], want))
        self.tell(name, "eager", error <= 1e-4, f"{error:.1e}")
        self.compile(path, other)
        self.same(name, "bytes", first, other)
        self.forms(name, path, first, other, work)
        self.compile(path, other, "--cc=clang")
        error = difference(self.outputs(other, stem)[0], results)
        self.tell(name, "clang", error <= 1e-5, f"{error:.1e}")
        self.decomposed(name, path, stem, other, results, work)
        self.sizes(name, path, stem, first, peak, run_peak)

    def forms(self, name, path, first, other, work):
        folder = os.path.join(work, "folder")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
            json = next(n for n in archive.namelist() if re.search(r"models/[^/]*\.json$", n))
        root = os.path.join(folder, os.listdir(folder)[0]) if len(os.listdir(folder)) == 1 else folder
        self.compile(root, other)
        self.same(name, "folder", first, other)
        bare = os.path.join(work, "export.json")
        shutil.copy(os.path.join(folder, json), bare)
        self.compile(bare, other, "--weights-from", root)
        self.same(name, "json", first, other)
        if self.torch:
            from safetensors.torch import save_file
            program, to = self.torch.export.load(path), os.path.join(work, "weights.safetensors")
            tensors = {**program.state_dict, **{k: v for k, v in program.constants.items() if isinstance(v, self.torch.Tensor)}}
            if len({v.untyped_storage().data_ptr() for v in tensors.values()}) == len(tensors):
                save_file({k: v.detach().contiguous() for k, v in tensors.items()}, to)
                self.compile(bare, other, "--weights-from", to)
                self.same(name, "safetensors", first, other)

    def decomposed(self, name, path, stem, other, results, work):
        if not self.torch:
            return
        form = os.path.join(work, "decomposed.pt2")
        try:
            program = self.torch.export.load(path).run_decompositions()
        except Exception as e:
            print(f"{name:<16} decomposed  -       torch cannot: {type(e).__name__}: {str(e)[:80]!r}", flush=True)
            return
        self.torch.export.save(program, form)
        self.compile(form, other)
        error = difference(self.outputs(other, stem)[0], results)
        self.tell(name, "decomposed", error <= 1e-5, f"{error:.1e}")

    def sizes(self, name, path, stem, package, peak, run_peak):
        info = must([self.tool("aotc"), "inspect", "--json", package])[0]
        weights = int(re.search(r'"weights_bytes": (\d+)', info).group(1))
        limit = 2.5 * weights + 300 * MB
        self.tell(name, "compiler", peak <= limit, f"{peak / MB:.0f} MB of {limit / MB:.0f} MB")
        bench = must([self.tool("aotc-bench"), package, "--threads", "1", "--seconds", "0.2"])[0]
        plan = int(re.search(r"context (\d+) bytes", bench).group(1))
        least_us = float(re.search(r"min (\d+\.\d+)", bench).group(1))
        tensors = sum(os.path.getsize(stem + kind) for kind in (".inputs.safetensors", ".outputs.safetensors"))
        limit = weights + tensors + plan + 10 * MB
        self.tell(name, "run", run_peak <= limit, f"{run_peak / MB:.1f} MB of {limit / MB:.1f} MB")
        if least_us < 20e3:
            grown = self.outputs(package, stem, repeat=1000)[1] - self.outputs(package, stem, repeat=10)[1]
            self.tell(name, "flat", grown <= 0.3 * MB, f"{grown / 1024:+.0f} KiB from run 10 to run 1000")
        size = os.path.getsize(package)
        self.tell(name, "package", size <= weights + (1 << 20), f"weights + {(size - weights) / 1024:.0f} KiB")
        with zipfile.ZipFile(package) as archive, tempfile.NamedTemporaryFile() as library:
            library.write(archive.read(next(n for n in archive.namelist() if n.endswith(".so"))))
            library.flush()
            needed = re.findall(r"NEEDED.*\[(.*)\]", must(["readelf", "-d", library.name])[0])
        self.tell(name, "needed", set(needed) <= {"libc.so.6", "libm.so.6"}, " ".join(needed) or "nothing")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("models", nargs="+", metavar="MODEL.pt2")
    args = p.parse_args()
    checks = Checks(args)
    try:
        import warnings
        warnings.simplefilter("ignore")
        import torch
        checks.torch = torch
    except ImportError:
        checks.torch = None
    for path in args.models:
        with tempfile.TemporaryDirectory() as work:
            try:
                checks.model(path, work)
            except Exception as e:
                checks.tell(os.path.basename(path)[:-4], "works", False, f"{type(e).__name__}: {e}")
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(checks.failed != 0)


main()
