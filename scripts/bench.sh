#!/usr/bin/env bash
# Builds the module and measures it in a real Envoy: `make bench`. The results are in target/bench.
#
#   QUICK=1     few short rounds, below two minutes
#   ROUNDS      how many rounds (7)
#   SHAPES      only these requests: names or their beginnings, separated by commas
#   VARIANTS    only these: none, noop, default, strict, large, bare
set -euo pipefail
cd "$(dirname "$0")/.."
me='make bench'
. scripts/toolchain.sh

need cargo node taskset
target=${CARGO_TARGET_DIR:-$PWD/target}
scripts/wasm.sh
ENVOY=$(scripts/envoy.sh)
PALISADE_WASM=$target/wasm32-wasip1/release/palisade.wasm
export ENVOY PALISADE_WASM
(
    wasm_toolchain wasm32-wasip1
    cargo build -p palisade-noop --release "${wasm_cargo[@]}"
)
cargo build -p palisade-bench --release
# What cargo has linked lies in deps too, as the compiler made it.
arguments=(--noop "$target/wasm32-wasip1/release/palisade_noop.wasm" --out "$target/bench"
    --compiled "$target/wasm32-wasip1/release/deps/palisade.wasm")
[ -z "${QUICK:-}" ] || arguments+=(--quick)
[ -z "${ROUNDS:-}" ] || arguments+=(--rounds "$ROUNDS")
[ -z "${SHAPES:-}" ] || arguments+=(--shapes "$SHAPES")
[ -z "${VARIANTS:-}" ] || arguments+=(--variants "$VARIANTS")
"$target/release/palisade-bench" "${arguments[@]}"
