#!/usr/bin/env bash
# Builds the module for Envoy: target/wasm32-wasip1/release/palisade.wasm.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make wasm'
. scripts/toolchain.sh

need python3
wasm_toolchain wasm32-wasip1
echo "wasm: $wasm_says" >&2
cargo build -p palisade --lib --release "${wasm_cargo[@]}"
module=${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/palisade.wasm
python3 scripts/check_module.py "$module"
