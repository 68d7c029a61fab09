#!/usr/bin/env python3
"""Which operators keep parity cases from compiling: refusals counted over cases, without a C compiler.

    run_parity.py --sets ops,hops --dtypes float32 --write CASES     # the parity suite makes the files, once (minutes)
    scan_refusals.py --aotc build/aotc CASES...                      # milliseconds a case
    scan_refusals.py --aotc build/aotc CASES... --cases aten.foo     # the cases whose message has a text

Every CASE.pt2 goes through `aotc CASE.pt2 --emit-only`.  A refused case counts once for each operator of its table, and
in the column "alone" where no other operator stands in its way; other messages are counted with their numbers left out.
A case that is emitted need not compile or be right: run_parity.py --check says so.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

# One row of the table that passes/check_calls.c prints: operator, times, node, Python line.
TABLE_ROW = re.compile(r"^\s+((?:\w+\.)+\w+)\s+\d+\s", re.M)


def scan(aotc, path, timeout):
    """(name, None where the case is emitted, else (operators of the table, first line of the message))."""
    name = os.path.basename(path)[:-4]
    with tempfile.TemporaryDirectory(prefix="scan.") as keep:
        try:
            done = subprocess.run([*aotc, path, "--emit-only", "--keep", keep], capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return name, ([], "timeout")
    text = done.stderr.decode(errors="replace")
    if done.returncode == 0:
        return name, None
    if done.returncode < 0:
        return name, ([], f"signal {-done.returncode}")
    operators = sorted(set(TABLE_ROW.findall(text))) if re.match(r"aotc: \d+ (unknown )?operators?", text) else []
    lines = [l.strip() for l in text.splitlines() if l.strip()]
    return name, (operators, lines[0][:200] if lines else f"exit status {done.returncode} without a message")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folders", nargs="+", help="folders of *.pt2")
    ap.add_argument("--aotc", default="build/aotc", help="the compiler (a command; split at blanks)")
    ap.add_argument("--filter", help="only cases whose name matches this regular expression")
    ap.add_argument("--cases", metavar="TEXT", help="print the refused cases whose operators or message contain TEXT")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--timeout", type=float, default=60)
    opts = ap.parse_args()
    paths = [os.path.join(d, f) for d in opts.folders for f in sorted(os.listdir(d))
             if f.endswith(".pt2") and (not opts.filter or re.search(opts.filter, f))]
    with concurrent.futures.ThreadPoolExecutor(opts.jobs) as pool:
        results = list(pool.map(lambda p: scan(opts.aotc.split(), p, opts.timeout), paths))
    refused = [(name, why) for name, why in results if why]
    if opts.cases:
        for name, (operators, message) in refused:
            if any(opts.cases in x for x in (*operators, message)):
                print(name, "|", message, "|", " ".join(operators))
        return 0
    times, alone, messages = (collections.Counter() for _ in range(3))
    example = {}
    for name, (operators, message) in refused:
        for key in operators or [re.sub(r"\d+", "N", message)]:
            counter = times if operators else messages
            counter[key] += 1
            example.setdefault(key, name)
        if len(operators) == 1:
            alone[operators[0]] += 1
    print(f"{'cases':>6} {'alone':>6}  operator")
    for key, n in times.most_common():
        print(f"{n:6} {alone[key]:6}  {key}   [{example[key]}]")
    print(f"{'cases':>6}  message")
    for key, n in messages.most_common():
        print(f"{n:6}  {key}   [{example[key]}]")
    print(f"{len(results) - len(refused)} emitted, {len(refused)} refused, of {len(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
