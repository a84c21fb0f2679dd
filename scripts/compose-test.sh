#!/usr/bin/env bash
# Runs scripts/compose_test.py with what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make compose-test'
. scripts/toolchain.sh

scripts/wasm.sh
ENVOY=$(scripts/envoy.sh)
export ENVOY
home=$(python_home pyyaml 6.0.2)
"$home/bin/python" scripts/compose_test.py
