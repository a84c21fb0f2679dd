"""Reads a built module and says whether Envoy can be expected to load it.

A dependency that opens a file, reads a clock or makes a thread shows as a WASI import: caught here,
not by a proxy that refuses the module or by the request that runs into a stub.
"""

import sys

# What Rust's standard library links in by itself.
WASI = {"environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"}
# The callbacks that src/filter/abi.rs answers. A proxy makes no others: each costs a request the crossing.
CALLBACKS = {
    "proxy_on_" + name
    for name in (
        "memory_allocate vm_start configure context_create tick request_headers request_body request_trailers"
        " response_headers log delete"
    ).split()
}
KINDS = ("function", "table", "memory", "global", "tag")


class Reader:
    """A cursor over the binary format (WebAssembly core specification, chapter 5)."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def take(self, size):
        self.at += size
        return self.data[self.at - size : self.at]

    def name(self):
        return self.take(self.number()).decode()

    def limits(self):
        if self.byte() & 1:
            self.number()
        self.number()


def sections(data):
    if data[:8] != b"\0asm\1\0\0\0":
        raise ValueError("not a WebAssembly module")
    reader = Reader(data)
    reader.at = 8
    while reader.at < len(data):
        section = reader.byte()
        yield section, Reader(reader.take(reader.number()))


def read(data):
    imports, exports = [], set()
    for section, body in sections(data):
        if section == 2:
            for _ in range(body.number()):
                module, name, kind = body.name(), body.name(), KINDS[body.byte()]
                if kind == "function":
                    body.number()
                elif kind == "table":
                    body.byte()
                    body.limits()
                elif kind == "memory":
                    body.limits()
                else:
                    body.take(2)
                imports.append((module, name, kind))
        elif section == 7:
            for _ in range(body.number()):
                exports.add(body.name())
                body.byte()
                body.number()
    return imports, exports


def problems(imports, exports):
    for module, name, kind in imports:
        allowed = kind == "function" and (
            (module == "env" and name.startswith("proxy_")) or (module == "wasi_snapshot_preview1" and name in WASI)
        )
        if not allowed:
            yield f"imports the {kind} {module}.{name}, which Envoy need not have"
    # A module without _initialize never runs its start code; one with _start is a program, not a filter.
    for name in sorted({"_initialize", "proxy_abi_version_0_2_1"} | CALLBACKS):
        if name not in exports:
            yield f"does not export {name}"
    for name in sorted(exports):
        if name.startswith("proxy_on_") and name not in CALLBACKS:
            yield f"exports {name}, which is called for nothing"
    if "_start" in exports:
        yield "exports _start: it is a program, not a reactor"


def main():
    path = sys.argv[1]
    try:
        with open(path, "rb") as file:
            data = file.read()
        found = list(problems(*read(data)))
    except (OSError, ValueError, IndexError) as error:
        found = [str(error)]
    for problem in found:
        print(f"{path}: {problem}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"{path}: {len(data):,} bytes")


main()
