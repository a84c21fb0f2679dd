#!/usr/bin/env bash
# Counts the instructions that each stage of a request takes (benches/stages), on any machine however busy.
#   scripts/perf.sh check      compares with benches/baseline.toml: fails where one takes 5 % more (`make perf-test`)
#   scripts/perf.sh baseline   makes a new baseline (`make perf-baseline`); one that grew needs WHY, a sentence of CHANGELOG.md
set -euo pipefail
cd "$(dirname "$0")/.."
me="make perf-${1:-}"
. scripts/toolchain.sh

need cargo rustc
command -v valgrind >/dev/null || install_debian_packages valgrind ||
    die 'valgrind is not installed and cannot be: apt-get install valgrind'
cargo build -p palisade-stages --profile bench
stages=${CARGO_TARGET_DIR:-target}/release/palisade-stages
case ${1:-} in
check) exec "$stages" --check benches/baseline.toml ;;
baseline) exec "$stages" --write benches/baseline.toml ;;
*) die 'say check or baseline' ;;
esac
