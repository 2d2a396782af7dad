"""The window job in Pathway: CSV files, two threads; `--mode windowby` or `groupby`.

`windowby` is Pathway's way to say it. Grouping by the start of the window gives the same without a Python call per row,
so it is measured too.
"""

import os
import time

import job

os.environ["PATHWAY_THREADS"] = str(job.PARALLELISM)

import pathway as pw  # noqa: E402  (reads the number of threads when it is imported)


class Reading(pw.Schema):
    sensor: int
    at: int
    value: float


def by_window(readings):
    """Readings with their squares, grouped by sensor and window with Pathway's windows."""
    rows = readings.select(*pw.this, square=pw.this.value * pw.this.value)
    window = pw.temporal.tumbling(duration=job.WIDTH_MS)
    groups = rows.windowby(pw.this.at, window=window, instance=pw.this.sensor)
    return sums(groups, pw.this._pw_instance, pw.this._pw_window_start)


def by_start(readings):
    """The same with the start of the window as a plain column."""
    start = pw.this.at // job.WIDTH_MS * job.WIDTH_MS
    rows = readings.select(*pw.this, start=start, square=pw.this.value * pw.this.value)
    return sums(rows.groupby(pw.this.sensor, pw.this.start), pw.this.sensor, pw.this.start)


def sums(groups, sensor, start):
    return groups.reduce(
        sensor=sensor,
        start=start,
        n=pw.reducers.count(),
        sum=pw.reducers.sum(pw.this.value),
        squares=pw.reducers.sum(pw.this.square),
        min=pw.reducers.min(pw.this.value),
        max=pw.reducers.max(pw.this.value),
    )


def answers(sums):
    spread = pw.this.squares - pw.this.sum * pw.this.sum / pw.this.n
    return sums.select(
        pw.this.sensor,
        pw.this.start,
        pw.this.n,
        mean=pw.this.sum / pw.this.n,
        std=pw.if_else(pw.this.n > 1, (spread / (pw.this.n - 1)) ** 0.5, float("nan")),
        min=pw.this.min,
        max=pw.this.max,
    )


def main():
    args = job.arguments(__doc__)
    args.output.mkdir(parents=True)
    readings = pw.io.csv.read(str(args.input), schema=Reading, mode="static")
    group = by_start if args.mode == "groupby" else by_window
    pw.io.csv.write(answers(group(readings)), str(args.output / "part-0.csv"))
    start = time.perf_counter()
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    job.report("Pathway", pw.__version__, time.perf_counter() - start)


main()
