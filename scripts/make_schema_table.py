#!/usr/bin/env python3
"""Writes ir/schema_table.inc from the operator registry of the installed PyTorch.

In: torch (the version is printed at the top of the table).  Out: one row an overload, sorted by dotted name:
    {"aten.add.Tensor", "aten::add.Tensor(Tensor self, ...) -> Tensor", flags},
Rows that only TorchScript can call (dictionaries, type variables, variadic ones) are left out: no export holds them.

    python3 scripts/make_schema_table.py > ir/schema_table.inc
"""
import json
import re

import torch
import torch._prims  # registers prims
import torch.ao.quantization.fx._decomposed  # registers quantized_decomposed
from torch.fx.node import _side_effectful_functions

NAMESPACES = ("aten", "prims", "quantized_decomposed")
# The few prim operators that non-strict exports of older versions keep.
PRIM = ("prim::device", "prim::dtype", "prim::layout")
SCRIPT_ONLY = re.compile(r"\.\.\.|Dict\(|RRef\(|Future\(|Await\(|Any|tVal|\bt[12]?\b(?=[\[( ?)]|$)")


def dotted(schema):
    return f"{schema.name.replace('::', '.')}.{schema.overload_name or 'default'}"


def is_wanted(schema):
    if schema.name.split("::")[0] not in NAMESPACES and schema.name not in PRIM:
        return False
    arguments, _, returns = str(schema).partition(" -> ")
    types = re.sub(r'"(\\.|[^"])*"', "", arguments.partition("(")[2] + " " + returns)
    return not SCRIPT_ONLY.search(types)


def overload(schema):
    """The OpOverload of a schema, None for operators of TorchScript alone."""
    namespace, _, base = schema.name.partition("::")
    try:
        return getattr(getattr(getattr(torch.ops, namespace), base), schema.overload_name or "default")
    except (AttributeError, RuntimeError):
        return None


def flags(schema):
    found = []
    op = overload(schema)
    if op is not None and torch.Tag.nondeterministic_seeded in op.tags:
        found.append("SCHEMA_RANDOM")
    is_written = any(a.alias_info is not None and a.alias_info.is_write for a in schema.arguments)
    if op in _side_effectful_functions or (not schema.returns and not is_written):
        found.append("SCHEMA_EFFECT")
    return " | ".join(found) or "0"


def main():
    rows = {}
    for schema in torch._C._jit_get_all_schemas():
        if is_wanted(schema):
            rows.setdefault(dotted(schema), (str(schema), flags(schema)))
    print("/* Made by scripts/make_schema_table.py from PyTorch", torch.__version__.split("+")[0] + "; do not edit. */")
    print("/* clang-format off */")
    for name in sorted(rows):
        text, bits = rows[name]
        print(f"{{{json.dumps(name)}, {json.dumps(text)}, {bits}}},")
    print("/* clang-format on */")


if __name__ == "__main__":
    main()
