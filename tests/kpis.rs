//! Key figures against a computation from scratch, in SQL, over what was recorded.

mod support;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use support::{lehr, succeed};

/// Units and machine time of every period that has a row, counted anew. The open state of a line lasts until
/// the line's clock.
const FROM_SCRATCH: &str = r#"
with counted as (
    select k.scope, k.start, k.production_line, k.product,
           count(*) as inspected,
           sum(case when u.verdict = 'good' then 1 else 0 end) as good,
           sum(case when u.verdict = 'scrap' then 1 else 0 end) as scrap,
           sum(case when u.verdict = 'rework' then 1 else 0 end) as rework,
           sum(case when u.defects > 0 then 1 else 0 end) as defective,
           sum(u.defects) as defects,
           sum(p.planned_run_time_s) as planned_run_s,
           sum(case when u.verdict = 'good' then p.planned_run_time_s else 0 end) as planned_good_s
    from kpis k
    join units u on u.at >= k.start and u.at < k."end"
        and (k.production_line = 'all' or k.production_line = u.production_line)
        and (k.product = 'all' or k.product = u.product)
    join products p on p.product = u.product
    group by k.scope, k.start, k.production_line, k.product
),
pieces as (
    select k.scope, k.start, k.production_line, k.product, s.state,
           (cast(least(coalesce(s."end", c.at), k."end") as bigint) - cast(greatest(s.start, k.start) as bigint)) / 1000.0 as seconds
    from kpis k
    join machine_states s on (k.production_line = 'all' or k.production_line = s.production_line)
        and (k.product = 'all' or k.product = s.product)
    join clocks c on c.production_line = s.production_line
    where least(coalesce(s."end", c.at), k."end") > greatest(s.start, k.start)
),
timed as (
    select scope, start, production_line, product,
           sum(case when state = 'production' then seconds else 0 end) as production_s,
           sum(case when state = 'setup' then seconds else 0 end) as setup_s,
           sum(case when state = 'down' then seconds else 0 end) as down_s,
           sum(case when state = 'planned' then seconds else 0 end) as planned_stop_s
    from pieces group by scope, start, production_line, product
)
select k.scope, k.start, k.production_line, k.product
from kpis k
left join counted u using (scope, start, production_line, product)
left join timed t using (scope, start, production_line, product)
where k.inspected <> coalesce(u.inspected, 0)
   or k.good <> coalesce(u.good, 0)
   or k.scrap <> coalesce(u.scrap, 0)
   or k.rework <> coalesce(u.rework, 0)
   or k.defective <> coalesce(u.defective, 0)
   or k.defects <> coalesce(u.defects, 0)
   or abs(k.planned_run_s - coalesce(u.planned_run_s, 0)) > 1e-6
   or abs(k.planned_good_s - coalesce(u.planned_good_s, 0)) > 1e-6
   or abs(k.production_s - coalesce(t.production_s, 0)) > 1e-6
   or abs(k.setup_s - coalesce(t.setup_s, 0)) > 1e-6
   or abs(k.down_s - coalesce(t.down_s, 0)) > 1e-6
   or abs(k.planned_stop_s - coalesce(t.planned_stop_s, 0)) > 1e-6
"#;

/// One row: how far OEE is from planned run time × good units over planned busy time at worst, and from the
/// product of its factors for single products, over how many rows.
const OEE: &str = r#"
select max(abs(k.oee - p.planned_run_time_s * k.good / (k.production_s + k.setup_s + k.down_s))) as direct,
       max(abs(k.oee - k.availability * k.performance * k.quality_ratio)) as factors,
       count(*) as rows
from kpis k join products p on p.product = k.product
where k.production_s > 0 and k.inspected > 0
"#;

#[test]
fn key_figures_equal_a_computation_from_scratch() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (recording, out) = (dir.path().join("rec"), dir.path().join("out"));
    succeed(lehr().args(["generate", "--seed", "7", "--duration", "12h", "--out"]).arg(&recording));
    succeed(lehr().arg("replay").arg(&recording).arg("--out").arg(&out));

    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let context = SessionContext::new();
        for table in ["kpis", "units", "products", "machine_states", "clocks"] {
            let path = out.join(format!("{table}.parquet"));
            let options = ParquetReadOptions::default();
            context.register_parquet(table, path.to_str().expect("UTF-8"), options).await.expect("a good file");
        }
        let count = async |query: &str| {
            let batches = context.sql(query).await.expect("good SQL").collect().await.expect("an answer");
            batches[0].column(0).as_primitive::<Int64Type>().value(0)
        };
        assert!(count("select count(*) from kpis where inspected > 0 and production_s > 0").await > 100);
        let counted = "select (select count(*) from units) - (select sum(inspected) from kpis
            where scope = 'hour' and production_line <> 'all' and product <> 'all')";
        assert_eq!(count(counted).await, 0, "every unit is in one hour of one line and product");

        let wrong = context.sql(FROM_SCRATCH).await.expect("good SQL").collect().await.expect("an answer");
        let rows: usize = wrong.iter().map(|batch| batch.num_rows()).sum();
        let shown = datafusion::arrow::util::pretty::pretty_format_batches(&wrong).expect("printable");
        assert_eq!(rows, 0, "rows that differ:\n{shown}");

        let oee = context.sql(OEE).await.expect("good SQL").collect().await.expect("an answer");
        let (direct, factors) = (oee[0].column(0), oee[0].column(1));
        assert!(oee[0].column(2).as_primitive::<Int64Type>().value(0) > 50);
        assert!(direct.as_primitive::<Float64Type>().value(0) < 1e-12);
        assert!(factors.as_primitive::<Float64Type>().value(0) < 1e-12);
    });
}
