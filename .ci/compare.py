#!/usr/bin/env python3
"""A regression gate over the reports of the parity and the stage suite.

  compare.py REPORT.json BASELINE.json            prints what passed before and does not pass now, and what passes and is
                                                  not in the baseline; the last line is "N passed, N failed, N known":
                                                  failed counts these two, known the other cases that do not pass
  compare.py REPORT.json BASELINE.json --update   writes the baseline: the names that pass, one a line

REPORT is what run_parity.py --report or run_stages.py --json wrote.  Without a baseline nothing can regress, and every
case that does not pass is "known".  A case of the baseline that the report does not have was not selected.
"""
import json
import os
import sys


def outcomes(path):
    """{name: (passes, message)} of a report or baseline; skipped cases are left out."""
    with open(path) as f:
        data = json.load(f)
    cases = {}
    for c in data["cases"] if isinstance(data, dict) else data:
        status = c.get("status") or c.get("result")
        if status == "skip":
            continue
        message = c.get("message") or "; ".join(c.get("crash", []) + c.get("numerics", []) + c.get("expectation", []))
        cases[c.get("name") or c["id"]] = (status in ("pass", "ok"), f"{status}: {message}")
    return cases


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--update"]):
        sys.exit(__doc__)
    now = outcomes(sys.argv[1])
    if sys.argv[3:]:
        lines = [json.dumps({"name": n, "status": "pass"}) for n in sorted(now) if now[n][0]]
        with open(sys.argv[2], "w") as f:
            f.write('{"cases": [\n' + ",\n".join(lines) + "\n]}\n")
        print(f"{len(lines)} names written to {sys.argv[2]}")
        return 0
    before = {}
    if os.path.exists(sys.argv[2]):
        before = outcomes(sys.argv[2])
    else:
        print(f"no {sys.argv[2]}: nothing to compare with, for information only")
    lost = [n for n in sorted(now) if not now[n][0] and before.get(n, (False,))[0]]
    for n in lost:
        print(f"regression: {n}: {now[n][1]}"[:300])
    gained = [n for n in sorted(now) if before and now[n][0] and not before.get(n, (False,))[0]]
    for n in gained:
        print(f"passes, but is not in {sys.argv[2]} (--update writes it): {n}")
    passed = sum(ok for ok, _ in now.values())
    print(f"{passed - len(gained)} passed, {len(lost) + len(gained)} failed, {len(now) - passed - len(lost)} known")
    return 1 if lost or gained or not now else 0


if __name__ == "__main__":
    sys.exit(main())
