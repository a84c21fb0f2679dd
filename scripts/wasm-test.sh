#!/usr/bin/env bash
# Runs the engine's tests compiled to Wasm, in Node: the same code, a 32-bit machine, no operating system.
# Node has the JavaScript engine of Envoy's Wasm runtime, V8.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make wasm-test'
. scripts/toolchain.sh

need cargo node

# The runner and the library that it runs must be of one version, so Cargo.lock decides.
version=$(grep -A 1 '^name = "wasm-bindgen"$' Cargo.lock | sed -n 's/^version = "\(.*\)"$/\1/p')
[ -n "$version" ] || die 'Cargo.lock names no wasm-bindgen'
home=.tools/wasm-bindgen-$version
if [ ! -x "$home/bin/wasm-bindgen-test-runner" ]; then
    echo "wasm-test: installing wasm-bindgen-cli $version into $home, once" >&2
    # A target directory of its own, that may go when the programs are there.
    CARGO_TARGET_DIR=$home/target cargo install --quiet wasm-bindgen-cli --version "$version" --root "$home" ||
        die "wasm-bindgen-cli $version cannot be installed"
    rm -rf "$home/target"
fi

wasm_toolchain wasm32-unknown-unknown
echo "wasm-test: $wasm_says" >&2
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$PWD/$home/bin/wasm-bindgen-test-runner
cargo test -p palisade --lib --test wasm "${wasm_cargo[@]}" "$@"
