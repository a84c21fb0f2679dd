#!/usr/bin/env bash
# Builds every fuzz target and runs each for SECONDS (60 unless told). Stops at the first finding;
# what libFuzzer keeps of it lies in fuzz/artifacts. Needs a nightly compiler for the sanitizer.
#   scripts/fuzz.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
seconds=${1:-60}
[ $# -gt 0 ] && shift
host=$(rustc -vV | sed -n 's/^host: //p')
passes=-Cpasses=sancov-module
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    passes="$passes -Cllvm-args=-sanitizer-coverage-$option"
done
RUSTFLAGS="$passes -Zsanitizer=address --cfg fuzzing" \
    cargo +nightly build --release --bins --target "$host"
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | grep -v '^palisade-fuzz$')
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    seeds=()
    [ ! -d "seeds/$target" ] || seeds=("seeds/$target")
    echo "== $target"
    "target/$host/release/$target" "corpus/$target" "${seeds[@]}" -artifact_prefix="artifacts/$target/" \
        -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1
done
