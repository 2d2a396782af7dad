"""Runs the window job on every engine, compares the answers, and writes the results.

Each run is a process of its own. The engines take turns, so that a noisy minute falls on all of them. What a process
takes beyond the job (interpreter, JVM, cluster, end) is reported as start-up and is no part of any ratio.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import answers
import engines
import report
from readings import SENSORS, ensure

# Above this an engine hangs: the slowest job takes a minute on two cores.
LIMIT_S = 900
# Readings a second and sensor: windows of 100 and of 10 readings.
RATES_HZ = (10, 1)
LATEST_LINES = 15


class Failure(Exception):
    """A run without a result."""


def main():
    args = arguments()
    results = [result for rate in RATES_HZ for result in at_rate(args, rate)]
    document = {
        "machine": report.machine(),
        "readings": args.rows,
        "sensors": SENSORS,
        "prefix": args.prefix,
        "results": report.with_ratios(results),
    }
    args.results.write_text(json.dumps(document, indent=2) + "\n")
    print(report.table(document))
    failed = [result for result in results if "failed" in result]
    if failed:
        sys.exit("failed: " + ", ".join(result["engine"] for result in failed))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of the environments and inputs")
    parser.add_argument("--window", type=Path, required=True, help="Lehr's binary for the job")
    parser.add_argument("--results", type=Path, required=True, help="file to write")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--prefix", type=int, default=500_000, help="readings for slow engines")
    parser.add_argument("--runs", type=int, help="runs of each engine, instead of 3 (5 for fast ones)")
    parser.add_argument("--only", nargs="*", default=[], help="words; engines without one of them are left out")
    return parser.parse_args()


def at_rate(args, rate_hz):
    """The results of the engines that run at a rate, Lehr first."""
    chosen = [engine for engine in engines.ENGINES if engine.every_rate or rate_hz == RATES_HZ[0]]
    if args.only:
        words = [word.lower() for word in args.only]
        chosen = [engine for engine in chosen if any(word in engine.name.lower() for word in words)]
    results = {}
    for engine in chosen:
        results[engine] = {"engine": engine.name, "rate_hz": rate_hz, "seconds": [], "startup_s": []}
        reason = engines.missing(engine, args.cache)
        if reason:
            results[engine]["skipped"] = reason
            print(f"{engine.name}: skipped: {reason}", flush=True)
    expected = Expected(args, rate_hz)
    for turn in range(max(engine.runs for engine in chosen)):
        for engine, result in results.items():
            if "skipped" in result or "failed" in result or turn >= (args.runs or engine.runs):
                continue
            try:
                run_once(args, engine, rate_hz, result, expected)
            except (Failure, answers.Mismatch) as reason:
                result["failed"] = str(reason)
                print(f"{engine.name}: failed: {reason}", flush=True)
    for result in results.values():
        if result["seconds"]:
            result["median_s"] = statistics.median(result["seconds"])
            result["readings_per_s"] = round(result["readings"] / result["median_s"])
    return list(results.values())


class Expected:
    """DuckDB's answers, made once for the whole input and once for the prefix."""

    def __init__(self, args, rate_hz):
        self.args, self.rate_hz, self.made = args, rate_hz, {}

    def of(self, prefix):
        if prefix not in self.made:
            args = self.args
            source = ensure(args.cache / "data", args.rows, self.rate_hz, prefix=prefix)
            with tempfile.TemporaryDirectory(dir=args.cache) as folder:
                output = Path(folder) / "answers"
                execute(engines.DUCKDB.command(args.cache, args.window, source, output))
                self.made[prefix] = answers.load(output)
        return self.made[prefix]


def run_once(args, engine, rate_hz, result, expected):
    prefix = args.prefix if engine.prefix else None
    result["readings"] = args.prefix if engine.prefix else args.rows
    source = ensure(args.cache / "data", args.rows, rate_hz, form=engine.form, prefix=prefix)
    warm(source)
    with tempfile.TemporaryDirectory(dir=args.cache) as folder:
        output = Path(folder) / "answers"
        start = time.perf_counter()
        line = execute(engine.command(args.cache, args.window, source, output))
        wall = time.perf_counter() - start
        if engine.answers:
            found = answers.load(output)
            result["windows"] = len(found["n"])
            result["worst_difference"] = answers.compare(found, expected.of(prefix))
    result["version"] = line["version"]
    result["seconds"].append(line["seconds"])
    result["startup_s"].append(wall - line["seconds"])
    if "stages_s" in line:
        result["stages_s"] = line["stages_s"]
    print(f"{engine.name}, {rate_hz} Hz: {line['seconds']:.3f} s", flush=True)


def execute(command):
    """Runs an engine and returns what it reports in its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Failure(f"no result after {LIMIT_S} s") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise Failure("\n".join(done.stderr.strip().splitlines()[-LATEST_LINES:]))
    return json.loads(lines[-1])


def warm(source):
    """Reads the input once, so that it comes from memory for all."""
    for path in [source] if source.is_file() else source.iterdir():
        with open(path, "rb") as file:
            shutil.copyfileobj(file, _Nowhere())


class _Nowhere:
    def write(self, data):
        return len(data)


main()
