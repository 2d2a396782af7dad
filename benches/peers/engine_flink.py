"""The window job in Apache Flink's SQL, on a local cluster with two slots; `--mode streaming` or `batch`.

The Python wheel brings no Parquet format, so Flink reads CSV, one file a slot; `--mode input` reads it into nothing,
which shows how much of the time that is.
"""

import os

import job

SOURCE = """
create table readings (
    sensor int, `at` bigint, `value` double,
    event_time as to_timestamp_ltz(`at`, 3),
    watermark for event_time as event_time - interval '{late}' second
) with ('connector' = 'filesystem', 'path' = '{input}', 'format' = 'csv')
"""
SINK = """
create table answers (
    sensor int, `start` timestamp(3), n bigint, mean double, std double, `min` double, `max` double
) with ('connector' = 'filesystem', 'path' = '{output}', 'format' = 'csv')
"""
JOB = """
insert into answers
select sensor, window_start, count(*), avg(`value`), stddev_samp(`value`), min(`value`), max(`value`)
from table(tumble(table readings, descriptor(event_time), interval '{seconds}' second))
group by sensor, window_start, window_end
"""
NOTHING = "create table nothing (sensor int, `at` bigint, `value` double) with ('connector' = 'blackhole')"
INPUT = "insert into nothing select sensor, `at`, `value` from readings"

OPTIONS = {
    "parallelism.default": str(job.PARALLELISM),
    "taskmanager.numberOfTaskSlots": str(job.PARALLELISM),
    # Documented for speed: no copies between chained operators, larger bundles before state is touched.
    "pipeline.object-reuse": "true",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "1 s",
    "table.exec.mini-batch.size": "50000",
    "table.optimizer.agg-phase-strategy": "TWO_PHASE",
    "taskmanager.memory.managed.size": "1gb",
    "taskmanager.memory.network.max": "256mb",
    "table.local-time-zone": "UTC",
}


def main():
    args = job.arguments(__doc__)
    os.environ.setdefault("_JAVA_OPTIONS", "-Xmx4g")
    from pyflink.table import EnvironmentSettings, TableEnvironment
    from pyflink.version import __version__

    settings = EnvironmentSettings.new_instance()
    settings = settings.in_batch_mode() if args.mode == "batch" else settings.in_streaming_mode()
    tables = TableEnvironment.create(settings.build())
    for key, value in OPTIONS.items():
        tables.get_config().set(key, value)
    names = {"input": args.input, "output": args.output}
    names |= {"late": job.LATE_MS // 1000, "seconds": job.WIDTH_MS // 1000}
    for statement in (SOURCE, SINK, NOTHING):
        tables.execute_sql(statement.format(**names))
    result = tables.execute_sql((INPUT if args.mode == "input" else JOB).format(**names))
    result.wait()
    # What the cluster says of the job, so that its own start is not in the time.
    outcome = result.get_job_client().get_job_execution_result().result()
    job.report("Flink", __version__, outcome.get_net_runtime() / 1000)


main()
