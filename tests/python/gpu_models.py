#!/usr/bin/env python3
"""Models and kernels of the GPU benchmark on this machine's GPU: aotc beside eager PyTorch and AOTInductor, in one run.

    python3 tests/python/gpu_models.py --bench BENCH/gpu --build build-device [--rows vit_b1,...] [--dtypes bfloat16,float16,float32]
                                       [--peers eager,graph,aoti,aoti+graph,copy] [--out report.json]

Every row is built, exported and compiled (side by side), then timed alone: outputs are compared with eager PyTorch first.
  lat    us between two events around one call, the GPU idle before it; median
  wall   us of the host for one call and synchronize; issue: the call alone
  cold   us of back-to-back calls with a 512 MB read between them (kernel rows): the L2 holds nothing
  stream us a call of many back to back, over sets of inputs and outputs that together are far larger than the L2: bytes by
         this time are the rate of a kernel in a stream of work (with the peer copy, of aotc and of copy)
The peer `copy` (kernel rows) is a device-to-device copy in a CUDA graph of as many bytes as the row reads and writes.
Times are medians of one run; peers of a row take turns in it.  The last line is "N passed, N failed": outputs that agree."""
import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

# Largest difference over the largest output: whole networks in the dtype's precision.
TOLERANCE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 6e-2}
# Together the sets of the measure "stream" have at least as many: eight times the L2 of an H100.
STREAM_BYTES = 400 << 20
STREAM_ROUNDS = 8
MODEL_ROWS = ["resnet50_nhwc_b1", "resnet50_nchw_b1", "vit_b1", "bert_b1", "gpt2_prefill_b1", "gpt2_decode_b1", "llama_prefill_b1",
              "llama_decode_b1", "unet_b1", "dlrm_b16"]


def cast(value, dtype):
    import torch
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    return value


def build_row(row, dtype):
    import torch
    import gpu_rows
    import models
    torch.manual_seed(0)
    module, inputs, meta = (gpu_rows if row in gpu_rows.ROWS else models).build(row, "cuda")
    if dtype:
        module = module.to(getattr(torch, dtype))
        inputs = tuple(cast(x, getattr(torch, dtype)) for x in inputs)
    return module, inputs, meta


def flat(value):
    import torch
    if isinstance(value, torch.Tensor):
        return [value]
    return [y for x in (value.values() if isinstance(value, dict) else value) for y in flat(x)]


class Row:
    """One row in one process: prepare() compiles, measure() compares and times."""

    def __init__(self, args, name, dtype):
        self.args, self.name, self.dtype = args, name, dtype
        self.result = {"row": name, "dtype": dtype or "as the row says", "peers": {}}

    def prepare(self):
        import torch
        torch.set_grad_enabled(False)
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = self.dtype != "float32"
        self.module, self.inputs, self.meta = build_row(self.name, self.dtype)
        stem = os.path.join(self.args.work, f"{self.name}.{self.dtype}")
        program = torch.export.export(self.module, self.inputs)
        torch.export.save(program, stem + ".pt2")
        start = time.perf_counter()
        command = [os.path.join(self.args.build, "aotc"), stem + ".pt2", "-o", stem + ".pt2pkg", "--target=" + self.args.target, "-j",
                   str(self.args.jobs), "--stats", stem + ".stats", *os.environ.get("AOTC_FLAGS", "").split()]
        done = subprocess.run(command, capture_output=True, text=True)
        self.result["aotc_compile_s"] = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError("aotc: " + done.stderr[-1500:])
        self.result["kernels"] = json.load(open(stem + ".stats"))["num_kernels"]
        self.result["package_bytes"] = os.path.getsize(stem + ".pt2pkg")
        self.package, self.aoti = stem + ".pt2pkg", None
        if any(p.startswith("aoti") for p in self.args.peers):
            start = time.perf_counter()
            try:
                path = torch._inductor.aoti_compile_and_package(program, package_path=stem + ".aoti.pt2")
                self.aoti = torch._inductor.aoti_load_package(path, run_single_threaded=True)
            except Exception as e:
                self.result["aoti_error"] = str(e)[-300:]
            self.result["aoti_compile_s"] = time.perf_counter() - start
        del program

    def peers(self):
        import torch
        from aotc_ctypes import Model
        stream = torch.cuda.current_stream()
        want = [x.clone() for x in flat(self.fresh()(*self.inputs))]
        torch.cuda.synchronize()
        model = Model(os.path.join(self.args.build, "libaotc.so"), self.package)
        outputs = [torch.empty_like(x) for x in want]
        inputs = list(flat(self.inputs))
        model.bind(inputs, outputs)
        found = {"aotc": lambda: model.run(stream.cuda_stream)}
        self.sets = {}
        model.run(stream.cuda_stream)
        torch.cuda.synchronize()
        model.synchronize()
        self.compare(outputs, want)
        if "eager" in self.args.peers:
            found["eager"] = lambda: self.module(*self.inputs)
        if "graph" in self.args.peers:
            found["eager+graph"] = self.graph_of(lambda: self.module(*self.inputs))
        if self.aoti and "aoti" in self.args.peers:
            found["aoti"] = lambda: self.aoti(*self.inputs)
        if self.aoti and "aoti+graph" in self.args.peers:
            found["aoti+graph"] = self.graph_of(lambda: self.aoti(*self.inputs))
        if "copy" in self.args.peers and self.meta["kind"] == "kernel":
            n_bytes = sum(x.nbytes for x in inputs + outputs)
            n_sets = max(2, min(64, -(-STREAM_BYTES // n_bytes)))
            found["copy"] = self.graph_of(self.copy_of(n_bytes))
            self.sets = {"aotc": [self.another(inputs, outputs, stream) for _ in range(n_sets)],
                         "copy": [self.graph_of(self.copy_of(n_bytes)) for _ in range(n_sets)]}
        return found

    def another(self, inputs, outputs, stream):
        """The package in a context of its own, on copies of the inputs."""
        from aotc_ctypes import Model
        model = Model(os.path.join(self.args.build, "libaotc.so"), self.package)
        model.bind([x.clone() for x in inputs], [x.clone() for x in outputs])
        return lambda: model.run(stream.cuda_stream)

    def copy_of(self, n_bytes):
        """The driver's copy on the device that moves as many bytes, read and written, as the row's inputs and outputs have."""
        import torch
        source = torch.zeros(max(n_bytes // 2, 1), dtype=torch.uint8, device="cuda")
        target = torch.empty_like(source)
        return lambda: target.copy_(source)

    def fresh(self):
        """The module with its exported buffers: eager calls change them."""
        import torch
        state = {k: v.clone() for k, v in self.module.state_dict(keep_vars=False).items()}

        def call(*inputs):
            result = self.module(*inputs)
            torch.cuda.synchronize()
            for k, v in self.module.state_dict(keep_vars=False).items():
                v.copy_(state[k])
            return result
        return call

    def compare(self, got, want):
        worst = 0.0
        for g, w in zip(got, want):
            g, w = g.double(), w.double()
            largest = float(w.abs().max()) if w.numel() else 0.0
            difference = float((g - w).abs().nan_to_num(float("inf")).max()) if w.numel() else 0.0
            worst = max(worst, difference / largest if largest else difference)
        self.result["error"] = worst
        self.result["passed"] = worst <= TOLERANCE[self.dtype or str(want[0].dtype).split(".")[-1]]

    def graph_of(self, call):
        import torch
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            call()
        return graph.replay

    def measure(self):
        found = self.peers()
        if not self.args.rounds:
            return
        for name, call in found.items():
            for _ in range(4):
                call()
        rounds = {name: [] for name in found}
        for i in range(self.args.rounds):
            for name in (list(found) if i % 2 == 0 else list(found)[::-1]):
                rounds[name].append(self.time(found[name]))
                if name in self.sets:
                    rounds[name][-1]["stream_us"] = self.time_stream(self.sets[name])
        for name, times in rounds.items():
            self.result["peers"][name] = {k: statistics.median(t[k] for t in times) for k in times[0]}

    def time(self, call):
        import torch
        sync, clock, event = torch.cuda.synchronize, time.perf_counter, lambda: torch.cuda.Event(enable_timing=True)
        call()
        sync()
        start = clock()
        call()
        sync()
        n = int(max(10, min(200, 0.05 / max(clock() - start, 1e-6))))
        wall, lat = [], []
        for _ in range(n):
            start = clock()
            call()
            sync()
            wall.append(clock() - start)
        start = clock()
        for _ in range(min(n, 20)):
            call()
        issue = (clock() - start) / min(n, 20)
        sync()
        for _ in range(n):
            a, b = event(), event()
            a.record()
            call()
            b.record()
            b.synchronize()
            lat.append(a.elapsed_time(b))
        result = {"lat_us": statistics.median(lat) * 1e3, "wall_us": statistics.median(wall) * 1e6, "issue_us": issue * 1e6}
        if self.meta["kind"] == "kernel":
            result["cold_us"] = self.time_cold(call)
        return result

    def time_stream(self, calls):
        import torch
        times = []
        for i in range(11):
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            for _ in range(STREAM_ROUNDS):
                for call in calls:
                    call()
            b.record()
            times.append((a, b))
        torch.cuda.synchronize()
        return statistics.median(a.elapsed_time(b) for a, b in times[1:]) * 1e3 / (STREAM_ROUNDS * len(calls))

    def time_cold(self, call):
        import torch
        if not hasattr(self, "sweep"):
            self.sweep = torch.ones(128 << 20, device="cuda")
        times = []
        for _ in range(20):
            self.sweep.sum()
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            call()
            b.record()
            times.append((a, b))
        torch.cuda.synchronize()
        return statistics.median(a.elapsed_time(b) for a, b in times) * 1e3


def child(args):
    """Prepares, says READY, waits for a line, measures, prints the result as JSON."""
    row = Row(args, *(args.one.split(":") + [None])[:2])
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        row.prepare()
        out.write("READY\n")
        sys.stdin.readline()
        row.measure()
    except Exception as e:
        row.result["failure"] = f"{type(e).__name__}: {e}"[-1500:]
        row.result["passed"] = False
    out.write(json.dumps(row.result) + "\n")
    out.flush()
    os._exit(0)


def start(args, spec):
    command = [sys.executable, os.path.abspath(__file__), "--one", spec, "--bench", args.bench, "--build", args.build, "--work", args.work,
               "--target", args.target, "--peers", ",".join(args.peers), "--rounds", str(args.rounds), "--jobs", str(args.jobs)]
    log = open(os.path.join(args.work, spec.replace(":", ".") + ".log"), "w")
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)


def show(result):
    peers = result["peers"]
    print(f"{result['row']:<18} {result['dtype']:<10} {'ok' if result.get('passed') else 'FAILED':<6} error {result.get('error', -1):.1e}"
          f"  kernels {result.get('kernels', '-')}  compile {result.get('aotc_compile_s', 0):.1f} s", flush=True)
    for name, t in peers.items():
        print("    %-12s" % name + "".join(f" {k[:-3]} {v:9.1f}" for k, v in t.items()), flush=True)
    if "failure" in result:
        print("    " + result["failure"].replace("\n", "\n    "), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bench", required=True, help="folder with the benchmark's models.py")
    p.add_argument("--build", default="build")
    p.add_argument("--work", default="/tmp/aotc-gpu-models")
    p.add_argument("--rows", default=",".join(MODEL_ROWS))
    p.add_argument("--dtypes", default="", help="default: what the row says (bf16 models)")
    p.add_argument("--peers", default="eager,graph")
    p.add_argument("--target", default="cuda:sm_90")
    p.add_argument("--rounds", type=int, default=3, help="0: outputs are compared, nothing is timed")
    p.add_argument("--jobs", type=int, default=4, help="compilers of one row")
    p.add_argument("--lanes", type=int, default=5, help="rows that are prepared at once")
    p.add_argument("--deadline", type=float, default=300, help="seconds for preparing: what is not ready by then is left out")
    p.add_argument("--timing", type=float, default=180, help="seconds after that for comparing and timing what is ready")
    p.add_argument("--out")
    p.add_argument("--one")
    args = p.parse_args()
    args.peers = [x for x in args.peers.split(",") if x]
    sys.path.insert(0, os.path.abspath(args.bench))
    os.makedirs(args.work, exist_ok=True)
    if args.one:
        return child(args)
    began, results, waiting, running = time.time(), [], [], []
    specs = [r + (":" + d if d else "") for r in args.rows.split(",") for d in args.dtypes.split(",")]
    pending = list(specs)
    while (pending or running) and time.time() - began < args.deadline:
        while pending and len(running) < args.lanes:
            running.append(start(args, pending.pop(0)))
        for stream in select.select([p.stdout for p in running], [], [], 1)[0]:
            process = next(p for p in running if p.stdout is stream)
            running.remove(process)
            line = stream.readline()
            if line == "READY\n":
                waiting.append(process)
            elif line.strip():
                results.append(json.loads(line))
                show(results[-1])
    for process in running:
        process.kill()
    print(f"{len(waiting)} of {len(specs)} rows are ready after {time.time() - began:.0f} s", flush=True)
    for process in waiting:
        if time.time() - began > args.deadline + args.timing:
            process.kill()
            continue
        process.stdin.write("\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if line.strip():
            results.append(json.loads(line))
            show(results[-1])
        process.wait()
    if args.out:
        json.dump(results, open(args.out, "w"), indent=1)
    passed = sum(bool(r.get("passed")) for r in results)
    print(f"{passed} passed, {len(specs) - passed} failed")
    sys.exit(passed != len(specs))


main()
