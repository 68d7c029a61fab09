#!/bin/sh
# The real binaries on bad input: every refusal is exit status 1 (2 for a wrong command line) with one error on stderr,
# and leaves neither an output file nor scratch files behind.  Then what packages promise: equal bytes, equal results.
#
#   test_cli.sh BUILD_DIR        BUILD_DIR has aotc, aotc-run and digits; needs python3
set -u
build=$(cd "$1" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd)
digits=$here/../../examples/digits
aotc=$build/aotc
run=$build/aotc-run
work=$(mktemp -d) || exit 1
mounted=
# shellcheck disable=SC2317
clean_up()
{
    [ -z "$mounted" ] || umount "$mounted"
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
mkdir "$work/out" "$work/tmp" "$work/bin" "$work/cases"
TMPDIR=$work/tmp
export TMPDIR
passed=0
failed=0
skipped=0

pass()
{
    passed=$((passed + 1))
}

# fails NAME WHY: with what the last command said.
fails()
{
    failed=$((failed + 1))
    printf 'FAILED %s: %s\n' "$1" "$2"
    [ ! -s "$work/err" ] || sed 's/^/    | /' "$work/err" | head -n 12
}

skip()
{
    skipped=$((skipped + 1))
    printf 'skipped %s: %s\n' "$1" "$2"
}

# check NAME COMMAND...: the command ends well.
check()
{
    name=$1
    shift
    if "$@" >"$work/stdout" 2>"$work/err"; then pass; else fails "$name" "exit status $?: $*"; fi
}

# Nothing may be left of a failed command: no output (also under a temporary name), no scratch folder.
leftovers()
{
    find "$work/out" "$work/tmp" -mindepth 1 | head -n 3
}

# refuses NAME STATUS TEXT COMMAND...: ends with STATUS, one error that holds TEXT, and leaves nothing.
refuses()
{
    name=$1 want=$2 text=$3
    shift 3
    status=0
    timeout 120 "$@" >"$work/stdout" 2>"$work/err" </dev/null || status=$?
    left=$(leftovers)
    if [ "$status" != "$want" ]; then
        fails "$name" "exit status $status, not $want"
    elif grep -q -E 'Sanitizer|runtime error:|Assertion|core dumped' "$work/err"; then
        fails "$name" "a crash or sanitizer report"
    elif [ "$(grep -c -E '^(aotc|aotc-run|aotc-bench): ' "$work/err")" != 1 ]; then
        fails "$name" "not one error message on stderr"
    elif ! grep -q -F -e "$text" "$work/err"; then
        fails "$name" "the message does not hold \"$text\""
    elif [ -n "$left" ]; then
        fails "$name" "left behind: $left"
    else
        pass
    fi
    rm -rf "$work/out" "$work/tmp"
    mkdir "$work/out" "$work/tmp"
}

good=$digits/digits.pt2
out=$work/out/m.pt2pkg
check "the sound model compiles" "$aotc" "$good" -o "$work/good.pt2pkg"
[ -s "$work/good.pt2pkg" ] || {
    fails "everything" "no package to test with"
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    exit 1
}

# ---- command line ----------------------------------------------------------------------------------------------------
refuses "unknown option" 2 "did you mean --disable-pass" "$aotc" --disble-pass=x "$good" -o "$out"
refuses "unknown option, near --output" 2 "did you mean --output" "$aotc" --outptu=x "$good"
refuses "unknown option, nothing near" 2 "--zzzzzzzzzzzz" "$aotc" --zzzzzzzzzzzz "$good" -o "$out"
refuses "unknown short option" 2 "-z" "$aotc" -z "$good" -o "$out"
refuses "no model" 2 "no model" "$aotc"
refuses "no output" 2 "-o" "$aotc" "$good"
refuses "two models" 2 "one model" "$aotc" "$good" "$good" -o "$out"
refuses "unknown target" 2 "pdp11" "$aotc" "$good" -o "$out" --target=pdp11
refuses "one unknown target of several" 2 "pdp11" "$aotc" "$good" -o "$out" --target=native,pdp11
refuses "no target" 2 "names no target" "$aotc" "$good" -o "$out" --target=,
refuses "unknown pass to print" 2 "nosuchpass" "$aotc" "$good" -o "$out" --print-after=nosuchpass
refuses "unknown pass to disable" 2 "nosuchpass" "$aotc" "$good" -o "$out" --disable-pass=nosuchpass
refuses "bad number" 2 "-j" "$aotc" "$good" -o "$out" -j many
refuses "emit-only without keep" 2 "--keep" "$aotc" "$good" --emit-only
refuses "unknown pass of opt" 2 "nosuchpass" "$aotc" opt "$good" --passes=nosuchpass
for program in aotc aotc-run aotc-bench; do
    check "$program --help" "$build/$program" --help
    check "$program --version" "$build/$program" --version
done

# ---- text of plans ---------------------------------------------------------------------------------------------------
plans=$here/../plans
check "a plan prints back" "$aotc" opt "$plans/linear.ir" --passes=
if cmp -s "$work/stdout" "$plans/linear.ir"; then pass; else fails "a plan prints back" "another text"; fi
check "sources of a plan" "$aotc" "$plans/linear.ir" --emit-only --keep "$work/sources"
check "a plan without constants compiles" "$aotc" "$plans/softmax.ir" -o "$work/plan.pt2pkg"
refuses "a plan has no bytes of constants" 1 "no bytes of constants: b" "$aotc" "$plans/linear.ir" -o "$out"
refuses "passes on a plan" 2 "passes run on graphs" "$aotc" opt "$plans/linear.ir" --passes=dead-code
refuses "a plan for another device" 2 "the plan is for CPUs" "$aotc" "$plans/softmax.ir" -o "$out" --target=cuda:sm_90
sed 's/= t0/= t9/; s/100\*t0/100*t9/' "$plans/softmax.ir" >"$work/bad.ir"
refuses "a malformed plan" 1 "line 29" "$aotc" opt "$work/bad.ir" --passes=
sed 's/input slot 0/input slot 1/' "$plans/softmax.ir" >"$work/bad.ir"
refuses "a wrong plan" 1 "input 0: %x_b0" "$aotc" opt "$work/bad.ir" --passes=

# ---- several targets in one package ----------------------------------------------------------------------------------
check "native and x86-64-v2" "$aotc" "$good" -o "$work/two.pt2pkg" --target=native,x86-64-v2,native
check "two targets are listed" sh -c "'$aotc' inspect '$work/two.pt2pkg' | grep -c '^target' | grep -qx 2"
check "weights are stored once" sh -c "
    '$aotc' inspect '$work/good.pt2pkg' | grep '^weights' >'$work/one.txt'
    '$aotc' inspect '$work/two.pt2pkg' | grep '^weights' | cmp - '$work/one.txt'"
check "sources of two targets" "$aotc" "$good" --target=native,x86-64-v2 --emit-only --keep "$work/kept"
check "a folder for each target" test -s "$work/kept/native/model.c" -a -s "$work/kept/x86-64-v2/model.c"

# ---- broken models ---------------------------------------------------------------------------------------------------
refuses "model is not there" 1 "No such file" "$aotc" "$work/nosuch.pt2" -o "$out"
mkdir "$work/empty"
refuses "empty folder" 1 "empty" "$aotc" "$work/empty" -o "$out"
python3 "$here/broken.py" "$good" "$work/cases" || exit 1
for file in "$work/cases/refused"/*.pt2; do
    name=$(basename "$file" .pt2)
    case $name in
        unknown_operator | unknown_namespace) text=frobnicate ;;
        weight_missing | weight_cut | weight_empty) text=weight_4 ;;
        *) text= ;;
    esac
    refuses "$name" 1 "$text" "$aotc" "$file" -o "$out"
done

# A field of another type may be one that aotc does not read; a crash, a hang or silence is never right.
n_any=0
for file in "$work/cases/any"/*.pt2; do
    status=0
    timeout 60 "$aotc" opt "$file" --passes=functionalize >/dev/null 2>"$work/err" </dev/null || status=$?
    if [ "$status" -gt 1 ] || grep -q -E 'Sanitizer|runtime error:' "$work/err"; then
        fails "field $(basename "$file" .pt2)" "exit status $status"
    elif [ "$status" = 1 ] && [ "$(grep -c '^aotc: ' "$work/err")" != 1 ]; then
        fails "field $(basename "$file" .pt2)" "refused without one message"
    else
        n_any=$((n_any + 1))
    fi
done
printf '%d of the exports with one field of a wrong type end well or are refused\n' "$n_any"
passed=$((passed + 1))

# ---- compilers that fail ---------------------------------------------------------------------------------------------
refuses "no C compiler" 1 "/nonexistent" "$aotc" "$good" -o "$out" --cc=/nonexistent
refuses "no C compiler in CC" 1 "/nonexistent" env CC=/nonexistent "$aotc" "$good" -o "$out"
refuses "C compiler fails" 1 "exit status 1" "$aotc" "$good" -o "$out" --cc=false
refuses "no CUDA compiler" 1 "CUDA compiler \"/nonexistent\"" "$aotc" "$good" -o "$out" --target=cuda:sm_90 --nvcc=/nonexistent
refuses "no CUDA compiler in NVCC" 1 "/nonexistent" env NVCC=/nonexistent "$aotc" "$good" -o "$out" --target=native,cuda:sm_80
refuses "CUDA compiler fails" 1 "exit status 1" "$aotc" "$good" -o "$out" --target=cuda:sm_80 --nvcc=false
refuses "CUDA compiler writes nothing" 1 "" "$aotc" "$good" -o "$out" --target=cuda:sm_80 --nvcc=true
refuses "C compiler writes nothing" 1 "" "$aotc" "$good" -o "$out" --cc=true
cat >"$work/bin/killed-cc" <<'TEXT'
#!/bin/sh
kill -KILL $$
TEXT
cat >"$work/bin/garbage-cc" <<'TEXT'
#!/bin/sh
while [ $# -gt 1 ]; do
    [ "$1" != -o ] || echo "this is no object file" >"$2"
    shift
done
TEXT
chmod +x "$work/bin/killed-cc" "$work/bin/garbage-cc"
refuses "C compiler is killed" 1 "signal 9" "$aotc" "$good" -o "$out" --cc="$work/bin/killed-cc"
refuses "C compiler writes garbage" 1 "" "$aotc" "$good" -o "$out" --cc="$work/bin/garbage-cc"
refuses "scratch folder is not there" 1 "/nonexistent" env TMPDIR=/nonexistent "$aotc" "$good" -o "$out"

# A signal ends compile and compiler; the scratch folder goes, and the shell sees the signal.
cat >"$work/bin/slow-cc" <<'TEXT'
#!/bin/sh
exec sleep 60
TEXT
chmod +x "$work/bin/slow-cc"
"$aotc" "$good" -o "$out" --cc="$work/bin/slow-cc" 2>"$work/err" &
compile=$!
for _ in $(seq 600); do
    ! ls "$work/tmp"/*/*.log >/dev/null 2>&1 || break
    sleep 0.1
done
kill -TERM "$compile"
status=0
wait "$compile" 2>/dev/null || status=$?
if [ "$status" != 143 ]; then
    fails "compile ended by a signal" "exit status $status, not 143"
elif [ -n "$(leftovers)" ]; then
    fails "compile ended by a signal" "left behind: $(leftovers)"
else
    pass
fi

# ---- outputs that cannot be written ----------------------------------------------------------------------------------
refuses "folder of the output is not there" 1 "No such file" "$aotc" "$good" -o "$work/nosuch/m.pt2pkg"
refuses "output below a file" 1 "Not a directory" "$aotc" "$good" -o "$work/good.pt2pkg/m.pt2pkg"
mkdir "$work/folder"
refuses "output is a folder" 1 "folder" "$aotc" "$good" -o "$work/folder"
[ -z "$(ls -A "$work/folder")" ] || fails "output is a folder" "left files in it"
if [ "$(id -u)" = 0 ]; then
    skip "output folder is read-only" "root may write everywhere"
else
    mkdir "$work/readonly"
    chmod 555 "$work/readonly"
    refuses "output folder is read-only" 1 "Permission denied" "$aotc" "$good" -o "$work/readonly/m.pt2pkg"
fi
refuses "statistics cannot be written" 1 "nosuch" "$aotc" "$good" -o "$work/stats.pt2pkg" --stats "$work/nosuch/s.json"

mkdir "$work/small"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=32k tmpfs "$work/small" 2>/dev/null; then
    mounted=$work/small
    refuses "disk is full" 1 "No space left" "$aotc" "$good" -o "$work/small/m.pt2pkg"
    [ -z "$(ls -A "$work/small")" ] || fails "disk is full" "left behind: $(ls -A "$work/small")"
    refuses "scratch disk is full" 1 "" env TMPDIR="$work/small" "$aotc" "$good" -o "$out"
    [ -z "$(ls -A "$work/small")" ] || fails "scratch disk is full" "left behind: $(ls -A "$work/small")"
    umount "$mounted" && mounted=
else
    skip "disk is full" "no tmpfs can be mounted here"
    skip "scratch disk is full" "no tmpfs can be mounted here"
fi

# An earlier package stays as it was when a later compile fails.
cp "$work/good.pt2pkg" "$work/earlier.pt2pkg"
refuses "failed compile over an earlier package" 1 "" "$aotc" "$good" -o "$work/earlier.pt2pkg" --cc=false
check "the earlier package is untouched" cmp "$work/good.pt2pkg" "$work/earlier.pt2pkg"

# ---- equal bytes, equal results --------------------------------------------------------------------------------------
check "second compile" "$aotc" "$good" -o "$work/again.pt2pkg" -j1
check "two compiles give equal bytes" cmp "$work/good.pt2pkg" "$work/again.pt2pkg"

mkdir "$work/unpacked"
python3 -m zipfile -e "$good" "$work/unpacked"
check "compile of the unpacked archive" "$aotc" "$work/unpacked/digits" -o "$work/folder.pt2pkg"
check "archive and unpacked archive give equal bytes" cmp "$work/good.pt2pkg" "$work/folder.pt2pkg"

python3 "$here/broken.py" --images "$digits/test_images.bin" "$work/in.safetensors" || exit 1
check "run" "$run" "$work/good.pt2pkg" --inputs "$work/in.safetensors" --outputs "$work/good.safetensors"
printf '%s\t--inputs\t%s\t--outputs\t%s\n' "$work/good.pt2pkg" "$work/in.safetensors" "$work/served.safetensors" \
    "$work/nosuch.pt2pkg" "$work/in.safetensors" "$work/nosuch.safetensors" \
    "$work/good.pt2pkg" "$work/in.safetensors" "$work/served2.safetensors" >"$work/lines"
"$run" --server <"$work/lines" >"$work/answers" 2>"$work/err"
if [ "$(tr '\n' ' ' <"$work/answers")" = "ready 0 1 0 " ]; then
    pass
else
    fails "a server answers every line" "$(tr '\n' ' ' <"$work/answers")"
fi
check "a server's results" cmp "$work/good.safetensors" "$work/served.safetensors"
check "a server's results after a failure" cmp "$work/good.safetensors" "$work/served2.safetensors"
check "run on two threads" "$run" "$work/good.pt2pkg" --threads 2 --inputs "$work/in.safetensors" \
    --outputs "$work/threads.safetensors"
check "one and two threads agree" python3 "$here/broken.py" --close "$work/good.safetensors" "$work/threads.safetensors"
check "example program" "$build/digits" "$work/good.pt2pkg" "$digits/test_images.bin"
for cc in gcc clang; do
    if ! command -v "$cc" >/dev/null; then
        skip "package made by $cc" "no $cc here"
        continue
    fi
    check "compile with $cc" "$aotc" "$good" -o "$work/$cc.pt2pkg" --cc="$cc"
    check "run of $cc's package" "$run" "$work/$cc.pt2pkg" --inputs "$work/in.safetensors" --outputs "$work/$cc.safetensors"
    check "$cc's results" python3 "$here/broken.py" --close "$work/good.safetensors" "$work/$cc.safetensors"
done

# ---- packages that the loader refuses --------------------------------------------------------------------------------
size=$(wc -c <"$work/good.pt2pkg")
for n in 0 1 64 4096 $((size / 4)) $((size / 2)) $((size - 23)) $((size - 1)); do
    head -c "$n" "$work/good.pt2pkg" >"$work/cut.pt2pkg"
    refuses "package cut at $n of $size" 1 "" "$run" "$work/cut.pt2pkg" --inputs "$work/in.safetensors" \
        --outputs "$work/out/o.safetensors"
done
# One bit of the code: the ELF header is the first place with these bytes.
python3 - "$work/good.pt2pkg" "$work/flipped.pt2pkg" <<'TEXT'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[data.index(b"\x7fELF") + 4096] ^= 1
open(sys.argv[2], "wb").write(data)
TEXT
refuses "package with a changed bit of code" 1 "model.so" "$run" "$work/flipped.pt2pkg" --inputs "$work/in.safetensors" \
    --outputs "$work/out/o.safetensors"
refuses "an export is no package" 1 "" "$run" "$good" --inputs "$work/in.safetensors" --outputs "$work/out/o.safetensors"
refuses "package is not there" 1 "No such file" "$run" "$work/nosuch.pt2pkg"
refuses "inputs are not there" 1 "No such file" "$run" "$work/good.pt2pkg" --inputs "$work/nosuch.safetensors" \
    --outputs "$work/out/o.safetensors"
head -c 1000 "$work/in.safetensors" >"$work/cut.safetensors"
refuses "inputs are cut off" 1 "input0" "$run" "$work/good.pt2pkg" --inputs "$work/cut.safetensors" \
    --outputs "$work/out/o.safetensors"
refuses "results cannot be written" 1 "nosuch" "$run" "$work/good.pt2pkg" --inputs "$work/in.safetensors" \
    --outputs "$work/nosuch/o.safetensors"
refuses "unknown entry point" 1 "nosuch" "$run" "$work/good.pt2pkg" --entry nosuch --inputs "$work/in.safetensors" \
    --outputs "$work/out/o.safetensors"

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
