#!/usr/bin/env python3
"""docker-compose.yml against itself, .env.example, the files in deploy/, and the binary that it starts.

Needs no Docker: Compose itself reads the file, nothing is started but `lehr`. Prints how many checks passed and failed.

    check.py --compose PROGRAM --lehr PROGRAM
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
SOURCES = ROOT / "deploy/sources.toml"
STORES = ROOT / "deploy/stores.toml"
TRAINING = ROOT / "src/registry/training/mod.rs"

# What the system promises: each service, where it listens, and where that is published.
PORTS = {
    "kafka": {9093: 9093},
    "zookeeper": {2181: 2181},
    "influxdb": {8086: 8086},
    "postgres": {5432: 5432},
    "redis": {6379: 6379},
    "neo4j": {7474: 7474, 7687: 7687},
    "minio": {9000: 9000, 9001: 9001},
    "backend": {8000: 8000},
    "frontend": {3000: 3000},
    "mosquitto": {1883: 1883, 9003: 9003},
    "opcua_server": {4840: 4840},
    "modbus_server": {5020: 5020},
}
# Reached by other services alone.
INTERNAL = {"kafka": {9092}}
# Does something once, and ends.
ONCE = {"minio_bucket"}
# Their images write settings into their own folders as they start.
WRITE_THEMSELVES = {"zookeeper", "kafka", "neo4j"}
# Its image has no other owner for its volume. It has no capability.
ROOT_WITHIN = {"minio"}
# Read by Compose itself.
OF_COMPOSE = {"COMPOSE_PROFILES"}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY|_AUTH|POSTGRES_URL|REDIS_URL")
# How long a program may take; only a hang takes so long.
PATIENCE_S = 120

arguments = argparse.Namespace()


def variables_of(text):
    """Of `${NAME}`, `${NAME:-default}` and `${NAME:?why}`; comments are not looked at."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return set(re.findall(r"(?<!\$)\$\{([A-Z_][A-Z0-9_]*)", "\n".join(lines)))


def secrets_of(table):
    """Names in `{ env = "NAME" }`, anywhere."""
    if isinstance(table, list):
        return set().union(*(secrets_of(item) for item in table))
    if not isinstance(table, dict):
        return set()
    if set(table) == {"env"}:
        return {table["env"]}
    return set().union(*(secrets_of(item) for item in table.values()))


def compose(*flags, env_file=EXAMPLE, **environment):
    """The file as Compose reads it. Nothing of this process's own environment comes in."""
    command = [arguments.compose, "--project-directory", ROOT, "--file", COMPOSE_FILE, "--env-file", env_file, *flags]
    environment |= {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [*map(str, command), "config", "--format", "json"],
        capture_output=True, text=True, env=environment, timeout=PATIENCE_S, check=False,
    )


def read(*flags, **environment):
    result = compose(*flags, **environment)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


def as_written():
    """Every service, with variables by their names."""
    command = [arguments.compose, "--project-directory", ROOT, "--file", COMPOSE_FILE, "--env-file", EXAMPLE]
    command += ["--profile", "*", "config", "--no-interpolate", "--format", "json"]
    result = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE_S, check=True,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    return json.loads(result.stdout)["services"]


def example():
    lines = (line.strip() for line in EXAMPLE.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def lehr(*command, **more):
    return subprocess.run(
        [arguments.lehr, *map(str, command)], capture_output=True, text=True, timeout=PATIENCE_S, check=False, **more
    )


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = read()
        cls.services = cls.file["services"]

    def test_all_services_are_there_and_named(self):
        self.assertEqual(set(self.services), set(PORTS) | ONCE)
        for name, service in self.services.items():
            self.assertEqual(service["container_name"], f"glass_{name}")

    def test_they_share_the_network(self):
        self.assertEqual([network["name"] for network in self.file["networks"].values()], ["glass_network"])
        for name, service in self.services.items():
            self.assertEqual(list(service["networks"]), ["glass_network"], name)

    def test_ports_are_published_where_they_were_promised_and_here_alone(self):
        for name, expected in PORTS.items():
            ports = self.services[name]["ports"]
            self.assertEqual({port["target"]: int(port["published"]) for port in ports}, expected, name)
            self.assertEqual({port["host_ip"] for port in ports}, {"127.0.0.1"}, name)

    def test_ports_are_published_elsewhere_when_told_so(self):
        ports = [port for service in read(BIND_ADDRESS="0.0.0.0")["services"].values() for port in service.get("ports", [])]
        self.assertEqual({port["host_ip"] for port in ports}, {"0.0.0.0"})

    def test_images_have_versions(self):
        built = {name for name, service in self.services.items() if "build" in service}
        self.assertEqual(built, {"backend", "frontend", "opcua_server", "modbus_server"})
        for name, service in self.services.items():
            if name not in built:
                self.assertRegex(service["image"], r"^[a-z0-9./-]+:\S*\d+\.?\d*\S*$", name)
                self.assertNotIn("latest", service["image"], name)

    def test_each_can_do_no_more_than_it_must(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertNotIn("privileged", service)
                self.assertEqual(service.get("read_only", False), name not in WRITE_THEMSELVES)
                if "build" not in service or "user" in service:
                    user = service.get("user", "0").split(":")[0]
                    self.assertEqual(user == "0", name in ROOT_WITHIN)
                limits = service["deploy"]["resources"]["limits"]
                self.assertLessEqual({"cpus", "memory", "pids"}, set(limits))

    def test_each_is_watched_and_started_again(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertEqual(service["restart"], "no" if name in ONCE else "unless-stopped")
                self.assertEqual("healthcheck" in service, name not in ONCE)

    def test_nobody_waits_for_who_is_never_ready(self):
        for name, service in self.services.items():
            for other, how in service.get("depends_on", {}).items():
                expected = "service_completed_successfully" if other in ONCE else "service_healthy"
                self.assertEqual(how["condition"], expected, f"{name} waits for {other}")

    def test_addresses_are_those_of_services(self):
        listens = {name: set(ports) | INTERNAL.get(name, set()) for name, ports in PORTS.items()}
        addresses = 0
        for name, value in self.services["backend"]["environment"].items():
            for host, port in re.findall(r"(?:^|//|@)(?:[^@/\s]*@)?([a-z_0-9.]+):(\d+)(?:/|$)", value):
                addresses += 1
                self.assertIn(int(port), listens.get(host, set()), f"{name}={value}: no such service and port")
        self.assertEqual(addresses, 9)

    def test_without_settings_it_says_what_to_do(self):
        with tempfile.NamedTemporaryFile() as nothing:
            result = compose("--profile", "full", env_file=nothing.name)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("copy .env.example to .env", result.stderr)

    def test_lehr_runs_alone_in_the_profile_embedded(self):
        services = read("--profile", "embedded")["services"]
        self.assertEqual(list(services), ["embedded"])
        self.assertNotIn("depends_on", services["embedded"])


class Settings(unittest.TestCase):
    def test_every_variable_is_in_the_example_and_used(self):
        used = variables_of(COMPOSE_FILE.read_text()) | OF_COMPOSE
        used |= {name for value in example().values() for name in variables_of(value)}
        self.assertEqual(used, set(example()))

    def test_what_the_files_of_deploy_name_reaches_the_backend(self):
        reached = set(as_written()["backend"]["environment"])
        for file in (SOURCES, STORES):
            text = file.read_text()
            named = variables_of(text) | secrets_of(tomllib.loads(text))
            self.assertGreater(len(named), 0)
            self.assertLessEqual(named, reached, file.name)

    def test_no_secret_stands_in_a_file(self):
        for name, service in as_written().items():
            for key, value in (service.get("environment") or {}).items():
                if SECRET.search(key):
                    rest = re.sub(r"\$\{[^}]*\}", "", str(value))
                    self.assertRegex(rest, r"^/?$", f"{key} of {name} is written down")
        secrets = {value for key, value in example().items() if SECRET.search(key) and "$" not in value}
        self.assertGreaterEqual(len(secrets), 3)
        kept = [COMPOSE_FILE, *(ROOT / "deploy").iterdir(), ROOT / "frontend/Dockerfile"]
        for file in kept:
            found = [secret for secret in secrets if secret in file.read_text()]
            self.assertEqual(found, [], file)

    def test_secrets_of_the_example_say_that_they_are_none(self):
        for name, value in example().items():
            if SECRET.search(name) and "$" not in value:
                self.assertIn("development", value, name)
        self.assertIn("DEVELOPMENT DEFAULTS", EXAMPLE.read_text())


class Images(unittest.TestCase):
    def test_they_are_built_from_versions_and_run_as_nobody_special(self):
        for file in (ROOT / "deploy/Dockerfile", ROOT / "frontend/Dockerfile"):
            text = file.read_text()
            bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
            self.assertGreaterEqual(len(bases), 2)
            for base in bases:
                self.assertRegex(base, r":\d+\.\d+", file)
            last = text.rsplit("\nFROM ", 1)[1]
            if "unprivileged" not in last:
                self.assertRegex(last, r"\nUSER [1-9]\d*:[1-9]\d*\n", file)
            for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
                for path in copied.split():
                    self.assertTrue((ROOT / path).exists(), f"{file}: {path}")

    def test_what_trains_lies_beside_what_serves(self):
        text = (ROOT / "deploy/Dockerfile").read_text()
        name = re.search(r'^const PROGRAM: &str = "(.*)";', TRAINING.read_text(), re.MULTILINE)[1]
        built = set(re.findall(r"--bin (\S+)", text))
        self.assertEqual(built, {"lehr", name})
        copied = re.search(r"^COPY --from=build (.+) (\S+/)$", text, re.MULTILINE)
        self.assertEqual({Path(path).name for path in copied[1].split()}, built)
        self.assertIn('\nENTRYPOINT ["lehr"]\n', text)
        self.assertIn(Path(copied[2]), [Path("/usr/local/bin"), Path("/usr/bin")], "where lehr is found")

    def test_what_holds_secrets_is_in_no_image_and_in_no_commit(self):
        self.assertIn(".env", (ROOT / ".dockerignore").read_text().splitlines())
        self.assertIn("/.env", (ROOT / ".gitignore").read_text().splitlines())

    def test_the_dashboard_is_where_it_is_published_and_finds_the_backend(self):
        text = (ROOT / "deploy/nginx.conf").read_text()
        self.assertIn("listen 3000;", text)
        self.assertIn("http://backend:8000;", text)
        # One in a location would take away those of the server, and with them the Host that the backend looks at.
        for location in re.findall(r"location [^{]*\{(.*?)\}", text, re.DOTALL):
            self.assertNotRegex(location, r"proxy_set_header|add_header")

    def test_pages_may_do_what_the_backend_says(self):
        policy = re.search(r'CONTENT_POLICY: &str = "(.*?)";', (ROOT / "src/api/mod.rs").read_text(), re.DOTALL)
        policy = re.sub(r"\\\n\s*", "", policy[1])
        self.assertIn(f'"{policy}"', (ROOT / "deploy/nginx.conf").read_text())


class Binary(unittest.TestCase):
    def test_it_has_every_option_that_it_is_given(self):
        given = 0
        for service in read("--profile", "full", "--profile", "embedded")["services"].values():
            if service["image"] == example()["LEHR_IMAGE"]:
                given += 1
                result = lehr(*service["command"], "--help")
                self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(given, 4)
        self.assertNotEqual(lehr("serve", "--no-such-option", "--help").returncode, 0)

    def test_what_trains_is_built_beside_it(self):
        program = arguments.lehr.with_name("lehr-train")
        result = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def doctor(self, option, file):
        """What is said of a file whose peers are all away."""
        away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "INFLUXDB_URL": "http://127.0.0.1:1"}
        away |= {"NEO4J_URI": "bolt://127.0.0.1:1", "S3_ENDPOINT": "http://127.0.0.1:1"}
        away |= {"MQTT_ADDRESS": "127.0.0.1:1", "MODBUS_ADDRESS": "127.0.0.1:1"}
        away |= {"OPCUA_ENDPOINT": "opc.tcp://127.0.0.1:1/", "POSTGRES_URL": "postgres://lehr:x@127.0.0.1:1/lehr"}
        away |= {"REDIS_URL": "redis://:x@127.0.0.1:1/0"}
        with tempfile.TemporaryDirectory() as data:
            command = ["doctor", "--data", data, "--listen", "127.0.0.1:0", option, file, "--json"]
            result = lehr(*command, env={**os.environ, **example(), **away})
        findings = json.loads(result.stdout)
        return {finding["check"]: finding["detail"] for finding in findings}

    def test_the_file_of_sources_is_good(self):
        findings = self.doctor("--sources", SOURCES)
        self.assertNotIn("sources", findings)
        self.assertLessEqual({"opcua source line-a", "modbus source line-b", "mqtt source line-c"}, set(findings))

    def test_the_file_of_stores_is_good(self):
        findings = self.doctor("--stores", STORES)
        self.assertNotIn("stores", findings)
        stores = sum(len(entries) for entries in tomllib.loads(STORES.read_text()).values())
        self.assertEqual(sum(" store " in check for check in findings), stores)

    def mapping(self, *served):
        """The file of sources that the plant writes for what it serves."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "mapping.toml")
            command = [arguments.lehr, "plant", *served, "--pki", Path(folder, "pki"), "--mapping", file]
            with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as plant:
                try:
                    # Said once the file is written.
                    self.assertIn(b"ready", plant.stdout.readline())
                    return tomllib.loads(file.read_text())
                finally:
                    plant.kill()

    def test_every_sensor_is_read_once_as_the_plant_serves_it(self):
        sources = tomllib.loads(SOURCES.read_text())
        served = [
            ("opcua", "Line_A.", ["--opcua", "127.0.0.1:0"]),
            ("modbus", "Line_B.", ["--modbus", "127.0.0.1:0"]),
            ("mqtt", "Line_C.", ["--mqtt", "127.0.0.1:1"]),
        ]
        for protocol, line, options in served:
            [entry] = self.mapping(*options)[protocol]
            of_line = [tag for tag in entry["tag"] if tag["to"]["sensor"].startswith(line)]
            self.assertGreaterEqual(len(of_line), 20, "sensors of a line")
            [source] = sources[protocol]
            self.assertEqual(source["tag"], of_line, protocol)
            self.assertEqual(source.get("report"), entry.get("report"), protocol)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compose", required=True, type=Path)
    parser.add_argument("--lehr", required=True, type=Path)
    parser.parse_args(namespace=arguments)
    began = time.monotonic()
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    # A failing subtest is one of its test.
    bad = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    print(f"{result.testsRun - len(bad)} passed, {len(bad)} failed, in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
