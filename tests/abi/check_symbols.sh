#!/bin/sh
# The loader library exports what abi/aotc.h declares, needs libc alone, and is small.
#
#   check_symbols.sh LIBAOTC.so abi/aotc.h
set -u
library=$1 header=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' | sort >"$dir/exported"
grep -oE '\baotc_[a-z_0-9]+\(' "$header" | tr -d '(' | sort -u >"$dir/declared"
diff "$dir/declared" "$dir/exported" || exit 1
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libpthread|libdl|ld-linux.*)\.so')
[ -z "$needed" ] || { echo "needs $needed"; exit 1; }
strip -o "$dir/stripped" "$library" || exit 1
size=$(wc -c <"$dir/stripped")
[ "$size" -lt 204800 ] || { echo "$size bytes"; exit 1; }
