#!/bin/sh
# aotc-run and aotc-bench on CUDA models, over the fake driver as libcuda.so.1.
#
#   test_cli.sh aotc-run aotc-bench pack_cuda_model fake_cuda_kernels.so cuda_model.so
set -u
run=$1 bench=$2 pack=$3 fake=$4 model=$5
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

expect() {
    want=$1 text=$2
    shift 2
    "$@" >"$dir/log" 2>&1
    got=$?
    if [ $got != "$want" ] || { [ -n "$text" ] && ! grep -qF -- "$text" "$dir/log"; }; then
        echo "FAILED: $* ended with $got, want $want and \"$text\":"
        cat "$dir/log"
        failed=1
    fi
}

# the f32 numbers at the end of a file
last_numbers() {
    tail -c "$2" "$1" | od -An -tf4 | tr -s ' \n' ' ' | sed 's/^ //; s/ $//'
}

expect_numbers() {
    got=$(last_numbers "$1" 32)
    [ "$got" = "$2" ] || { echo "FAILED: $1 has $got, want $2" && failed=1; }
}

p=$dir/model.pt2pkg
"$pack" "$model" "$p" "$dir/x.in" || exit 1

# without a driver
LD_LIBRARY_PATH=$dir/none expect 1 "no CUDA driver: libcuda.so.1" "$run" "$p" --inputs "$dir/x.in" --outputs "$dir/out"
expect 1 "the package has no code for the CPU; its targets are: cuda" "$run" "$p" --device cpu --inputs "$dir/x.in"

ln -s "$(realpath "$fake")" "$dir/libcuda.so.1"
export LD_LIBRARY_PATH="$dir"
expect 2 "--device takes cpu, cuda or cuda:N, not \"gpu\"" "$run" "$p" --device gpu
expect 2 "--device cuda:N takes a number" "$run" "$p" --device cuda:x
expect 2 "--cuda-graph takes off, auto or on, not \"maybe\"" "$bench" "$p" --cuda-graph maybe
expect 1 "there is no CUDA device 3: this machine has 1" "$run" "$p" --device cuda:3 --inputs "$dir/x.in"

for graph in off auto on; do
    rm -f "$dir/out"
    expect 0 "" "$run" "$p" --device cuda --cuda-graph $graph --inputs "$dir/x.in" --outputs "$dir/out" --repeat 3
    expect_numbers "$dir/out" "3 6 9 12 11 14 17 20"
done
# changed inputs, and state from run to run
expect 0 "" "$run" "$p" --entry state --inputs "$dir/x.in" --outputs "$dir/a" --inputs "$dir/x.in" --outputs "$dir/b"
expect_numbers "$dir/b" "2 4 6 8 6 8 10 12"
expect 1 "the model takes 1" "$run" "$p" --entry late --inputs "$dir/x.in"

expect 0 "issue" "$bench" "$p" --inputs "$dir/x.in" --seconds 0.02
for text in "k0_affine" "CUDA graphs: 1 captures" "queued" "bf16"; do
    grep -qF "$text" "$dir/log" || { echo "FAILED: aotc-bench does not say \"$text\"" && cat "$dir/log" && failed=1; }
done
expect 0 "CUDA graphs: 0 captures, 0 replays" "$bench" "$p" --cuda-graph off --shapes 3 --seconds 0.02 --no-kernels
expect 0 "k0_affine" "$bench" "$p" --device cuda:0 --seconds 0.02 --trace "$dir/trace"
grep -q '"ph":"X"' "$dir/trace" || { echo "FAILED: no trace" && failed=1; }
printf 'a\nb\n' | "$bench" "$p" --server --inputs "$dir/x.in" >"$dir/log"
if [ "$(head -n 1 "$dir/log")" != ready ] || [ "$(grep -cE '^[0-9]+$' "$dir/log")" != 2 ]; then
    echo "FAILED: --server said" && cat "$dir/log" && failed=1
fi

[ $failed = 0 ] && echo "all command lines right"
exit $failed
