"""The input of the window job: readings of 300 sensors in the order in which a plant delivers them.

Columns: `sensor` (int32), `at` (int64, milliseconds of event time), `value` (double, a multiple of 10^-6, so that
fixed-point and floating-point engines read the same number). No column has nulls and no reading is repeated, because
the engines do not agree on what a repetition means. 2 % of the readings arrive up to 30 s late.
"""

import csv
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SENSORS = 300
LATE_SHARE = 0.02
LATE_MS = 30_000
START_MS = 1_750_000_000_000
SEED = 7
# DuckDB's own default, and what its documentation calls the best size for parallel scans.
ROW_GROUP = 122_880
SCHEMA = pa.schema(
    [
        pa.field("sensor", pa.int32(), nullable=False),
        pa.field("at", pa.int64(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)


def generate(rows, rate_hz):
    """`rows` readings in order of arrival; each sensor delivers `rate_hz` readings a second."""
    rng = np.random.default_rng([SEED, rows, rate_hz])
    period_ms = 1000 // rate_hz
    beats = -(-rows // SENSORS)
    sensor = np.tile(np.arange(SENSORS, dtype=np.int32), beats)[:rows]
    beat = np.repeat(np.arange(beats, dtype=np.int64), SENSORS)[:rows]
    # Phase and jitter together stay below a period, so that no two readings of a sensor share a time.
    phase = rng.integers(0, period_ms * 9 // 10, SENSORS)
    jitter = rng.integers(0, period_ms // 10, rows)
    at = START_MS + beat * period_ms + phase[sensor] + jitter
    level, spread = rng.uniform(20, 600, SENSORS), rng.uniform(2, 8, SENSORS)
    value = np.round(level[sensor] + spread[sensor] * rng.standard_normal(rows), 6)
    late = rng.random(rows) < LATE_SHARE
    # Less than the bound itself: whether a reading exactly at the watermark is late is a matter of taste.
    arrival = at + np.where(late, rng.integers(1, LATE_MS, rows), 0)
    order = np.argsort(arrival, kind="stable")
    columns = {"sensor": sensor[order], "at": at[order], "value": value[order]}
    return pa.table(columns, schema=SCHEMA)


def write_parquet(table, path):
    # Dictionaries pay for sensors alone; the other columns hardly repeat a value.
    pq.write_table(table, path, row_group_size=ROW_GROUP, compression="snappy", use_dictionary=["sensor"])


def write_parts(table, folder, write, parts=2):
    """One file a reader, by sensor, each in order of arrival: as the partitions of a topic would be."""
    fresh = folder.with_name(folder.name + ".part")
    fresh.mkdir(parents=True, exist_ok=True)
    owner = table.column("sensor").to_numpy() % parts
    for part in range(parts):
        write(table.filter(pa.array(owner == part)), fresh / f"part-{part}")
    os.replace(fresh, folder)


def write_csv(table, path, header=False):
    with open(path.with_suffix(".csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(table.column_names)
        writer.writerows(zip(*(column.to_pylist() for column in table.columns)))


FORMS = {
    # A folder of CSV files, with and without a line of names, and one of Parquet files.
    "csv": lambda table, path: write_csv(table, path),
    "named-csv": lambda table, path: write_csv(table, path, header=True),
    "parquet-parts": lambda table, path: write_parquet(table, path.with_suffix(".parquet")),
}


def ensure(cache, rows, rate_hz, form="parquet", prefix=None):
    """The path of an input in a form that an engine reads, made once; with `prefix`, of its first rows alone."""
    name = f"readings-{SEED}-{rows}-{rate_hz}hz" + (f"-first-{prefix}" if prefix else "")
    parquet = Path(cache) / f"{name}.parquet"
    if not parquet.exists():
        parquet.parent.mkdir(parents=True, exist_ok=True)
        fresh = parquet.with_suffix(".part")
        write_parquet(generate(rows, rate_hz).slice(0, prefix), fresh)
        os.replace(fresh, parquet)
    if form == "parquet":
        return parquet
    folder = Path(cache) / f"{name}-{form}"
    if not folder.exists():
        write_parts(pq.read_table(parquet), folder, FORMS[form])
    return folder
