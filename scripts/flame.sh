#!/usr/bin/env bash
# Draws where a stage of a request spends its time, as a flame graph. Needs perf and its permission to look.
#   scripts/flame.sh OUT.svg [STAGE]     STAGE: a name that `make perf-test` prints
set -euo pipefail
cd "$(dirname "$0")/.."
me='flame.sh'
. scripts/toolchain.sh

inferno=0.12.8
out=${1:-}
[ -n "$out" ] || die 'say where the picture goes'
stage=${2:-whole, default, get-20-10}
need cargo rustc
command -v perf >/dev/null || install_debian_packages linux-perf || die 'perf is not installed and cannot be'
home=.tools/inferno-$inferno
if [ ! -x "$home/bin/inferno-flamegraph" ]; then
    echo "flame.sh: installing inferno $inferno into $home, once" >&2
    CARGO_TARGET_DIR=$home/target cargo install --quiet inferno --version "$inferno" --no-default-features \
        --features cli --root "$home" || die "inferno $inferno cannot be installed"
    rm -rf "$home/target"
fi
cargo build -p palisade-stages --profile bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
perf record --quiet --freq 1999 --call-graph dwarf,16384 --output "$work/data" \
    "${CARGO_TARGET_DIR:-target}/release/palisade-stages" --loop 4 "$stage" >/dev/null
# From the measured call on; what is narrower than a hundredth would only make the file large.
perf script --input "$work/data" 2>/dev/null | "$home/bin/inferno-collapse-perf" 2>/dev/null |
    sed -n 's/^.*palisade_stages::measured;//p' |
    "$home/bin/inferno-flamegraph" --title "$stage" --minwidth 1 --width 1000 --colors rust >"$out"
echo "$out: $(wc -c <"$out") bytes"
