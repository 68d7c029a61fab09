#!/bin/sh
# The command lines of aotc-run and aotc-bench.
#
#   test_cli.sh AOTC_RUN AOTC_BENCH PACK_MODEL MODEL.so
set -u
run=$1 bench=$2 pack=$3 model=$4
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# expect STATUS TEXT COMMAND...: the exit status, and a part of what is printed
expect() {
    want=$1 text=$2
    shift 2
    "$@" >"$dir/log" 2>&1
    got=$?
    if [ "$got" != "$want" ] || { [ -n "$text" ] && ! grep -qF -- "$text" "$dir/log"; }; then
        echo "FAILED: $*"
        echo "  status $got, want $want; text \"$text\" in:"
        sed 's/^/  /' "$dir/log"
        failed=1
    fi
}

# tensor FILE NAME: dtype and shape from the header of a safetensors file
tensor() {
    tail -c +9 "$1" | head -c 2000 | tr -d '\n' | grep -aoE "\"$2\":\{[^}]*\}" | head -n 1
}

expect_tensor() {
    if ! tensor "$1" "$2" | grep -qF "$3"; then
        echo "FAILED: $1 $2 is $(tensor "$1" "$2"), want $3"
        failed=1
    fi
}

# the numbers (f32) of a file's data, in hexadecimal
last_bytes() {
    tail -c "$2" "$1" | od -An -tx1 | tr -d ' \n'
}

"$pack" "$model" "$dir" || exit 1
p=$dir/model.pt2pkg

expect 0 "usage: aotc-run" "$run" --help
expect 0 "aotc-run 0." "$run" --version
expect 0 "usage: aotc-bench" "$bench" --help
expect 0 "aotc-bench 0." "$bench" --version
expect 2 "usage: aotc-run" "$run"
expect 2 "usage: aotc-run" "$run" "$p" "$p"
expect 2 "unrecognized option" "$run" "$p" --nothing
expect 2 "unrecognized option" "$bench" "$p" --nothing
expect 2 "requires an argument" "$run" "$p" --inputs
expect 2 "--threads takes a number from 0 to 4096, not \"two\"" "$run" "$p" --threads two
expect 2 "--threads takes a number from 0 to 4096, not \"5000\"" "$run" "$p" --threads 5000
expect 2 "--repeat takes a number" "$run" "$p" --repeat -1
expect 2 "--seed takes a number" "$run" "$p" --seed 99999999999999999999
expect 2 "--threads takes a number" "$bench" "$p" --threads x
expect 2 "--seconds takes a number" "$bench" "$p" --seconds nan
expect 2 "usage: aotc-run" "$run" "$p" --inputs a --inputs b --outputs c

expect 1 "cannot open $dir/nothing" "$run" "$dir/nothing"
expect 1 "cannot open $dir/nothing" "$bench" "$dir/nothing"
expect 1 "not a .pt2pkg" "$run" "$dir/affine.in"
expect 1 "no entry point \"nothing\"" "$run" "$p" --entry nothing
expect 1 "cannot open $dir/nothing" "$run" "$p" --inputs "$dir/nothing" --outputs "$dir/out"
expect 1 "neither \"input2\" nor \"odd\"" "$run" "$p" --inputs "$dir/short.in" --outputs "$dir/out"
expect 1 "neither \"input0\" nor \"x\"" "$run" "$p" --outputs "$dir/out"
expect 1 "input \"y\" has size 4 in dim 0, the other sizes make it 8" \
    "$run" "$p" --inputs "$dir/bad.in" --outputs "$dir/out"
expect 1 "AOTC_E_GUARD" "$run" "$p" --inputs "$dir/bad.in" --outputs "$dir/out"
expect 1 "cut off" "$run" "$p" --inputs "$p" --outputs "$dir/out"
expect 1 "cannot write $dir/no/out" "$run" "$p" --inputs "$dir/affine.in" --outputs "$dir/no/out"
[ -e "$dir/out" ] && echo "FAILED: a failed run wrote its outputs" && failed=1

expect 0 "" "$run" "$p" --inputs "$dir/affine.in" --outputs "$dir/out" --threads 2 --repeat 3
expect_tensor "$dir/out" output0 '"dtype":"F32","shape":[2,4]'
expect_tensor "$dir/out" output1 '"dtype":"I64","shape":[]'

# three pairs are runs of one context: the counter goes 1, 2, 3; x = 1 + 1, then 1 + 2, then 1 + 3
expect 0 "" "$run" "$p" --entry state --inputs "$dir/state.in" --outputs "$dir/s1" \
    --inputs "$dir/state.in" --outputs "$dir/s2" --inputs "$dir/state.in" --outputs "$dir/s3"
expect_tensor "$dir/s1" input0 '"shape":[2,2]'
for i in 1:00000040 2:00004040 3:00008040; do
    case $(last_bytes "$dir/s${i%%:*}" 16) in
    "${i#*:}"*) ;;
    *) echo "FAILED: run ${i%%:*} of the state" && failed=1 ;;
    esac
done

# two columns of four positive numbers are written row-major: 1 2, 2 4, 4 8, 5 10
expect 0 "" "$run" "$p" --entry late --inputs "$dir/late.in" --outputs "$dir/late"
expect_tensor "$dir/late" output0 '"dtype":"I64","shape":[4]'
expect_tensor "$dir/late" output1 '"shape":[4,2]'
case $(last_bytes "$dir/late" 40) in
0000803f0000004000000040000080400000804000000041*) ;;
*) echo "FAILED: rows of a transposed output" && failed=1 ;;
esac

expect 0 "p50" "$bench" "$p" --inputs "$dir/affine.in" --seconds 0.02 --no-kernels
expect 0 "k0_affine" "$bench" "$p" --seconds 0.02 --shapes 6,12,4 --trace "$dir/trace"
grep -q '"ph":"X"' "$dir/trace" || { echo "FAILED: no trace" && failed=1; }
expect 1 "the model takes 2 to 64" "$bench" "$p" --shapes 999 --seconds 0.02
expect 1 "no memory for input" "$bench" "$p" --shapes 9223372036854775807 --seconds 0.02
expect 0 "runs" "$bench" "$p" --entry numbers --seconds 0.02 --no-kernels
expect 1 "the other sizes make it 12" "$bench" "$p" --shapes 6,13,4 --seconds 0.02
expect 1 "cannot write" "$bench" "$p" --entry small --seconds 0.02 --no-kernels --trace "$dir/no/trace"
printf 'a\nb\n' | "$bench" "$p" --server --inputs "$dir/affine.in" >"$dir/log"
if [ "$(head -n 1 "$dir/log")" != ready ] || [ "$(grep -cE '^[0-9]+$' "$dir/log")" != 2 ]; then
    echo "FAILED: --server said" && cat "$dir/log" && failed=1
fi

[ $failed = 0 ] && echo "all command lines right"
exit $failed
