"""Writes the streams beside it, as pyarrow 26.0.1 and polars 2.1.0 write the same six rows."""
import datetime as d
import io
import pathlib

import polars as pl
import pyarrow as pa

out = pathlib.Path(__file__).parent
utc = d.timezone.utc
t = lambda s, ms=0: d.datetime(2026, 1, 31, 6, 0, s, ms * 1000, utc)
names = ["s1", "a sensor with a long name", None, "s3", "s4", "s5"]
times = [t(0, 250), t(1), t(1), None, t(2), t(3)]
values = [1520.5, -4.0, 1.0, 7.0, None, float("nan")]
quality = ["good", "bad", "good", None, "bad", "good"]

def write(name, batches, options=None):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    (out / name).write_bytes(sink.getvalue())

n = len(names)
# Columns that are not wanted, of every layout, before those that are.
before = {
    "list": pa.array([[1, 2]] * n),
    "struct": pa.array([{"a": 1, "b": "x"}] * n),
    "map": pa.array([[("k", 1)]] * n, pa.map_(pa.string(), pa.int64())),
    "fixed": pa.array([b"abcd"] * n, pa.binary(4)),
    "pair": pa.array([[1, 2]] * n, pa.list_(pa.int8(), 2)),
    "none": pa.nulls(n),
    "dense": pa.UnionArray.from_dense(pa.array([0] * n, pa.int8()), pa.array(range(n), pa.int32()), [pa.array(range(n)), pa.array(["x"])]),
    "sparse": pa.UnionArray.from_sparse(pa.array([0] * n, pa.int8()), [pa.array(range(n)), pa.array(["x"] * n)]),
    "runs": pa.RunEndEncodedArray.from_arrays([2, n], pa.array(["a", "b"])),
    "view": pa.array(["a long text that is no sensor at all", "short"] * (n // 2), pa.string_view()),
    "lists": pa.array([[1, 2]] * n, pa.list_view(pa.int16())),
    "coded": pa.array(["x", "y"] * (n // 2)).dictionary_encode(),
    "decimal": pa.array([1] * n, pa.decimal128(9, 2)),
}
def table(sensor, time, value, q, more={}):
    return pa.record_batch({**more, "revision": pa.array(range(n), pa.uint64()), "sensor_id": sensor, "timestamp": time, "value": value, "quality": q})
whole = table(pa.array(names).dictionary_encode(), pa.array(times, pa.timestamp("us", "UTC")), pa.array(values), pa.array(quality).dictionary_encode(), before)
write("pyarrow.arrows", [whole.slice(0, 2), whole.slice(2)], pa.ipc.IpcWriteOptions(unify_dictionaries=False))
# Without unions, whose nulls the fourth version keeps in another way.
old = {name: column for name, column in before.items() if name not in ("dense", "sparse", "runs", "view", "lists")}
write("pyarrow_legacy.arrows", [table(pa.array(names, pa.large_string()), pa.array(times, pa.timestamp("ms")), pa.array(values), pa.array(quality), old)],
      pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4, use_legacy_format=True))
plain = table(pa.array(names), pa.array(times, pa.timestamp("ns", "Europe/Berlin")), pa.array(values), pa.array(quality))
write("pyarrow_zstd.arrows", [plain], pa.ipc.IpcWriteOptions(compression="zstd"))
sink = io.BytesIO()
with pa.ipc.new_file(sink, plain.schema) as writer:
    writer.write_batch(plain)
(out / "pyarrow_file.arrow").write_bytes(sink.getvalue())
frame = pl.DataFrame({"sensor_id": names, "timestamp": pl.Series(times, dtype=pl.Datetime("ns", "UTC")), "value": values, "quality": pl.Series(quality, dtype=pl.Categorical)})
frame.write_ipc_stream(out / "polars.arrows")
