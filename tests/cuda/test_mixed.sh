#!/bin/sh
# Models with a part on the CPU and a part on a GPU, compiled and run.
#
#   test_mixed.sh aotc test_mixed fake_cuda.so      device code on the CPU, over the fake driver
#   test_mixed.sh aotc test_mixed                   nvcc, on the device that is here
set -u
aotc=$1 test=$2 fake=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
fixtures=$here/../fixtures
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
target=cuda:sm_90
if [ -n "$fake" ]; then
    target=cuda:sm_80
    NVCC=$here/emulated-nvcc
    AOTC_FAKE_PROTECTS=1
    CMOCKA_TEST_ABORT=1 # a fault ends the process
    export NVCC AOTC_FAKE_PROTECTS CMOCKA_TEST_ABORT
elif ! nvidia-smi >/dev/null 2>&1; then
    exit 77
fi

for model in mixed mixed_aten; do
    "$aotc" "$fixtures/$model.pt2" --target="native,$target" -o "$dir/$model.pt2pkg" || exit 1
done
for model in feed draw size branch write; do
    "$aotc" "$here/mixed/$model.ir" --target="$target" -o "$dir/$model.pt2pkg" || exit 1
done

failed=0
refused() { # what cannot be: with operator and node
    model=$1
    shift
    "$aotc" "$here/mixed/$model.ir" --target="$target" -o "$dir/$model.pt2pkg" >"$dir/log" 2>&1 && {
        echo "FAILED: $model was compiled"
        failed=1
    }
    for text in "$@"; do
        grep -qF -- "$text" "$dir/log" || {
            echo "FAILED: the error of $model lacks: $text"
            cat "$dir/log"
            failed=1
        }
    done
}
refused nonzero "in a model for a GPU: a size that it computes decides how much memory is needed" "%0" aten.nonzero.default

"$aotc" inspect "$dir/mixed.pt2pkg" >"$dir/log"
for text in '  ids *i64 .*(on the CPU)' '  gpu_bias *f32 \[6\]$' 'fused_embedding.*(on the CPU)$'; do
    grep -q -- "$text" "$dir/log" || {
        echo "FAILED: inspect has no $text"
        cat "$dir/log"
        failed=1
    }
done

"$test" "$dir" "$fixtures" $fake || exit $?
exit $failed
