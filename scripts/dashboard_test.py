"""Checks envoy/dashboard.json, envoy/alerts.yaml and envoy/prometheus.yaml against a running Envoy with the
module, scraped by a real Prometheus; needs both in $ENVOY and $PROMETHEUS (a folder) and a built module.

Every metric and every label that they name must be there, every expression must be evaluated, and those for
which the traffic sent here gives a reason must have a value. Grafana itself is not run.
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
DASHBOARD = json.loads((ROOT / "envoy/dashboard.json").read_text("utf-8"))
MODULE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "wasm32-wasip1/release/palisade.wasm"
POLICY = {
    "name": "shop",
    "revision": "42",
    "telemetry": {"timing": True, "log_rate": 1},
    "limits": {"body_bytes": 1024},
    "exceptions": [{"rules": [1013], "name": "free"}, {"rules": [1013], "name": "q", "expires": "2020-01-01"}],
    "scopes": [{"name": "new", "path": {"prefix": "/new"}, "mode": "monitor"}],
}
ATTACK = "?q=%27%20OR%20%271%27%3D%271%27%20--%20"
# What a healthy service has none of: errors.
MAY_BE_EMPTY = ("waf_errors", "changes(")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def get(url, patience=0.0):
    """The body of an answer, whatever its status; asked for again while nobody listens."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return urllib.request.urlopen(url, timeout=10).read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def expressions():
    """What the dashboard asks for: where, and the expression with its variables filled in."""
    asked = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
    asked += [(entry["name"], entry["expr"]) for entry in DASHBOARD["annotations"]["list"]]
    # A day of ten-minute windows is shortened too: this test takes seconds.
    short = {"$__rate_interval": "10s", "$instance": ".*", "[1d:10m]": "[10s:1s]", "[10m]": "[10s]"}
    for old, new in short.items():
        asked = [(where, expr.replace(old, new)) for where, expr in asked]
    return asked


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)
        folder = pathlib.Path(cls.work.name)
        cls.port, cls.admin, web, upstream = (free_port() for _ in range(4))
        cls.prometheus = f"http://127.0.0.1:{web}"
        (folder / "policy.json").write_text(json.dumps(POLICY))
        values = ["ADDRESS=127.0.0.1", f"PORT={cls.port}", f"ADMIN_PORT={cls.admin}", f"UPSTREAM_PORT={upstream}"]
        values += [f"MODULE={MODULE}", f"POLICY=@{folder}/policy.json"]
        rendered = subprocess.check_output([sys.executable, "envoy/render.py", *values], cwd=ROOT)
        (folder / "envoy.yaml").write_bytes(rendered)
        # The shipped file, quicker and with the ports of this test.
        text = (ROOT / "envoy/prometheus.yaml").read_text("utf-8")
        for old, new in (("15s", "1s"), ("alerts.yaml", f"{ROOT}/envoy/alerts.yaml"), ("127.0.0.1:9901", f"127.0.0.1:{cls.admin}")):
            assert old in text, old
            text = text.replace(old, new)
        (folder / "prometheus.yaml").write_text(text)
        cls.start(sys.executable, "envoy/echo.py", str(upstream))
        cls.start(os.environ["ENVOY"], "-c", f"{folder}/envoy.yaml", "--disable-hot-restart", "--concurrency", "2", "-l", "error")
        cls.start(
            f"{os.environ['PROMETHEUS']}/prometheus", f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{web}", "--log.level=error",
        )
        get(f"http://127.0.0.1:{cls.admin}/ready", 60)
        get(f"http://127.0.0.1:{cls.port}/", 60)
        # Counters that rise while Prometheus looks on, until it has seen what Envoy flushes every five seconds.
        deadline = time.monotonic() + 60
        while not cls.query("sum(rate(waf_inspection_microseconds_count[10s])) > 0"):
            assert time.monotonic() < deadline, "Prometheus sees no traffic"
            cls.traffic()
            time.sleep(0.2)

    @classmethod
    def start(cls, *command):
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)

    @classmethod
    def traffic(cls):
        at = f"http://127.0.0.1:{cls.port}"
        for target in ("/", f"/{ATTACK}", f"/new{ATTACK}", "/?name=a%27b%27c", "/?free=a%27b%27c"):
            get(at + target)
        get(urllib.request.Request(f"{at}/upload", data=b"x=" + b"a" * 4000))

    @classmethod
    def ask(cls, path, **parameters):
        answer = json.loads(get(f"{cls.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", 30))
        assert answer["status"] == "success", (path, parameters, answer)
        return answer["data"]

    @classmethod
    def query(cls, expression):
        return cls.ask("query", query=expression)["result"]

    @classmethod
    def rules(cls):
        return [rule for group in cls.ask("rules")["groups"] for rule in group["rules"]]

    def test_every_expression_has_a_value(self):
        for where, expression in expressions():
            with self.subTest(where, expression=expression):
                value = self.query(expression)
                if any(word in expression for word in MAY_BE_EMPTY):
                    continue
                # A window of windows has a value a few scrapes later than the window itself.
                deadline = time.monotonic() + 30
                while not value and time.monotonic() < deadline:
                    self.traffic()
                    time.sleep(0.2)
                    value = self.query(expression)
                self.assertTrue(value)

    def test_every_alert_is_evaluated(self):
        deadline = time.monotonic() + 30
        while any(rule["health"] == "unknown" for rule in self.rules()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)
        rules = {rule["name"]: (rule["health"], rule.get("lastError")) for rule in self.rules()}
        written = re.findall(r"- alert: (\w+)", (ROOT / "envoy/alerts.yaml").read_text("utf-8"))
        self.assertEqual(rules, {name: ("ok", None) for name in written})
        self.assertGreaterEqual(len(rules), 10)

    def test_every_metric_and_label_is_there(self):
        labels = {}
        for line in get(f"http://127.0.0.1:{self.admin}/stats/prometheus").splitlines():
            if match := re.fullmatch(r"(\w+)\{(.*)\} \S+", line):
                labels.setdefault(match[1], set()).update(re.findall(r"(\w+)=", match[2]))
        asked = expressions() + [(rule["name"], rule["query"]) for rule in self.rules()]
        seen = set()
        for where, expression in asked:
            with self.subTest(where, expression=expression):
                metrics = set(re.findall(r"\b(?:waf|envoy)_\w+", re.sub(r'"[^"]*"|\{[^}]*\}|by \([^)]*\)', "", expression)))
                self.assertTrue(metrics)
                self.assertLessEqual(metrics, set(labels))
                known = set().union(*(labels[metric] for metric in metrics), {"instance"})
                used = set(re.findall(r"(\w+)\s*(?:=~|!=|=)\s*\"", expression))
                used |= {word.strip() for words in re.findall(r"by \(([^)]*)\)", expression) for word in words.split(",")}
                self.assertLessEqual(used, known)
                seen |= metrics
        # The other way round: no metric of ours that nobody looks at.
        own = {re.sub(r"_(sum|count)$", "_bucket", metric) for metric in labels if metric.startswith("waf_")}
        self.assertEqual(own - seen, set())

    def test_labels_are_no_part_of_a_name(self):
        lines = get(f"http://127.0.0.1:{self.admin}/stats/prometheus").splitlines()
        names = {line.split("{")[0] for line in lines if line.startswith("waf_")}
        document = (ROOT / "docs/telemetry.md").read_text("utf-8")
        for name in names:
            self.assertIn(f"| `{re.sub(r'_(bucket|sum|count)$', '', name)}` |", document)

    def test_promtool_takes_all_of_it(self):
        promtool = f"{os.environ['PROMETHEUS']}/promtool"
        for arguments in (("check", "config", "envoy/prometheus.yaml"), ("check", "rules", "envoy/alerts.yaml"), ("test", "rules", "tests/alerts.yaml")):
            done = subprocess.run([promtool, *arguments], cwd=ROOT, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_dashboard_is_laid_out(self):
        panels = DASHBOARD["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            self.assertIn(panel["type"], ("timeseries", "stat", "table"))
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertTrue(all(x < 24 for x, _ in cells), panel["title"])
            taken |= cells
        self.assertEqual(len(taken), 24 * (1 + max(y for _, y in taken)), "no holes")


if __name__ == "__main__":
    for name in ("ENVOY", "PROMETHEUS"):
        if not os.environ.get(name):
            sys.exit(f"dashboard_test.py: {name} is not set: run it by `make dashboard-test`")
    unittest.main(verbosity=2)
