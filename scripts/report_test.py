"""Looks at the page of `palisade report` in a real Chromium: the charts are there, the console stays silent, nothing
is wider than a phone, and light and dark differ as they should.

PALISADE_PICTURES=directory keeps the pictures there.
"""

import html
import json
import os
import pathlib
import re
import struct
import subprocess
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHONE, DESKTOP = 390, 1280
PICTURES = os.environ.get("PALISADE_PICTURES")

# What a browser does besides showing a page.
QUIET = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --enable-logging=stderr --v=0""".split()

# Shows the page in a frame as wide as asked for and says what came of it. The page itself has no script, and its own
# policy forbids any.
PROBE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" style="border:0;width:%dpx;height:900px" srcdoc="%s"></iframe>
<pre id="result"></pre>
<script>
addEventListener("load", () => {
  const page = document.getElementById("page").contentDocument, root = page.documentElement;
  const tall = (chart) => chart.getBoundingClientRect().height;
  const letters = [...page.querySelectorAll("svg text")].map((text) => text.getBoundingClientRect().height);
  const scrolls = (at) => at && (getComputedStyle(at).overflowX === "auto" || scrolls(at.parentElement));
  document.getElementById("result").textContent = "RESULT" + JSON.stringify({
    inner: root.clientWidth, needed: root.scrollWidth,
    wide: [...page.body.querySelectorAll("*")].filter((at) => !scrolls(at) &&
      at.getBoundingClientRect().right > root.clientWidth + 1).map((at) => at.outerHTML.slice(0, 120)),
    charts: Object.fromEntries([...page.querySelectorAll("svg")].map((chart) => [chart.id, tall(chart)])),
    bars: [...page.querySelectorAll("svg rect")].filter((bar) => bar.getBoundingClientRect().height > 0).length,
    smallest: Math.min(...letters),
    body: parseFloat(getComputedStyle(page.body).fontSize),
    unnamed: [...page.querySelectorAll("svg")].filter((chart) => !chart.querySelector(":scope > title")).length,
    tables: page.querySelectorAll("table").length,
    headless: [...page.querySelectorAll("table")].filter((table) => !table.querySelector("th[scope=col]")).length,
  }) + "END";
});
</script>"""


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, **more).stdout


def records():
    """Three weeks of a log, the last with a hostile name in it."""
    lines = []
    for day in range(1, 22):
        for number in range(3 + day * 7 % 19):
            blocked = day > 12
            path = ["/people", "/orders/17/items", "/search", "/api/v1/" + "long-word-" * 6][number % 4]
            reasons = [["sql_injection"], ["cross_site_scripting"], ["remote_code_execution", "unwanted_access"]]
            lines.append(json.dumps({
                "record": 1, "time": f"2026-11-{day:02}T10:{number:02}:00.000Z", "client": f"2001:db8:85a3::{number}",
                "method": "GET", "host": "a-rather-long-name.of-a-service.shop.example", "path": path,
                "action": "block" if blocked and number % 3 else "monitor", "reasons": reasons[number % 3],
                "rules": [17, 1013, 2017][: 1 + number % 3], "matches": ["0:17:query_string:q"],
                "exceptions": ["SEARCH-12"] if number % 5 == 0 else [],
                "uninspected": ["body_too_large"] if number % 7 == 0 else [],
                "policy": "shop", "revision": "r2" if blocked else "r1",
            }, separators=(",", ":")))
    hostile = json.loads(lines[-1])
    hostile.update(exceptions=["<img src=x onerror=console.error(1)>"], policy="<script>console.error(2)</script>")
    lines.append(json.dumps(hostile, separators=(",", ":")))
    return "\n".join(lines)


def pixels(png):
    """Width, height and the colour of the corner and of all pixels of a PNG with 8 bits a channel."""
    data, at, width, height, channels = b"", 8, 0, 0, 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        chunk = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", chunk[:10])
            assert depth == 8 and colour in (2, 6), "Chromium writes 8 bits of RGB or RGBA"
            channels = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            data += chunk
        at += 12 + length
    raw, step = zlib.decompress(data), width * channels
    # The first row has no row above it: every filter of PNG reads there as the first pixel itself.
    corner = tuple(raw[1:4])
    assert len(raw) == height * (step + 1)
    return width, height, corner


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="palisade-report-")
        cls.home = pathlib.Path(cls.folder.name)
        cls.chromium = run(ROOT / "scripts/chromium.sh").decode().strip()
        built = run("cargo", "build", "--quiet", "--package", "palisade-cli", "--message-format=json", cwd=ROOT)
        names = [json.loads(line).get("executable") for line in built.splitlines()]
        palisade = next(name for name in names if name)
        (cls.home / "envoy.log").write_text(records())
        policy = {"name": "shop", "revision": "r2", "exceptions": [
            {"id": "SEARCH-12", "rules": 17, "path": "/search", "reason": "the search speaks of LIKE", "expires": "2027-06-30"},
            {"id": "OLD-3", "rules": 1013, "path": "/old", "reason": "nobody remembers"}]}
        (cls.home / "policy.json").write_text(json.dumps(policy))
        run(palisade, "report", "envoy.log", "--policy", "policy.json", "--days", 21, "--output", "report.html", cwd=cls.home)
        cls.page = (cls.home / "report.html").read_text()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def chromium_says(self, *words):
        """What Chromium prints, and the lines of the console."""
        with tempfile.TemporaryDirectory(prefix="palisade-chromium-") as profile:
            ran = subprocess.run([self.chromium, *QUIET, f"--user-data-dir={profile}", *map(str, words)],
                                 capture_output=True, timeout=120, check=False)
        error = ran.stderr.decode(errors="replace")
        self.assertEqual(ran.returncode, 0, error)
        return ran.stdout.decode(errors="replace"), [line for line in error.splitlines() if "CONSOLE" in line]

    def probed(self, width):
        probe = self.home / f"probe-{width}.html"
        probe.write_text(PROBE % (width, html.escape(self.page, quote=True)))
        out, console = self.chromium_says("--dump-dom", f"--window-size={width + 200},1000", probe.as_uri())
        self.assertEqual(console, [])
        found = re.search(r"RESULT(\{.*?\})END", out, re.DOTALL)
        self.assertIsNotNone(found, out[-2000:])
        return json.loads(html.unescape(found.group(1)))

    def test_the_console_stays_silent(self):
        out, console = self.chromium_says("--dump-dom", (self.home / "report.html").as_uri())
        self.assertEqual(console, [])
        self.assertIn("<img src=x onerror=console.error(1)>", html.unescape(out))
        self.assertNotIn("<script", out)
        self.assertNotIn("<img", out)

    def test_it_is_readable_on_a_phone_and_on_a_desk(self):
        for width in (PHONE, DESKTOP):
            seen = self.probed(width)
            self.assertEqual(seen["inner"], width)
            self.assertLessEqual(seen["needed"], width, seen["wide"])
            self.assertEqual(seen["wide"], [])
            self.assertEqual(sorted(seen["charts"]), ["chart-categories", "chart-modes", "chart-trend"])
            for name, height in seen["charts"].items():
                self.assertGreater(height, 20, name)
            self.assertGreater(seen["bars"], 30)
            self.assertEqual((seen["unnamed"], seen["headless"]), (0, 0))
            self.assertGreaterEqual(seen["tables"], 8)
            self.assertGreaterEqual(seen["body"], 16)
            # The box of a line of letters that are ten pixels high.
            self.assertGreaterEqual(seen["smallest"], 11)

    def test_it_is_light_and_dark(self):
        corners = {}
        for scheme, number in (("light", 1), ("dark", 0)):
            for width in (PHONE, DESKTOP):
                # Old Chromium has no window narrower than 500, so the phone is a frame.
                picture = self.home / f"{scheme}-{width}.png"
                shown = self.home / f"shown-{width}.html"
                shown.write_text(f'<!doctype html><body style="margin:0"><iframe style="border:0;width:{width}px;height:4200px"'
                                 f' srcdoc="{html.escape(self.page, quote=True)}"></iframe>')
                _, console = self.chromium_says(
                    f"--blink-settings=preferredColorScheme={number}", f"--screenshot={picture}",
                    f"--window-size={max(width, 500)},4200", shown.as_uri())
                self.assertEqual(console, [])
                _, _, corner = pixels(picture.read_bytes())
                corners[scheme, width] = sum(corner)
                if PICTURES:
                    pathlib.Path(PICTURES, picture.name).write_bytes(picture.read_bytes())
        for width in (PHONE, DESKTOP):
            self.assertGreater(corners["light", width], 700)
            self.assertLess(corners["dark", width], 120)


if __name__ == "__main__":
    unittest.main(verbosity=1)
