"""What every engine's script shares: its arguments, the job's constants and the line that it reports."""

import argparse
import contextlib
import json
import time
from pathlib import Path

WIDTH_MS = 10_000
# The greatest lateness in the input: what the streaming engines must wait for.
LATE_MS = 30_000
PARALLELISM = 2


def arguments(about):
    """`--input` is what the engine reads, `--output` a folder that is not there yet."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--mode", help="a variant of the job, where the engine has more than one")
    return parser.parse_args()


def report(engine, version, seconds):
    """The last line of standard output; `seconds` from the start of the job to its last result on disk."""
    print(json.dumps({"engine": engine, "version": version, "seconds": seconds}), flush=True)


@contextlib.contextmanager
def timed(engine, version):
    start = time.perf_counter()
    yield
    report(engine, version, time.perf_counter() - start)
