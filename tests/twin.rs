//! The twin in the dataflow, from a recording to what an operator sees: equipment that fails is found, named and
//! alerted on the line where it fails, and nowhere else.

mod support;

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use support::{lehr, succeed};

/// The twin judges nothing before it has learned for six hours.
const FAULT: &str = "furnace_overheat:Line_B@10h";

#[test]
fn a_burner_that_fails_is_found_as_equipment_on_its_line_and_alerted() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (recording, out) = (dir.path().join("rec"), dir.path().join("out"));
    let generate = ["generate", "--seed", "11", "--duration", "12h", "--fault", FAULT, "--out"];
    succeed(lehr().args(generate).arg(&recording));
    succeed(lehr().arg("replay").arg(&recording).arg("--out").arg(&out));

    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let context = SessionContext::new();
        for table in ["twin", "twin_scores", "twin_findings", "alerts", "rules", "clocks"] {
            let path = out.join(format!("{table}.parquet"));
            let options = ParquetReadOptions::default();
            context.register_parquet(table, path.to_str().expect("UTF-8"), options).await.expect("a good file");
        }
        let shown = async |query: &str| {
            let rows = context.sql(query).await.expect("good SQL").collect().await.expect("an answer");
            pretty_format_batches(&rows).expect("printable").to_string()
        };
        let one = async |query: &str| {
            let rows = context.sql(query).await.expect("good SQL").collect().await.expect("an answer");
            let cell = datafusion::arrow::util::display::array_value_to_string(rows[0].column(0), 0);
            cell.expect("printable")
        };
        let all = shown("select * from twin_findings order by start").await;
        let blamed = "select string_agg(distinct production_line || ' ' || equipment, ', ') from twin_findings
            where kind = 'equipment'";
        assert_eq!(one(blamed).await, "Line_B furnace_burner", "{all}");

        let delay = "select (cast(min(f.start) as bigint) - (select cast(min(at) as bigint) from clocks
            where production_line = 'Line_B')) / 60000 + 120 from twin_findings f where kind = 'equipment'";
        let minutes: i64 = one(delay).await.parse().expect("a number");
        assert!((0..=30).contains(&minutes), "found {minutes} min after it failed\n{all}");

        let alerts = "select count(*) from alerts a join rules r using (rule_id)
            where r.name = 'equipment departs' and a.production_line = 'Line_B'";
        assert_eq!(one(alerts).await, "1", "{}", shown("select * from alerts where sensor_id is not null").await);

        // Twenty-two quantities on each of three lines, all followed up to the same closed minute.
        assert_eq!(one("select count(*) || ' ' || count(distinct at) from twin").await, "66 1");
        assert_eq!(one("select count(*) from twin_scores where horizon_s = 60 and n > 500").await, "66");
        assert_eq!(one("select count(*) from twin_scores where horizon_s = 3600 and n > 0").await, "66");
    });
}
