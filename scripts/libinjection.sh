#!/bin/sh
# Puts the C original of libinjection, as a Python extension, into .tools/libinjection, for the test
# that compares the two. Nothing of it is part of the product. Prints the interpreter to use.
set -eu

cd "$(dirname "$0")/.."
home=.tools/libinjection
package=libinjection-python==1.1.6

usable() { "$1" -c 'import libinjection' >/dev/null 2>&1; }

if [ -x "$home/bin/python" ] && usable "$home/bin/python"; then
    echo "$home/bin/python"
    exit 0
fi

# Ready-made wheels exist for CPython 3.8 to 3.10; a newer one compiles the same sources.
candidates=${PYTHON:-}
for version in 3.10 3.9 3.8; do
    candidates="$candidates python$version"
    for installed in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        [ -x "$installed" ] && candidates="$candidates $installed"
    done
done
for python in $candidates python3.11 python3; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 || continue
    rm -rf "$home"
    mkdir -p .tools
    "$python" -m venv "$home" >/dev/null 2>&1 || continue
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$package" >&2 || continue
    if usable "$home/bin/python"; then
        echo "$home/bin/python"
        exit 0
    fi
done

rm -rf "$home"
echo "libinjection.sh: no Python could install $package: install CPython 3.8, 3.9 or 3.10 with venv, or a C compiler and the headers of python3" >&2
exit 1
