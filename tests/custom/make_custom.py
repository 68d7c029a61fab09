"""Writes the exports of custom operators that tests/test_custom.c compiles, with what eager PyTorch makes of them:

    python tests/custom/make_custom.py [FOLDER]

custom.pt2, custom_aten.pt2 (after run_decompositions), custom.safetensors: inputs and outputs at three sizes as n<rows>.input<i>,
n<rows>.output<i>. The schemas in ops.c are those that PyTorch infers: this checks it."""
import pathlib
import re
import sys

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.library import custom_op

HERE = pathlib.Path(__file__).parent


@custom_op("mylib::scaled_add", mutates_args=())
def scaled_add(x: Tensor, y: Tensor, alpha: float = 1.0) -> Tensor:
    return x + alpha * y


@scaled_add.register_fake
def _(x, y, alpha=1.0):
    return torch.empty_like(x)


@custom_op("mylib::add_to", mutates_args={"acc"})
def add_to(acc: Tensor, x: Tensor) -> None:
    acc += x


@custom_op("mylib::add_and_sum", mutates_args={"acc", "count"})
def add_and_sum(acc: Tensor, x: Tensor, count: Tensor) -> Tensor:
    acc += x
    count += 1
    return x.sum(1)


@add_and_sum.register_fake
def _(acc, x, count):
    return x.new_empty(x.shape[0])


@custom_op("mylib::two", mutates_args=())
def two(x: Tensor, n: int, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    return x * n, x.sum(0) if weight is None else (x * weight).sum(0)


@two.register_fake
def _(x, n, weight=None):
    return torch.empty_like(x), x.new_empty(x.shape[1:])


@custom_op("mylib::kinds", mutates_args=())
def kinds(x: Tensor, flag: bool, mode: str, dims: list[int], weights: list[float], signs: list[bool], number: torch.types.Number,
          real: torch.types.Number, dtype: torch.dtype, limit: int | None = None, low: float | None = None,
          names: str | None = None) -> Tensor:
    values = [float(flag), len(mode), sum(dims), sum(weights), sum(signs), number, real, float(dtype == torch.float16),
              -1 if limit is None else limit, -1 if low is None else low, float(names is None)]
    return x.sum() * torch.tensor(values)


@kinds.register_fake
def _(x, *args, **kwargs):
    return x.new_empty(11)


@custom_op("mylib::halves", mutates_args=())
def halves(xs: list[Tensor], extra: list[Tensor | None]) -> list[Tensor]:
    return [x / 2 for x in xs] if extra[0] is None else [x / 2 + extra[0] for x in xs]


@halves.register_fake
def _(xs, extra):
    return [torch.empty_like(x) for x in xs]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(4))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))
        self.weight = torch.nn.Parameter(torch.arange(4.0) - 1)

    def forward(self, x, y, state):
        a = scaled_add((x * 2).relu(), y.t(), 0.5)  # between pointwise neighbours, of a tensor that is not contiguous
        b = torch.sigmoid(a) + 1
        add_to(b, x)
        rows = add_and_sum(b, a, self.count)
        add_to(b[:, 1:3], x[:, 2:])  # a view of what is read below
        p, q = two(b.exp().clamp(max=100), x.shape[0], self.weight)
        add_to(self.total, q)
        add_to(state, p)  # an input
        k = kinds(x, True, "abc", [1, x.shape[0]], [0.5, 2.0], [True, False, True], 3, 1.5, torch.float16, None, 0.25)
        h, g = halves([x, b], [None])
        h2, g2 = halves([h, g], [y.t()])
        return p - 1, q, rows.tanh(), k, h2 * 2, g2 + h


def check_schemas():
    """The schemas that ops.c states."""
    text = (HERE / "ops.c").read_text()
    stated = dict(re.findall(r"aotc-op: (mylib::\w+)(.*?)(?: \*/)?$", text, re.M))
    for op in (scaled_add, add_to, add_and_sum, two, kinds, halves):
        schema = str(op._opoverload._schema)
        name, rest = re.match(r"(mylib::\w+)(.*)", schema).groups()
        assert stated[name] == rest, f"ops.c: {name}{stated[name]}\nPyTorch: {schema}"


def main(folder):
    check_schemas()
    rows = torch.export.Dim("rows", min=1, max=1000)

    def inputs(n):
        torch.manual_seed(n)
        return torch.randn(n, 4), torch.randn(4, n), torch.randn(n, 4)

    program = torch.export.export(Model().eval(), inputs(5), dynamic_shapes=({0: rows}, {1: rows}, {0: rows}))
    torch.export.save(program, folder / "custom.pt2")
    torch.export.save(program.run_decompositions(), folder / "custom_aten.pt2")
    tensors = {}
    for n in (2, 5, 33):
        model, args = Model().eval(), inputs(n)
        for i, x in enumerate(args):
            tensors[f"n{n}.input{i}"] = x.clone()
        with torch.no_grad():
            outputs = model(*args)
        for i, x in enumerate(outputs):
            tensors[f"n{n}.output{i}"] = x.clone()
        tensors[f"n{n}.state"] = args[2].clone()
    save_file(tensors, folder / "custom.safetensors")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
