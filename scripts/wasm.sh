#!/usr/bin/env bash
# Builds the module for Envoy: target/wasm32-wasip1/release/palisade.wasm. Where npm is there, wasm-opt makes it about
# 6 % smaller; WASM_OPT=0 leaves it as the compiler made it.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make wasm'
. scripts/toolchain.sh

binaryen=132.0.0
# The features that the compiler and Envoy agree on: with all that wasm-opt knows, Envoy refuses the module. Higher levels
# take four times as long for another 2 %, and no level makes it measurably faster.
wasm_opt=(-O1 --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals
    --enable-simd --enable-multivalue --enable-reference-types)

# Prints the script of wasm-opt, after it was installed where that is possible.
binaryen_home() {
    local home=.tools/binaryen-$binaryen new
    if [ ! -d "$home" ]; then
        # What could not be installed once is not tried again at every build.
        [ ! -e "$home-cannot-be-installed" ] || return 1
        mkdir -p .tools
        new=$(mktemp -d .tools/new-XXXXXX)
        echo "wasm: installing binaryen $binaryen from npm into $home" >&2
        if ! timeout 180 npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$new" \
            "binaryen@$binaryen" >/dev/null 2>&1; then
            rm -rf "$new"
            : >"$home-cannot-be-installed"
            return 1
        fi
        mv -T "$new" "$home" 2>/dev/null || rm -rf "$new"
    fi
    echo "$home/node_modules/binaryen/bin/wasm-opt"
}

# Puts an optimised module in the place of a compiled one.
optimise() {
    local module=$1 script key made
    if [ "${WASM_OPT:-1}" = 0 ]; then
        echo 'wasm: not optimised, as WASM_OPT=0 says' >&2
        return
    fi
    if ! command -v node >/dev/null || ! command -v npm >/dev/null || ! script=$(binaryen_home); then
        echo 'wasm: not optimised, as wasm-opt cannot be had (it needs node, npm and its registry)' >&2
        return
    fi
    # A module that was optimised before is taken from there; cargo puts the compiled one back at every build.
    key=$({ cat "$module" && echo "$binaryen ${wasm_opt[*]}"; } | sha256sum | cut -c 1-16)
    made=$(dirname "$module")/optimised/$key.wasm
    if [ ! -e "$made" ]; then
        mkdir -p "$(dirname "$made")"
        # Only the latest is of any use.
        rm -f "$(dirname "$made")"/*.wasm
        node "$script" "${wasm_opt[@]}" "$module" -o "$made.$$"
        mv "$made.$$" "$made"
    fi
    # A copy under another name, moved there whole: the compiled one has a second name of cargo's own.
    cp "$made" "$module.$$"
    mv "$module.$$" "$module"
}

need python3
wasm_toolchain wasm32-wasip1
echo "wasm: $wasm_says" >&2
cargo build -p palisade --lib --release "${wasm_cargo[@]}"
module=${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/palisade.wasm
optimise "$module"
python3 scripts/check_module.py "$module"
