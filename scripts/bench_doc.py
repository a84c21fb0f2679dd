"""Puts what `make bench` and `make perf-baseline` have measured into docs/performance.md: `make bench-doc`."""

import pathlib
import re
import shutil
import tomllib

ROOT = pathlib.Path(__file__).parent.parent
BENCH = ROOT / "target/bench"
DOCUMENT = ROOT / "docs/performance.md"

# The whole filter under `{}` before anybody had made it fast: instructions, and microseconds of CPU time added.
BEFORE = {
    "get": (129_299, 48.8),
    "get-20-10": (509_679, 110),
    "json-2k": (1_045_983, 199),
    "form-2k": (1_274_998, 182),
    "graphql-1k": (363_718, 94.3),
    "json-10k": (4_421_212, 493),
    "json-100k": (42_888_914, 4490),
    "upload-8k": (258_844, 76.7),
    "cookies-2k": (586_268, 89.1),
}


def replace(text, name, new):
    """Replaces what stands between two comments of that name."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text, count = pattern.subn(lambda found: f"{found[1]}\n{new.strip()}\n\n{found[2]}", text)
    if count != 1:
        raise SystemExit(f"bench_doc: {DOCUMENT} holds {count} parts named {name}")
    return text


def before_and_after():
    with open(ROOT / "benches/baseline.toml", "rb") as file:
        now = tomllib.load(file)["instructions"]
    rows = ["| request | instructions before | now | | CPU µs added before |", "|---|---|---|---|---|"]
    for shape, (instructions, added) in BEFORE.items():
        own = now[f"whole, default, {shape}"]
        rows.append(f"| {shape} | {instructions:,} | {own:,} | {own / instructions:.0%} | {added} |")
    return "\n".join(rows)


def never_seen():
    with open(ROOT / "benches/baseline.toml", "rb") as file:
        now = tomllib.load(file)["instructions"]
    rows = ["| request | all of it came before | path and header values never seen |", "|---|---|---|"]
    for name, instructions in now.items():
        if name.startswith("whole, never seen, "):
            shape = name.rpartition(", ")[2]
            usual = now[f"whole, default, {shape}"]
            rows.append(f"| {shape} | {usual:,} | {instructions:,} |")
    return "\n".join(rows)


def main():
    text = DOCUMENT.read_text()
    text = replace(text, "before and after", before_and_after())
    text = replace(text, "never seen", never_seen())
    if (BENCH / "results.md").exists():
        text = replace(text, "bench", (BENCH / "results.md").read_text())
        shutil.copy(BENCH / "results.svg", ROOT / "docs/performance.svg")
    else:
        print("bench_doc: no target/bench/results.md: run make bench first; only the instructions are new")
    DOCUMENT.write_text(text)


main()
