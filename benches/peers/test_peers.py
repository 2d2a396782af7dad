"""The comparison can fail, and the input is what it says."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

import answers
import plot
import readings
import report

ANSWERS = {
    "sensor": [1, 1, 0],
    "start": [20_000, 10_000, 10_000],
    "n": [2, 1, 100],
    "mean": [1.5, 2.0, -3.25],
    "std": [0.5, None, 2.0],
    "min": [1.0, 2.0, -9.0],
    "max": [2.0, 2.0, 4.0],
}


def loaded(write, **changed):
    with tempfile.TemporaryDirectory() as folder:
        write(pa.table(ANSWERS | changed), Path(folder) / "part-0")
        return answers.load(Path(folder))


class Answers(unittest.TestCase):
    def test_parquet_and_csv_with_and_without_names_read_the_same(self):
        expected = loaded(pq.write_table)
        self.assertEqual(expected["sensor"].tolist(), [0, 1, 1])
        bare = pa.csv.WriteOptions(include_header=False)
        for write in (pa.csv.write_csv, lambda table, path: pa.csv.write_csv(table, path, bare)):
            answers.compare(loaded(write), expected)

    def test_windows_named_by_a_timestamp_read_the_same(self):
        starts = pa.array(ANSWERS["start"], pa.timestamp("ms"))
        answers.compare(loaded(pq.write_table, start=starts), loaded(pq.write_table))

    def test_every_difference_is_found(self):
        expected = loaded(pq.write_table)
        for name, values in {
            "n": [2, 1, 101],
            "min": [1.0, 2.0, -9.000001],
            "start": [30_000, 10_000, 10_000],
            "mean": [1.5, 2.0, -3.25 * (1 + 3e-9)],
            "std": [0.5, 0.0, 2.0],
        }.items():
            with self.assertRaises(answers.Mismatch, msg=name):
                answers.compare(loaded(pq.write_table, **{name: values}), expected)
        with self.assertRaises(answers.Mismatch):
            answers.compare({name: array[:2] for name, array in expected.items()}, expected)

    def test_rounding_is_no_difference(self):
        worst = answers.compare(loaded(pq.write_table, mean=[1.5, 2.0, -3.25 * (1 + 1e-12)]), loaded(pq.write_table))
        self.assertGreater(worst, 0)


class Readings(unittest.TestCase):
    def test_some_are_late_within_the_bound_and_none_is_repeated(self):
        for rate_hz in (10, 1):
            table = readings.generate(400_000, rate_hz)
            at, sensor = table.column("at").to_numpy(), table.column("sensor").to_numpy()
            self.assertEqual(len(np.unique(at * readings.SENSORS + sensor)), len(at))
            lateness = np.maximum.accumulate(at) - at
            late = (lateness > 1000).mean()
            self.assertTrue(0.015 < late < 0.02, late)
            self.assertTrue(29_000 < lateness.max() < readings.LATE_MS, lateness.max())

    def test_a_seed_makes_the_same_readings(self):
        self.assertTrue(readings.generate(9_000, 1).equals(readings.generate(9_000, 1)))


class Report(unittest.TestCase):
    def test_ratios_compare_the_same_rate_and_skipped_engines_say_why(self):
        results = [
            result("Lehr", 10, 50),
            result("Other", 10, 5),
            result("Lehr", 1, 8),
            result("Other", 1, 16),
            {"engine": "Gone", "rate_hz": 10, "seconds": [], "startup_s": [], "skipped": "no wheel"},
        ]
        results = report.with_ratios(results)
        self.assertEqual([r.get("lehr_is_times") for r in results], [1, 10, 1, 0.5, None])
        self.assertIn("skipped: no wheel", report.table({"results": results}))
        self.assertEqual(plot.bars(results).count("<rect"), 4)


def result(engine, rate_hz, readings_per_s):
    numbers = {"readings": 100, "median_s": 2.0, "seconds": [2.0], "startup_s": [1.0], "windows": 3}
    return {"engine": engine, "version": "1", "rate_hz": rate_hz, "readings_per_s": readings_per_s, **numbers}


if __name__ == "__main__":
    unittest.main()
