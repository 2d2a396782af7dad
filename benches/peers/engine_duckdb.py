"""The window job in DuckDB: one GROUP BY over the Parquet file, two threads."""

import duckdb

import job

JOB = """
copy (
    select sensor, "at" // {width} * {width} as start, count(*) as n, avg(value) as mean, stddev_samp(value) as std,
           min(value) as min, max(value) as max
    from read_parquet('{input}')
    group by sensor, start
) to '{output}' (format parquet)
"""


def main():
    args = job.arguments(__doc__)
    args.output.mkdir(parents=True)
    connection = duckdb.connect(config={"threads": job.PARALLELISM})
    # A result in the order of its input would cost memory and nobody asked for it.
    connection.execute("set preserve_insertion_order = false")
    query = JOB.format(width=job.WIDTH_MS, input=args.input, output=args.output / "part-0.parquet")
    with job.timed("DuckDB", duckdb.__version__):
        connection.execute(query)


main()
