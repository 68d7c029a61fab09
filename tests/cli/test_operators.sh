#!/bin/sh
# `aotc ops`: docs/operators.md is what it prints, and its filters.    test_operators.sh BUILD
set -u
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail()
{
    echo "FAIL: $*" >&2
    failures=$((failures + 1))
}

# What a filter prints has this line, and not that one.
expect()
{
    wanted=$1 unwanted=$2
    shift 2
    "$build/aotc" ops "$@" > "$work/out" 2> "$work/err" || fail "aotc ops $*: $(cat "$work/err")"
    grep -qE "$wanted" "$work/out" || fail "aotc ops $*: no line like \"$wanted\" in: $(head -5 "$work/out")"
    ! grep -qE "$unwanted" "$work/out" || fail "aotc ops $*: a line like \"$unwanted\""
}

if ! "$build/aotc" ops --markdown > "$work/operators.md"; then
    fail "aotc ops --markdown"
elif ! diff "$root/docs/operators.md" "$work/operators.md" > "$work/diff"; then
    head -20 "$work/diff" >&2
    fail "docs/operators.md is out of date; in the root of the repository:  $build/aotc ops --markdown > docs/operators.md"
fi
expect '^aten::relu6 ' '^aten::add' relu
expect '^aten::fft_rfft +complexify$' 'no samples' fft_rfft
expect '^aten::bitwise_and.Tensor ' 'leaky_relu' bitwise_and leaky_relu --dtype bool
expect '^0 operators' 'aten::bitwise_and.Tensor ' bitwise_and.Tensor --dtype f16 --target=cuda
expect '"op": "aten::relu6".*"cuda": \["bool"' '"cpu"' relu6 --json --target=cuda
expect '"op": "aten::relu6", "kind": "composite|pointwise", "samples"' '"cpu"|"cuda"' relu6 --json
expect '"cpu": \["f16"\], "cuda": \["f16"\]' 'f32"\]' relu6 --json --dtype f16
if "$build/aotc" ops --dtype f17 2> "$work/err"; then
    fail "a dtype f17 is taken"
fi
grep -q 'no dtype f17' "$work/err" || fail "says $(cat "$work/err")"
if command -v python3 > /dev/null; then
    "$build/aotc" ops conv --json --dtype f32 | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) > 5' || fail "no JSON"
fi
exit $((failures != 0))
