#!/usr/bin/env bash
# Runs the case suite through its drivers and compares which cases each of them ran: the engine called as
# a library, the filter on a fake host, the module in a real Envoy. Fails if a case is missing from one
# without saying why.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make cases'
. scripts/toolchain.sh

need cargo
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
scripts/wasm.sh
ENVOY=$(scripts/envoy.sh)
PALISADE_WASM=${CARGO_TARGET_DIR:-$PWD/target}/wasm32-wasip1/release/palisade.wasm
export ENVOY PALISADE_WASM
for driver in engine fake_host envoy; do
    cargo test -q -p palisade --test "$driver" every_case -- --nocapture >"$lists/$driver.log" 2>&1 ||
        { tail -n 40 "$lists/$driver.log" >&2; die "the driver $driver found differences"; }
    sed -nE 's/^case ([a-z0-9-]+) ok$/\1/p' "$lists/$driver.log" | sort -u >"$lists/$driver"
    echo "$driver: $(wc -l <"$lists/$driver") cases"
done

# A case names the drivers that run it where they are not all, and then says why.
grep -hE '^(name|drivers) = ' tests/cases/*.toml | awk -F'"' '
    /^name/ { name = $2 }
    /^drivers/ { print name }' | sort >"$lists/partial"
for driver in fake_host envoy; do
    comm -3 "$lists/engine" "$lists/$driver" | tr -d '\t' | sort -u | comm -23 - "$lists/partial" >"$lists/missing"
    [ ! -s "$lists/missing" ] || { cat "$lists/missing" >&2; die "not run alike by engine and $driver"; }
done
echo "the same cases, $(wc -l <"$lists/partial") of them for some drivers only, with the reason"
