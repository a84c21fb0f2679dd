"""Checks docker-compose.yml without a Docker engine; needs PyYAML, an Envoy in $ENVOY and a built module.

What can be checked: that it parses, that what it mounts and starts is there, that its ports are those of
the Envoy configuration, and that Envoy accepts the very command it is given. That the images can be
pulled and that the containers reach each other cannot.
"""

import os
import pathlib
import subprocess
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
ENVOY = yaml.safe_load((ROOT / "envoy/envoy.yaml").read_text("utf-8"))


def port_of(holder):
    return holder["address"]["socket_address"]["port_value"]


class Compose(unittest.TestCase):
    def test_mounts_are_there(self):
        for name, service in COMPOSE["services"].items():
            for volume in service["volumes"]:
                source, target, mode = volume.split(":")
                self.assertTrue((ROOT / source).exists(), f"{name} mounts {source}")
                # The programs are given relative paths, which must mean the same inside.
                self.assertEqual(f"{service['working_dir']}/{source.removeprefix('./')}", target)
                self.assertEqual(mode, "ro")

    def test_version_is_the_pinned_one(self):
        pinned = subprocess.check_output([ROOT / "scripts/envoy.sh", "--pinned"], text=True).strip()
        self.assertEqual(COMPOSE["services"]["envoy"]["image"], f"envoyproxy/envoy:v{pinned}")

    def test_ports_are_those_of_the_configuration(self):
        resources = ENVOY["static_resources"]
        listener = resources["listeners"][0]
        self.assertEqual(COMPOSE["services"]["envoy"]["ports"], [f"127.0.0.1:{port_of(listener)}:{port_of(listener)}"])
        # A port published by Docker does not arrive at the container's loopback interface.
        self.assertEqual(listener["address"]["socket_address"]["address"], "0.0.0.0")
        endpoint = resources["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        self.assertEqual(COMPOSE["services"]["upstream"]["command"], ["python3", "envoy/echo.py", str(port_of(endpoint))])
        self.assertEqual(endpoint["address"]["socket_address"]["address"], "127.0.0.1")
        self.assertEqual(COMPOSE["services"]["upstream"]["network_mode"], "service:envoy")

    def test_envoy_accepts_its_command(self):
        program, *arguments = COMPOSE["services"]["envoy"]["command"]
        self.assertEqual(program, "envoy")
        done = subprocess.run([os.environ["ENVOY"], *arguments, "--mode", "validate"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("OK", done.stdout + done.stderr)


if __name__ == "__main__":
    if not os.environ.get("ENVOY"):
        sys.exit("compose_test.py: ENVOY is not set: run it by `make compose-test`")
    unittest.main(verbosity=2)
