"""The window job in Bytewax: tumbling windows of event time folded per sensor, two processes of one worker each.

Two worker threads of one process would share Python's lock. Each process reads the Parquet file of half the sensors,
in batches, and the window's clock waits for late readings.
"""

import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import bytewax.operators as op
import bytewax.operators.windowing as win
import pyarrow as pa
import pyarrow.parquet as pq
from bytewax.connectors.files import DirSink
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.testing import cluster_main

import job

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
WIDTH = timedelta(milliseconds=job.WIDTH_MS)
# The clock also moves with the wall clock while it waits for the next batch, so there must be room above the lateness.
WAIT = timedelta(milliseconds=2 * job.LATE_MS)
BATCH_ROWS = 8_192


class Partition(StatefulSourcePartition):
    def __init__(self, path):
        self.batches = pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS)

    def next_batch(self):
        batch = next(self.batches)
        sensors = batch.column("sensor").cast(pa.string()).to_pylist()
        times = batch.column("at").cast(pa.timestamp("ms", tz="UTC")).to_pylist()
        return list(zip(sensors, zip(times, batch.column("value").to_pylist())))

    def snapshot(self):
        return None


class Readings(FixedPartitionedSource):
    def __init__(self, folder):
        self.folder = folder

    def list_parts(self):
        return sorted(path.name for path in self.folder.glob("*.parquet"))

    def build_part(self, step_id, for_part, resume_state):
        return Partition(self.folder / for_part)


def fold(sums, reading):
    """Count, mean, sum of squared differences (Welford), minimum, maximum."""
    value = reading[1]
    sums[0] += 1
    difference = value - sums[1]
    sums[1] += difference / sums[0]
    sums[2] += difference * (value - sums[1])
    if value < sums[3]:
        sums[3] = value
    if value > sums[4]:
        sums[4] = value
    return sums


def merge(sums, _other):
    raise NotImplementedError("tumbling windows do not merge")


def line(answer):
    sensor, (window, (n, mean, squares, least, greatest)) = answer
    std = (squares / (n - 1)) ** 0.5 if n > 1 else float("nan")
    return sensor, f"{sensor},{window * job.WIDTH_MS},{n},{mean!r},{std!r},{least!r},{greatest!r}"


def flow(source, output):
    flow = Dataflow("windows")
    readings = op.input("readings", flow, Readings(source))
    clock = win.EventClock(ts_getter=lambda reading: reading[0], wait_for_system_duration=WAIT)
    windower = win.TumblingWindower(length=WIDTH, align_to=EPOCH)
    empty = lambda: [0, 0.0, 0.0, float("inf"), float("-inf")]  # noqa: E731
    # Of a reading the order inside its window does not matter, so that none need be held back for it.
    folded = win.fold_window("fold", readings, clock, windower, empty, fold, merge, ordered=False)
    op.output("answers", op.map("line", folded.down, line), DirSink(output, job.PARALLELISM, assign_file=int))
    return flow


def free_addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in sockets]
    for listener in sockets:
        listener.close()
    return addresses


def main():
    if sys.argv[1] == "--process":
        index, addresses = int(sys.argv[2]), sys.argv[3].split(",")
        sys.argv[1:4] = []
        args = job.arguments(__doc__)
        start = time.time()
        cluster_main(flow(args.input, args.output), addresses, index)
        print(start, time.time(), flush=True)
        return
    args = job.arguments(__doc__)
    args.output.mkdir(parents=True)
    addresses = ",".join(free_addresses(job.PARALLELISM))
    command = [sys.executable, __file__, "--process"]
    processes = [
        subprocess.Popen([*command, str(index), addresses, *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
        for index in range(job.PARALLELISM)
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("a Bytewax process failed")
    starts, ends = zip(*(map(float, output.split()[-2:]) for output in outputs))
    # The job starts when the last process is ready.
    job.report("Bytewax", version("bytewax"), max(ends) - max(starts))


main()
