#!/bin/sh
# Device code of emit_cuda/runtime on the CPU: $1 is a test program, compiled with the C++ compiler that is there.
set -e
cxx=${CXX:-c++}
command -v "$cxx" >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cxx" -std=c++17 -O1 -Wall -Werror -Wno-unknown-pragmas -Wno-unused-function -Wno-pass-failed -o "$work/test" "$1"
"$work/test"
