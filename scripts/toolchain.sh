# shellcheck shell=bash disable=SC2034  # the variables are for those who source this
# Sourced, not run: finds a toolchain for a Wasm target without asking, installing it where that is
# allowed. Two ways lead there:
#
#   rustup   the toolchain of this checkout with the target's precompiled standard library
#   debian   Debian's rustc-web with the standard library built from rust-web-src: for machines
#            that reach a package mirror but not rustup's server
#
# WASM_ROUTE=rustup or WASM_ROUTE=debian takes that way or fails; otherwise the first that works.

debian_packages=(rustc-web rust-web-src wasi-libc lld)

# V8 has 128-bit SIMD and memchr uses it.
wasm_rustflags='-C target-feature=+simd128'

# One line on stderr, then the end.
die() {
    printf '%s: %s\n' "${me:-palisade}" "$*" >&2
    exit 1
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is not installed or not on the PATH"
    done
}

rustup_target_is_there() {
    local std
    for std in "$(rustc --print sysroot)/lib/rustlib/$1/lib/"libstd-*.rlib; do
        [ -e "$std" ] && return 0
    done
    return 1
}

debian_packages_are_there() {
    local package
    command -v dpkg-query >/dev/null || return 1
    for package in "${debian_packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1
    done
}

add_rustup_target() {
    command -v rustup >/dev/null || return 1
    # Where the server cannot be reached this may hang rather than fail.
    timeout 120 rustup target add "$1" >/dev/null 2>&1 && rustup_target_is_there "$1"
}

# Installs Debian packages if this user may, in silence but for the reason of a failure.
install_debian_packages() {
    local as_root=() log
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    log=$(mktemp)
    echo "${me:-palisade}: installing Debian packages: $*" >&2
    if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" ||
        { "${as_root[@]}" apt-get update &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }; } \
        >"$log" 2>&1 </dev/null; then
        grep '^E:' "$log" >&2 || tail -n 3 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# Decides the way to TARGET once for all callers of one checkout. Prints it: rustup or debian.
wasm_route() {
    local target=$1 refused=.tools/rustup-cannot-add-$1
    case ${WASM_ROUTE:-} in
    rustup)
        rustup_target_is_there "$target" || add_rustup_target "$target" ||
            die "WASM_ROUTE=rustup, but 'rustup target add $target' fails"
        echo rustup
        return
        ;;
    debian)
        debian_packages_are_there || install_debian_packages "${debian_packages[@]}" ||
            die "WASM_ROUTE=debian, but the packages cannot be installed: apt-get install ${debian_packages[*]}"
        echo debian
        return
        ;;
    '') ;;
    *) die "WASM_ROUTE is '$WASM_ROUTE'; it may be rustup or debian" ;;
    esac
    if rustup_target_is_there "$target"; then
        echo rustup
    # A server that could not be reached is not asked again at every build.
    elif [ -e "$refused" ] && debian_packages_are_there; then
        echo debian
    elif add_rustup_target "$target"; then
        echo rustup
    elif debian_packages_are_there || install_debian_packages "${debian_packages[@]}"; then
        mkdir -p .tools
        : >"$refused"
        echo debian
    else
        die "no standard library for $target: run 'rustup target add $target', or on Debian 12 'apt-get install ${debian_packages[*]}'"
    fi
}

# Sets for TARGET: wasm_way (rustup or debian), wasm_says (one line about it), and exports what cargo
# must see; wasm_cargo is the array of arguments that cargo needs on top.
wasm_toolchain() {
    local target=$1 sysroot host linker variable
    need cargo rustc
    wasm_way=$(wasm_route "$target") || exit 1
    export RUSTFLAGS=$wasm_rustflags
    unset CARGO_ENCODED_RUSTFLAGS
    if [ "$wasm_way" = rustup ]; then
        wasm_cargo=(--target "$target")
        wasm_says="$target by the rustup target, $(rustc --version)"
        return
    fi
    sysroot=$(rustc --print sysroot)
    host=$(rustc -vV | sed -n 's/^host: //p')
    # The rustup toolchain's linker is as new as its LLVM; Debian's own is older and does for the rest.
    linker=$sysroot/lib/rustlib/$host/bin/rust-lld
    [ -x "$linker" ] || linker=$(command -v wasm-ld) || die "neither rust-lld nor wasm-ld is there: apt-get install lld"
    variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_LINKER
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 "$variable=$linker"
    case $target in *wasip1) RUSTFLAGS+=' -C link-self-contained=no -L/usr/lib/wasm32-wasi' ;; esac
    wasm_cargo=(--target "$target" "-Zbuild-std=std,panic_abort")
    wasm_says="$target by Debian's rustc-web and a standard library built from source, $("$RUSTC" --version)"
}

# A folder of .tools/ with one package from PyPI in a Python environment of its own: python_home NAME VERSION
# prints it, after making it where it is missing.
python_home() {
    local package=$1 version=$2 home=.tools/$1-$2 new
    if [ ! -d "$home" ]; then
        need python3
        mkdir -p .tools
        # Made beside its place and moved there whole: an interrupted download leaves nothing half done.
        new=$(mktemp -d ".tools/new-XXXXXX")
        echo "${me:-palisade}: installing $package $version from PyPI into $home" >&2
        python3 -m venv "$new" >&2 || {
            rm -rf "$new"
            die 'python3 -m venv fails: on Debian, apt-get install python3-venv'
        }
        "$new/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$package==$version" >&2 || {
            rm -rf "$new"
            die "$package==$version cannot be installed from PyPI"
        }
        mv -T "$new" "$home" 2>/dev/null || rm -rf "$new"
    fi
    echo "$home"
}
