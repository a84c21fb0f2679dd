#!/usr/bin/env bash
# Runs scripts/dashboard_test.py with what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
me='make dashboard-test'
. scripts/toolchain.sh

need python3
ENVOY=$(scripts/envoy.sh)
PROMETHEUS=$(scripts/prometheus.sh)
export ENVOY PROMETHEUS
python3 scripts/dashboard_test.py
