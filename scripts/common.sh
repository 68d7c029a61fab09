# Read by scripts/demo, scripts/test and .ci/run: messages, and the packages that a build needs.  POSIX sh.

step()
{
    printf '\n==> %s\n' "$*"
}

fail()
{
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

has_command()
{
    command -v "$1" >/dev/null 2>&1
}

has_library()
{
    has_command pkg-config && pkg-config --exists "$1"
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has_command sudo; then
        sudo "$@"
    else
        fail "installing needs root: run this as root or with sudo, or install by hand: $*"
    fi
}

# install PACKAGE...: by apt-get, what is not there yet.
install()
{
    has_command apt-get || fail "missing: $*  (Debian package names; no apt-get here, install them by hand)"
    printf 'installing: %s\n' "$*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
        fail "apt-get update failed: no network, or a wrong /etc/apt/sources.list"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" ||
        fail "apt-get could not install: $*"
}

# What the build asks for; a compiler that the user names in $CC is taken as it is.
install_build_tools()
{
    missing=
    if [ -n "${CC:-}" ]; then
        # shellcheck disable=SC2086  # "ccache gcc" is two words
        set -- $CC
        has_command "$1" || fail "\$CC is \"$CC\", and there is no program $1"
    elif ! has_command gcc || ! has_command cc; then
        missing="$missing gcc libc6-dev"
    fi
    has_command meson || missing="$missing meson"
    has_command ninja || missing="$missing ninja-build"
    has_command pkg-config || missing="$missing pkg-config"
    has_library jansson || missing="$missing libjansson-dev"
    has_library libzip || missing="$missing libzip-dev"
    has_library zlib || missing="$missing zlib1g-dev"
    has_library cmocka || missing="$missing libcmocka-dev"
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        install $missing
    else
        printf 'all there: C compiler, meson, ninja, pkg-config, jansson, libzip, zlib, cmocka\n'
    fi
}

# What the tests use besides: to take packages apart, and to break exports.
install_test_tools()
{
    missing=
    has_command unzip || missing="$missing unzip"
    has_command python3 || missing="$missing python3-minimal"
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install $missing
}

# configure FOLDER [MESON OPTION...]: once; later calls leave the folder's options as they are.
configure()
{
    folder=$1
    shift
    if [ -f "$folder/build.ninja" ]; then
        printf '%s is configured already\n' "$folder"
    else
        meson setup "$folder" "$@" || fail "meson setup failed; its log is $folder/meson-logs/meson-log.txt"
    fi
}
