"""Calls in which two arguments build nodes: C leaves their order to the compiler, and so the order of the nodes.

    python3 tests/python/nested_builds.py [FILE.c...]     default: ir/ and passes/; prints places, exit status 1 when there are some

    out = BUILD(b, "aten.add.Tensor", arg_value(build_cast(b, x, d)), arg_value(build_cast(b, y, d)));      refused

Initializers are left out: C leaves their order open too, but gcc and clang evaluate them from the first to the last.
A function builds nodes when it is BUILD, is named build_…, or, in the same file, calls one of these and takes a Build.
"""
import glob
import re
import sys

CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
DEFINITION = re.compile(r"^(?:static\s+)?[A-Za-z_][\w\s*]*?\b(\w+)\(([^;{}]*)\)\s*\n\{\n(.*?)^\}", re.M | re.S)
NOT_NODES = {"build_at", "build_error"}  # these make no node
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "TRY"}


def stripped(text):
    """The text with comments and literals blanked, lengths and lines kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text)


def arguments(text, start):
    """(arguments, end) of the call whose open parenthesis is before start."""
    depth, args, begin = 0, [], start
    for at in range(start, len(text)):
        c = text[at]
        if c in "([{":
            depth += 1
        elif c in ")]}" and depth > 0:
            depth -= 1
        elif c in ")}":
            return args + [text[begin:at]], at
        elif c == "," and depth == 0:
            args.append(text[begin:at])
            begin = at + 1
    return args, len(text)


def builders(text):
    """Names of the functions of a file that build nodes."""
    names = {n for n in CALL.findall(text) if (n.startswith("build_") or n == "BUILD")} - NOT_NODES
    bodies = [(m.group(1), m.group(3)) for m in DEFINITION.finditer(text) if re.search(r"\bBuild\s*\*", m.group(2))]
    grown = True
    while grown:
        more = {n for n, body in bodies if n not in names and set(CALL.findall(body)) & names}
        names |= more
        grown = bool(more)
    return names


def builds(items, names):
    """Whether two of the items call a function that builds nodes."""
    return sum(bool(set(CALL.findall(i)) & names) for i in items) > 1


def places(path):
    """(line, what) of each list of arguments two of which build nodes."""
    with open(path) as f:
        text = stripped(f.read())
    names = builders(text)
    for m in CALL.finditer(text):
        if m.group(1) in KEYWORDS:
            continue
        args, _ = arguments(text, m.end())
        if builds(args, names):
            yield text.count("\n", 0, m.start()) + 1, f"arguments of {m.group(1)}"


def main():
    files = sys.argv[1:] or sorted(glob.glob("ir/**/*.c", recursive=True) + glob.glob("passes/*.c"))
    found = 0
    for path in files:
        for line, what in places(path):
            found += 1
            print(f"{path}:{line}: two {what} build nodes; their order is the compiler's choice")
    print(f"{found} places in {len(files)} files where the order of nodes is the compiler's choice")
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
