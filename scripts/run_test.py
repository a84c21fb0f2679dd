"""Checks `make run` as a person would use it: at a terminal, with the printed commands, ended by Ctrl-C.

Linux only: it looks for left-over processes in /proc.
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The first start may have to build everything.
FIRST_START, START, END = 600, 60, 15
MARK = "PALISADE_RUN_TEST"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Run:
    """One `make run` (or another command) at a terminal of its own."""

    def __init__(self, *command, **environment):
        self.mark = uuid.uuid4().hex
        self.text = ""
        self.port, self.admin = free_ports(2)
        environment = {"PORT": str(self.port), "ADMIN_PORT": str(self.admin), MARK: self.mark, **environment}
        # MAKE*: this script itself may have been started by make.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "POLICY", "LOG"))}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            command = command or ("make", "--no-print-directory", "run")
            os.execvpe(command[0], command, {**inherited, **environment})
        self.status = None

    def read(self, seconds):
        """Takes what comes within that time; False when the terminal has been closed."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            data = b""
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def until(self, pattern, seconds):
        """The match of a pattern in the output, waited for; an AssertionError if it does not come."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.text)):
            if time.monotonic() > deadline or not self.read(0.1):
                raise AssertionError(f"{pattern!r} did not come within {seconds} s; the output was:\n{self.text}")
        return match

    def end(self, seconds=END):
        """Waits for the end of the command and returns its exit status."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            alive = self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds} s; the output was:\n{self.text}")
            elif not alive:
                time.sleep(0.05)
        while self.read(0.05) and select.select([self.terminal], [], [], 0)[0]:
            pass
        return self.status

    def processes(self):
        """What runs of all that this command started: process ids and command lines."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                pass
        return found

    def close(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(self.terminal)


class MakeRun(unittest.TestCase):
    def run_it(self, *command, **environment):
        run = Run(*command, **environment)
        self.addCleanup(run.close)
        return run

    def ready(self, run, seconds=START):
        run.until(r"Ctrl-C ends everything", seconds)

    def assert_nothing_left(self, run):
        self.assertEqual(run.processes(), {}, run.text)
        for port in (run.port, run.admin):
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))

    def assert_one_line(self, run, *words):
        """The command failed, and its own last word is one line that says why."""
        self.assertNotIn(run.end(), (0, None), run.text)
        lines = [line for line in run.text.splitlines() if line.startswith("make run: ")]
        self.assertEqual(len(lines), 1, run.text)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertNotIn("Traceback", run.text)
        self.assert_nothing_left(run)

    def policy(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".json", delete=False)
        self.addCleanup(os.unlink, file.name)
        with file:
            file.write(text)
        return file.name

    def test_1_the_printed_commands_get_the_printed_answers_and_ctrl_c_ends_everything(self):
        run = self.run_it()
        self.ready(run, FIRST_START)
        tries = re.findall(r"^  # .*?: (\d+), .*\n  (curl .*)$", run.text, re.M)
        self.assertEqual([code for code, _ in tries], ["200", "403", "403"], run.text)
        for code, command in tries:
            with self.subTest(command):
                answer = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, check=True).stdout
                self.assertIn(f" {code} ", answer.splitlines()[0])
                body = answer.split("\n\n", 1)[1]
                parsed = json.loads(body)
                # What a user wrote into the query is not in the log.
                path = re.escape(re.search(r"'http://[^/']+([^?']*)", command)[1])
                line = run.until(
                    rf" {path} HTTP/1.1 {code} details=\S* action=(\w+) metadata=(\w+) id=(\S+) client=127.0.0.1 ms=\d+ waf=(.*)\n", 5
                )
                action, metadata, request_id, record = line.groups()
                self.assertEqual((action, metadata), ("allow", "allow") if code == "200" else ("block", "block"))
                self.assertEqual(json.loads(record)["action"], action)
                # The caller can quote the id; upstream and log know it by the same name.
                self.assertIn(request_id, body)
                # The private header that carries the decision is seen by neither side.
                self.assertNotIn("x-palisade-decision", answer.lower())
                if code == "200":
                    self.assertEqual(parsed["method"], "GET")
                    continue
                # One line has all there is to say under that id.
                told = run.until(rf'\[wasm\].* palisade: (\{{"record":1,.*"{request_id}".*\}})\n', 5)[1]
                told = json.loads(told)
                self.assertEqual((told["action"], told["client"], told["path"]), ("block", "127.0.0.1", path.replace("\\", "")))
                for key, value in json.loads(record).items():
                    self.assertEqual(told[key], value)

        with self.subTest("a client's own decision is not believed"):
            forged = "KhEKDwoGYWN0aW9uEgUaA2ZvbwA="
            request = urllib.request.Request(f"http://127.0.0.1:{run.port}/forged", headers={"x-palisade-decision": forged})
            received = json.load(urllib.request.urlopen(request, timeout=10))
            self.assertNotIn("x-palisade-decision", received["headers"])
            self.assertEqual(run.until(r" /forged .* metadata=(\S+)", 5)[1], "allow")

        with self.subTest("chunked bodies, HEAD and HTTP/2 without TLS"):
            url = f"http://127.0.0.1:{run.port}/more"
            chunked = subprocess.check_output(["curl", "-s", url, "-H", "transfer-encoding: chunked", "-d", "a=b"], text=True)
            self.assertEqual((json.loads(chunked)["body"], json.loads(chunked)["length"]), ("a=b", 3))
            head = subprocess.check_output(["curl", "-s", "-I", "--max-time", "10", url], text=True)
            self.assertIn(" 200 ", head.splitlines()[0])
            second = subprocess.check_output(["curl", "-s", "-i", "--http2-prior-knowledge", url, "-d", "a=b"], text=True)
            self.assertTrue(second.startswith("HTTP/2 200"), second)

        os.write(run.terminal, b"\x03")
        run.end()
        self.assert_nothing_left(run)

    def test_2_the_second_start_is_quick_and_logs_json_and_sigterm_ends_everything(self):
        started = time.monotonic()
        run = self.run_it(POLICY=self.policy("{\n}\n"), LOG="json")
        self.ready(run, START)
        seconds = time.monotonic() - started
        print(f"ready after {seconds:.1f} s ... ", end="", flush=True)
        # Ten are promised on a machine that does nothing else; this one may be busy.
        self.assertLess(seconds, 30)
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        url = f"http://127.0.0.1:{run.port}/login?user=admin%27--&secret=hunter2"
        request = urllib.request.Request(url, headers={"traceparent": trace})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        request_id = json.loads(refused.exception.read())["request_id"]
        line = json.loads(run.until(rf'\n(\{{.*"request_id":"{request_id}".*"waf_action".*\}})\n', 5)[1])
        keys = "time method path authority protocol status details flags client request_id traceparent duration_ms waf_action waf"
        self.assertEqual(sorted(line), sorted(keys.split()))
        self.assertEqual((line["status"], line["path"], line["waf_action"], line["traceparent"]), (403, "/login", "block", trace))
        self.assertEqual(json.loads(line["waf"])["action"], "block")
        self.assertNotIn("hunter2", run.text)
        os.kill(run.pid, signal.SIGTERM)
        self.assertNotEqual(run.end(), 0)
        self.assert_nothing_left(run)

    def test_3_an_envoy_that_dies_ends_everything(self):
        run = self.run_it()
        self.ready(run)
        envoys = [pid for pid, line in run.processes().items() if "--disable-hot-restart" in line]
        self.assertEqual(len(envoys), 1)
        os.kill(envoys[0], signal.SIGKILL)
        self.assert_one_line(run, "Envoy has ended")

    def test_ctrl_c_while_it_starts(self):
        run = self.run_it()
        run.until(r"wasm: ", START)
        os.write(run.terminal, b"\x03")
        self.assertNotEqual(run.end(), 0)
        self.assert_nothing_left(run)

    def test_taken_ports(self):
        for name in ("PORT", "ADMIN_PORT"):
            with self.subTest(name), socket.create_server(("127.0.0.1", 0)) as taken:
                port = str(taken.getsockname()[1])
                self.assert_one_line(self.run_it(**{name: port}), port, name, "in use")

    def test_ports_that_are_none(self):
        self.assert_one_line(self.run_it(PORT="http"), "PORT=http")
        self.assert_one_line(self.run_it(ADMIN_PORT="70000"), "ADMIN_PORT=70000")
        [port] = free_ports(1)
        self.assert_one_line(self.run_it(PORT=str(port), ADMIN_PORT=str(port)), "PORT and ADMIN_PORT")

    def test_a_log_format_that_is_none(self):
        self.assert_one_line(self.run_it(LOG="xml"), "LOG=xml", "text or json")

    def test_a_policy_that_is_not_there(self):
        self.assert_one_line(self.run_it(POLICY="no/such/policy.json"), "no/such/policy.json")

    def test_an_empty_policy_file(self):
        name = self.policy("")
        self.assert_one_line(self.run_it(POLICY=name), name, "empty")

    def test_a_policy_that_envoy_refuses(self):
        for text, word in (('{"no_such_key": 1}', "no_such_key"), ("{", "JSON"), ("[]", "")):
            with self.subTest(text):
                name = self.policy(text)
                run = self.run_it(POLICY=name)
                self.assert_one_line(run, "refused", name)
                self.assertRegex(run.text, rf"\[error\].*wasm log .*{word}")

    def test_a_policy_that_is_no_text(self):
        name = self.policy("")
        pathlib.Path(name).write_bytes(b'{"\xff": 1}')
        run = self.run_it(POLICY=name)
        self.assertNotEqual(run.end(), 0)
        self.assertIn(name, run.text)
        self.assertNotIn("Traceback", run.text)
        self.assert_nothing_left(run)

    def test_a_missing_tool(self):
        for tool in ("cargo", "python3", "curl"):
            with self.subTest(tool), tempfile.TemporaryDirectory() as folder:
                for there in {"bash", "dirname", "env", "cargo", "python3", "curl", "setsid", "make", "sh"} - {tool}:
                    os.symlink(shutil.which(there), f"{folder}/{there}")
                self.assert_one_line(self.run_it(PATH=folder), f"{tool} is not installed")

    def test_an_envoy_that_is_none(self):
        run = self.run_it(ENVOY="/no/such/envoy")
        self.assertNotEqual(run.end(START), 0)
        self.assertIn("envoy: ENVOY is '/no/such/envoy', which is not a program\n", run.text)
        self.assert_nothing_left(run)


if __name__ == "__main__":
    unittest.main(verbosity=2)
