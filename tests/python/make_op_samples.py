"""Reference numbers of the operators' samples, from eager PyTorch: tests/fixtures/op_samples.txt, which test_parity.c reads.

    python tests/python/make_op_samples.py BUILD_FOLDER            # samples that are new or changed
    python tests/python/make_op_samples.py BUILD_FOLDER --all      # all of them (another version of PyTorch)
    python tests/python/make_op_samples.py BUILD_FOLDER --check    # runs all, writes nothing, says what differs from the file

Samples come from `aotc ops --json`.  The file has a line for each sample and one for each result below it:

    aten.add.Tensor self=f32[2,2] other=f32[2,2] alpha=2
      f32[2,2] : 0.5 1.25*3
    aten.add.Tensor ! self=f32[2] other=f32[3]
      refused
    aten.mm.default self=bf16[4,300] mat2=bf16[300,90]
      bf16[4,90] every 2 tol 0.031 : …

Strides follow the sizes, {1,2}, where they are not row-major.  A number that comes n times in a row is written once, *n.  Of large results every
n-th element is written (and the sum of integers).  tol is a bound on the absolute error, where eager itself is that far from the
same call in f64.  Results that are not defined (empty) or random have no numbers, large random ones a mean and a deviation.
"""
import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # deprecated operators are wanted, too

import numpy as np  # noqa: E402
import torch  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from own_operators import OWN  # noqa: E402
from sample_values import DTYPES, NAMES, arguments  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/fixtures/op_samples.txt"
MOST = 256      # elements written of one result
RANDOM = 1000   # elements from which on a mean says something
# torch.testing.assert_close
TOLERANCES = {torch.float16: (1e-3, 1e-5), torch.bfloat16: (1.6e-2, 1e-5), torch.float32: (1.3e-6, 1e-5)}


def dotted(op):
    ns, name = op.split("::")
    return f"{ns}.{name}" + ("" if "." in name else ".default")


def function_of(op):
    if op in OWN:
        return OWN[op]
    ns, base, overload = dotted(op).split(".")
    return getattr(getattr(getattr(torch.ops, ns), base), overload)


def flat(result):
    if isinstance(result, (list, tuple)):
        return [item for part in result for item in flat(part)]
    return [result]


def call(op, sample, wide=False):
    kwargs = arguments(dotted(op), sample)
    if wide:
        kwargs = {name: widened(value) for name, value in kwargs.items()}
    torch.manual_seed(0)
    with torch.no_grad():
        result = function_of(op)(**kwargs)
    results = [] if result is None else flat(result)
    return results[:1] if sample["first_only"] else results


def widened(value):
    if isinstance(value, list):
        return [widened(item) for item in value]
    narrow = (torch.float16, torch.bfloat16, torch.float32)
    if isinstance(value, torch.Tensor) and value.dtype in narrow:
        wide = torch.empty_strided(value.shape, value.stride(), dtype=torch.float64)
        return wide.copy_(value) if value.numel() else wide
    return torch.float64 if value in narrow else value


def tolerance(result, wide):
    """Twice eager's own error, where that is more than assert_close allows; None where it is not."""
    if result.dtype not in TOLERANCES or not isinstance(wide, torch.Tensor) or wide.shape != result.shape:
        return None
    got, want = result.double(), wide.double()
    finite = torch.isfinite(got) & torch.isfinite(want)
    if not finite.any():
        return None
    error = (got - want)[finite].abs()
    relative, absolute = TOLERANCES[result.dtype]
    # half of the bound is ours
    if (error <= (absolute + relative * want[finite].abs()) / 2).all():
        return None
    return 2 * error.max().item()


def number_text(value, dtype):
    if isinstance(value, complex):
        return number_text(value.real, dtype) + " " + number_text(value.imag, dtype)
    if isinstance(value, (bool, int)):
        return str(int(value))
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    wide = dtype in (torch.float64, torch.complex128)
    text = repr(value) if wide else str(np.float32(value))
    return text[:-2] if text.endswith(".0") else text


def runs(texts):
    out, i = [], 0
    while i < len(texts):
        n = 1
        while i + n < len(texts) and texts[i + n] == texts[i]:
            n += 1
        out.append(texts[i] if n == 1 else f"{texts[i]}*{n}")
        i += n
    return " ".join(out)


def row_major(sizes):
    strides, step = [], 1
    for size in reversed(sizes):
        strides.insert(0, step)
        step *= max(size, 1)
    return tuple(strides)


def head_of(result):
    text = f"{NAMES[result.dtype]}[{','.join(map(str, result.shape))}]"
    if result.numel() and any(n != 1 and a != b for n, a, b in
                              zip(result.shape, result.stride(), row_major(result.shape))):
        text += "{" + ",".join(map(str, result.stride())) + "}"
    return text


def result_line(result, wide, types_only):
    if result is None:
        return "  none"
    if not isinstance(result, torch.Tensor):
        return f"  {type(result).__name__} : {number_text(result, torch.float64)}"
    line = "  " + head_of(result)
    if types_only:
        if result.numel() >= RANDOM and result.dtype.is_floating_point:
            line += f" mean {result.double().mean().item():.6g} std {result.double().std().item():.6g}"
        return line
    if result._is_zerotensor():
        result = torch.zeros(result.shape, dtype=result.dtype)
    values = result.resolve_conj().resolve_neg().reshape(-1)
    if values.dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        values = values.float()
    step = -(-values.numel() // MOST) if values.numel() else 1
    if step > 1:
        line += f" every {step}"
        if not result.dtype.is_floating_point and not result.dtype.is_complex:
            line += f" sum {sum(map(int, values.tolist()))}"
    bound = tolerance(result, wide)
    if bound:
        line += f" tol {bound:.3g}"
    texts = [number_text(value, result.dtype) for value in values[::step].tolist()]
    return f"{line} : {runs(' '.join(texts).split())}".rstrip()


def record(op, sample):
    """The lines of a sample; raises ValueError where eager and the sample do not agree on a refusal."""
    try:
        results = call(op, sample)
    except Exception as e:  # whatever eager raises is a refusal
        if not sample["refused"]:
            raise ValueError(f"eager raises: {str(e).splitlines()[0][:160]}") from e
        return ["  refused"]
    if sample["refused"]:
        raise ValueError("eager does not refuse it")
    try:
        wide = call(op, sample, wide=True) if not sample["types_only"] else []
    except Exception:  # no f64 kernel, or dtypes that do not go together
        wide = []
    if len(wide) != len(results):
        wide = [None] * len(results)
    return [result_line(r, w, sample["types_only"]) for r, w in zip(results, wide)]


def read_file():
    version, records, lines = None, {}, []
    if not OUT.exists():
        return version, records
    for line in OUT.read_text().splitlines():
        if line.startswith("# torch "):
            version = line[8:]
        elif not line.startswith("  "):
            lines = records.setdefault(line, [])
        else:
            lines.append(line)
    return version, records


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = json.loads(subprocess.run([options.build / "aotc", "ops", "--json"], check=True, capture_output=True).stdout)
    version, known = read_file()
    mine = torch.__version__.split("+")[0]
    if known and version != mine and not (options.all or options.check):
        sys.exit(f"the file is from torch {version}, this is {mine}: --all makes all of it anew")
    text, failed, fresh = [f"# torch {mine}"], 0, 0
    for row in rows:
        for sample in row["samples"]:
            key = f"{dotted(row['op'])} {sample['text']}"
            lines = known.get(key)
            if lines is None or options.all or options.check:
                try:
                    lines = record(row["op"], sample)
                except ValueError as e:
                    print(f"{key}\n    {e}")
                    failed += 1
                    continue
                fresh += 1
                if options.check and lines != known.get(key):
                    print(f"differs: {key}")
                    failed += 1
            text += [key, *lines]
    if not options.check:
        OUT.write_text("\n".join(text) + "\n")
    print(f"{fresh} run, {failed} failed, {OUT.stat().st_size} bytes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
