#!/usr/bin/env python3
"""Broken exports for test_cli.sh, made from a sound one.  Python 3 alone.

  broken.py GOOD.pt2 FOLDER     writes FOLDER/refused/*.pt2 (aotc has to refuse each) and FOLDER/any/*.pt2 (a field that
                                aotc may ignore has a wrong type: it may compile or refuse, never crash)
  broken.py --images IMAGES.bin OUT.safetensors   the digits of examples/digits as tensor input0
  broken.py --close A.safetensors B.safetensors   exit 0 when the f32 tensors differ by at most 1e-4
"""
import json
import os
import struct
import sys
import zipfile

JSONS = ["models/model.json", "data/weights/model_weights_config.json"]


def read(path):
    with zipfile.ZipFile(path) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


def write(path, members):
    with zipfile.ZipFile(path, "w") as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name), data)


def changed(members, suffix, change):
    """The members with change(data) in place of those that end with suffix; None drops the member."""
    out = []
    for name, data in members:
        if name.endswith(suffix):
            data = change(data)
        if data is not None:
            out.append((name, data))
    return out


def places(value, path=(), depth=0):
    """Paths to the fields of a JSON value; of every list only the first element."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in items:
        yield path + (key,)
        if depth < 8:
            yield from places(inner, path + (key,), depth + 1)


def with_wrong_type(value, path):
    """A copy in which the value at path has another type."""
    value = json.loads(json.dumps(value))
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    holder[path[-1]] = 7 if isinstance(old, (str, list, dict)) else {"wrong": []}
    return value


def refused(good, members, put):
    with open(good, "rb") as f:
        whole = f.read()
    for n in (0, 1, 30, 1000, len(whole) // 2, len(whole) - 400, len(whole) - 22, len(whole) - 1):
        put(f"truncated_{n}", whole[:n])
    put("no_zip", b"this is no archive\n" * 50)
    for suffix in JSONS:
        tag = os.path.basename(suffix).split(".")[0]
        text = dict((n[n.index("/") + 1:], d) for n, d in members)[suffix]
        put(f"{tag}_missing", changed(members, suffix, lambda d: None))
        for n in (0, 1, len(text) // 3, len(text) - 1):
            put(f"{tag}_cut_{n}", changed(members, suffix, lambda d: d[:n]))
        for kind, wrong in (("list", b"[]"), ("number", b"3"), ("string", b'"x"'), ("null", b"null"), ("empty", b"{}")):
            put(f"{tag}_is_{kind}", changed(members, suffix, lambda d: wrong))
        put(f"{tag}_not_utf8", changed(members, suffix, lambda d: d[:20] + b"\xff\xfe" + d[20:]))
        put(f"{tag}_deep", changed(members, suffix, lambda d: b'{"a":' * 100000))
    put("weight_missing", changed(members, "weights/weight_4", lambda d: None))
    put("weight_cut", changed(members, "weights/weight_4", lambda d: d[:-4]))
    put("weight_empty", changed(members, "weights/weight_4", lambda d: b""))
    put("big_endian", changed(members, "byteorder", lambda d: b"big"))
    for tag, name in (("unknown_operator", b"torch.ops.aten.frobnicate.default"),
                      ("unknown_overload", b"torch.ops.aten.relu.frobnicate"),
                      ("unknown_namespace", b"torch.ops.mylib.frobnicate.default"),
                      ("operator_no_name", b"")):
        put(tag, changed(members, JSONS[0], lambda d: d.replace(b"torch.ops.aten.relu.default", name)))
    model = json.loads(dict((n[n.index("/") + 1:], d) for n, d in members)[JSONS[0]])
    for key in ("graph_module",):
        put(f"wrong_{key}", changed(members, JSONS[0], lambda d: json.dumps(with_wrong_type(model, (key,)))))
    for key in ("graph", "signature"):
        bad = json.dumps(with_wrong_type(model, ("graph_module", key)))
        put(f"wrong_{key}", changed(members, JSONS[0], lambda d: bad))
    for key in ("nodes", "tensor_values", "inputs", "outputs"):
        bad = json.dumps(with_wrong_type(model, ("graph_module", "graph", key)))
        put(f"wrong_{key}", changed(members, JSONS[0], lambda d: bad))


def any_outcome(members, put):
    for suffix in JSONS:
        tag = os.path.basename(suffix).split(".")[0]
        value = json.loads(dict((n[n.index("/") + 1:], d) for n, d in members)[suffix])
        for i, path in enumerate(places(value)):
            bad = json.dumps(with_wrong_type(value, path))
            put(f"{tag}_{i}_" + ".".join(map(str, path))[-60:].replace("/", "_"),
                changed(members, suffix, lambda d: bad))


def make(good, folder):
    members = read(good)
    for kind in ("refused", "any"):
        os.makedirs(os.path.join(folder, kind), exist_ok=True)

    def put_in(kind):
        def put(name, content):
            path = os.path.join(folder, kind, name + ".pt2")
            if isinstance(content, bytes):
                with open(path, "wb") as f:
                    f.write(content)
            else:
                write(path, content)
        return put

    refused(good, members, put_in("refused"))
    any_outcome(members, put_in("any"))


def images(source, target):
    with open(source, "rb") as f:
        n, = struct.unpack("<i", f.read(4))
        pixels = b"".join(f.read(260)[:256] for _ in range(n))
    head = json.dumps({"input0": {"dtype": "F32", "shape": [n, 1, 8, 8], "data_offsets": [0, len(pixels)]}}).encode()
    head += b" " * (-len(head) % 8)
    with open(target, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + pixels)


def floats(path):
    with open(path, "rb") as f:
        n, = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(n)), f.read()
    out = {}
    for name, t in head.items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            out[name] = (t["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
    return out


def close(a, b):
    a, b = floats(a), floats(b)
    if a.keys() != b.keys() or not a:
        sys.exit(f"tensors {sorted(a)} and {sorted(b)}")
    for name in a:
        if a[name][0] != b[name][0]:
            sys.exit(f"{name}: shapes {a[name][0]} and {b[name][0]}")
        worst = max(abs(x - y) for x, y in zip(a[name][1], b[name][1]))
        if not worst <= 1e-4:
            sys.exit(f"{name}: differs by {worst}")


if __name__ == "__main__":
    if sys.argv[1] == "--images":
        images(*sys.argv[2:])
    elif sys.argv[1] == "--close":
        close(*sys.argv[2:])
    else:
        make(*sys.argv[1:])
