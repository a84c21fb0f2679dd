#!/usr/bin/env bash
# Prints the path of a Chromium that can show a page without a screen: $CHROMIUM; else one on the PATH; else
# Debian's, which it installs.
set -euo pipefail
cd "$(dirname "$0")/.."
me='chromium'
. scripts/toolchain.sh

if [ -n "${CHROMIUM:-}" ]; then
    command -v "$CHROMIUM" || die "CHROMIUM is '$CHROMIUM', which is not a program"
    exit
fi
find_one() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" && return
    done
    return 1
}
find_one && exit
install_debian_packages chromium fonts-dejavu-core >&2 || die 'there is no Chromium and it cannot be installed; set CHROMIUM to one'
find_one || die 'Chromium was installed and cannot be found; set CHROMIUM to it'
