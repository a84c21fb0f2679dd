#!/usr/bin/env bash
# Formatting and lints: the workspace natively, the module for its own target, the shell scripts.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make lint'
. scripts/toolchain.sh

need cargo
cargo fmt --version >/dev/null 2>&1 || die 'rustfmt is not installed: rustup component add rustfmt'
cargo clippy --version >/dev/null 2>&1 || die 'clippy is not installed: rustup component add clippy'

echo 'lint: formatting' >&2
cargo fmt --all --check

echo 'lint: the workspace, natively' >&2
cargo clippy --workspace --all-targets -- -D warnings

# Runs in a subshell, because the toolchain of the Wasm target is not that of the rest.
(
    wasm_toolchain wasm32-wasip1
    if [ "$wasm_way" = rustup ]; then
        echo "lint: the module, $wasm_says" >&2
        cargo clippy -p palisade --lib "${wasm_cargo[@]}" -- -D warnings
    else
        # The clippy of the rustup toolchain cannot read what another version of rustc compiled. So the
        # compiler's own warnings are asked for here, and clippy's below.
        echo "lint: the module, compiler warnings only, $wasm_says" >&2
        RUSTFLAGS+=' -D warnings' CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/lint \
            cargo check -p palisade --lib "${wasm_cargo[@]}"
    fi
)
if [ "$(wasm_route wasm32-wasip1)" = debian ]; then
    echo 'lint: the module, natively with --cfg palisade_abi' >&2
    RUSTFLAGS='--cfg palisade_abi' CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/lint \
        cargo clippy -p palisade --lib -- -D warnings
fi

if command -v shellcheck >/dev/null || install_debian_packages shellcheck; then
    echo 'lint: shell scripts' >&2
    shellcheck -x --severity=warning scripts/*.sh .ci/run
else
    echo 'lint: shellcheck is not installed and cannot be: the shell scripts were NOT checked' >&2
fi
