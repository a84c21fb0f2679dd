#!/usr/bin/env bash
# Prints the folder with `prometheus` and `promtool`: that of the PATH where both are there; else Debian's
# package, unpacked into .tools/ of this checkout and not installed, so that no service starts.
set -euo pipefail
cd "$(dirname "$0")/.."
me='prometheus'
. scripts/toolchain.sh

if path=$(command -v prometheus) && command -v promtool >/dev/null; then
    dirname "$path"
    exit
fi

home=.tools/prometheus
if [ ! -x "$home/usr/bin/promtool" ]; then
    need apt-get dpkg-deb
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # apt drops its rights to download; it must be able to write here all the same.
    chmod 755 "$work"
    echo "prometheus: unpacking Debian's package into $home" >&2
    update() { if [ "$(id -u)" = 0 ]; then apt-get update; else sudo -n apt-get update; fi >"$work/log" 2>&1; }
    fetch() { (cd "$work" && apt-get download prometheus >"$work/log" 2>&1); }
    fetch || { update && fetch; } ||
        die "apt-get download prometheus fails; install prometheus and promtool: $(grep '^E:' "$work/log" | head -n 1)"
    mkdir -p .tools
    dpkg-deb -x "$work"/prometheus_*.deb "$work/unpacked"
    rm -rf "$home"
    mv "$work/unpacked" "$home"
fi
"$home/usr/bin/promtool" --version >/dev/null 2>&1 || die "$home/usr/bin/promtool does not run on this machine"
echo "$PWD/$home/usr/bin"
