"""Reads what an engine wrote and compares it with what another one did."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

COLUMNS = ["sensor", "start", "n", "mean", "std", "min", "max"]
EXACT = ["sensor", "start", "n", "min", "max"]
CLOSE = ["mean", "std"]
# Engines add floats in different orders, and some take the difference of two large sums of squares.
RELATIVE = 1e-9


class Mismatch(Exception):
    """Two engines do not agree."""


def load(folder):
    """The answers in a folder of Parquet or CSV files, as arrays, ascending by sensor and start."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    table = pa.concat_tables([_read(path) for path in files if path.stat().st_size > 0])
    columns = {name: table.column(name) for name in COLUMNS}
    if pa.types.is_timestamp(columns["start"].type):
        columns["start"] = columns["start"].cast(pa.timestamp("ms")).cast(pa.int64())
    # An undefined deviation is a null or NaN, as the engine likes.
    arrays = {name: column.cast(_TYPES[name]).to_numpy() for name, column in columns.items()}
    order = np.lexsort((arrays["start"], arrays["sensor"]))
    return {name: array[order] for name, array in arrays.items()}


_TYPES = dict.fromkeys(COLUMNS, pa.float64()) | dict.fromkeys(["sensor", "start", "n"], pa.int64())


def _read(path):
    with open(path, "rb") as file:
        head = file.read(7)
    if head.startswith(b"PAR1"):
        return pq.read_table(path).select(COLUMNS)
    named = head.startswith((b'"sensor', b"sensor"))
    options = pa.csv.ReadOptions(column_names=None if named else COLUMNS)
    return pa.csv.read_csv(path, read_options=options).select(COLUMNS)


def compare(answers, expected):
    """Raises `Mismatch` unless both say the same; returns the greatest relative difference of the rest."""
    if len(answers["n"]) != len(expected["n"]):
        raise Mismatch(f"{len(answers['n'])} windows instead of {len(expected['n'])}")
    for name in EXACT:
        if not np.array_equal(answers[name], expected[name]):
            row = np.flatnonzero(answers[name] != expected[name])[0]
            raise Mismatch(f"{name} of {_window(expected, row)}: {answers[name][row]} is not {expected[name][row]}")
    worst = 0.0
    for name in CLOSE:
        ours, theirs = answers[name], expected[name]
        if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
            raise Mismatch(f"{name} is not defined for the same windows")
        difference = np.nan_to_num(np.abs(ours - theirs) / np.maximum(np.abs(theirs), np.finfo(float).tiny))
        row = int(np.argmax(difference))
        worst = max(worst, float(difference[row]))
        if worst > RELATIVE:
            raise Mismatch(f"{name} of {_window(expected, row)}: {ours[row]} is not {theirs[row]}")
    return worst


def _window(answers, row):
    return f"sensor {answers['sensor'][row]} at {answers['start'][row]}"
