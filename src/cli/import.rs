use super::{Failure, data};
use crate::sources::file::{self, ImportOptions, Layout, Mapping};
use clap::Args;
use std::path::PathBuf;

/// Turn a CSV or Parquet file of measurements into a recording, to be replayed or queried.
///
/// Long files have a column each for time, sensor and value; wide ones (--wide) have a time column and one
/// column a sensor. Sensors that the plant does not know are registered. A row that cannot be read becomes a
/// row in the table `errors`; the rest is taken.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file: .csv (with a header) or .parquet.
    file: PathBuf,
    /// Folder for the recording; must be new or empty.
    #[arg(long)]
    out: PathBuf,
    /// Which column is what: time=COLUMN,value=COLUMN,sensor=COLUMN,status=COLUMN.
    #[arg(long, default_value = "time=timestamp,value=value,sensor=sensor_id", value_parser = Mapping::parse)]
    map: Mapping,
    /// Every column but the time is a sensor of that name.
    #[arg(long)]
    wide: bool,
    /// The sensor's name, for files with one sensor and no sensor column.
    #[arg(long, conflicts_with = "wide")]
    sensor: Option<String>,
    /// Line for sensors that the plant does not know.
    #[arg(long, default_value = "imported")]
    line: String,
    /// Unit for sensors that the plant does not know.
    #[arg(long, default_value = "1")]
    unit: String,
    /// Time zone of times without one (IANA name).
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// A plant catalogue instead of the shipped one.
    #[arg(long)]
    plant: Option<PathBuf>,
}

pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let options = ImportOptions {
        file: args.file.clone(),
        out: args.out.clone(),
        layout: Layout {
            map: args.map.clone(),
            wide: args.wide,
            sensor: args.sensor.clone(),
            time_zone: args.time_zone.clone(),
        },
        line: args.line.clone(),
        unit: args.unit.clone(),
        catalogue: data::catalogue(args.plant.as_deref(), None)?,
        knowledge: data::knowledge(None)?,
    };
    let done = file::import(&options)?;
    println!("{}", serde_json::to_string(&done)?);
    Ok(())
}
