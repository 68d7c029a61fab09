"""Parity cases beside those of the suite: programs after run_decompositions(), and every architecture with dynamic sizes.

    PYTHONPATH=tests/python python PARITY/run_parity.py --sets more_cases --filter '^decomposed.model' --aotc … --aotc-run …

`decomposed.NAME`  the suite's case NAME (models, hops, export_db; of operators the first sample in float32) after
                   run_decompositions(): core ATen operators alone
`dynamic.NAME`     an architecture whose batch, and where its inputs are token ids the length too, is dynamic: run at three
                   sizes.  What torch.export cannot export so is skipped by the suite.
"""
import copy

import torch

import cases_export_db
import cases_models
import cases_ops
import core


def decomposed(case):
    """The case with its program decomposed; core.Skip where the export refuses it."""
    case.set = "more_cases"
    case.name = f"decomposed.{case.name}"
    case.ep = core.export_case(case).run_decompositions()
    case.decompose = False
    return case


def resized(args, batch, length):
    """args at another batch (dim 0) and, of token ids and masks, another length (dim 1); values are seeded."""
    g = torch.Generator().manual_seed(batch)
    out = []
    for x in args:
        if x.dtype == torch.int64:
            out.append(torch.randint(5, 60, (batch, length), generator=g) if x.max() > 1 else
                       torch.ones(batch, length, dtype=torch.int64))
        else:
            out.append(torch.randn(batch, *x.shape[1:], generator=g).to(x.dtype))
    return tuple(out)


def dynamic(case):
    """The case with a dynamic batch (and length of token ids), or None where its inputs have no such form."""
    if case.dynamic_shapes or case.kwargs or not all(isinstance(x, torch.Tensor) and x.dim() >= 2 for x in case.args):
        return None
    ids = all(x.dtype == torch.int64 and x.dim() == 2 for x in case.args)
    batch, length = torch.export.Dim("batch", min=1, max=32), torch.export.Dim("length", min=2, max=64)
    dims = {0: batch, 1: length} if ids and len({x.shape for x in case.args}) == 1 else {0: batch}
    length = case.args[0].shape[1]
    case.set, case.name = "more_cases", f"dynamic.{case.name}"
    case.args = resized(case.args, 2, length)
    longer = length + 4 if 1 in dims else length
    case.extra_inputs = [(resized(case.args, 3, longer), {}), (resized(case.args, 1, length), {})]
    case.dynamic_shapes = ((dims,) * len(case.args),) if isinstance(case.module, cases_models.Pick) else (dims,)
    case.tags = [*case.tags, "dynamic"]
    case.decompose = False
    return case


def sources(wanted, on_skip):
    """The suite's cases whose decomposed form is wanted."""
    def named(name):
        return wanted(f"decomposed.{name}")

    yield from cases_models.cases(on_skip, named)
    yield from cases_ops.hop_cases(named, on_skip)
    yield from (c for c in cases_export_db.cases(on_skip) if named(c.name))
    yield from cases_ops.op_cases(1, 1, [torch.float32], named, on_skip)


def cases(on_skip, wanted):
    """All of them; `wanted` tells by name."""
    for case in sources(wanted, on_skip):
        try:
            yield decomposed(case)
        except core.Skip as e:
            on_skip(case.name, e.kind, e.reason)
        except Exception as e:  # run_decompositions() itself
            on_skip(case.name, "not exportable", core.first_line(e))
    for case in cases_models.cases(on_skip, lambda name: wanted(f"dynamic.{name}")):
        made = dynamic(copy.copy(case))
        if made:
            yield made
