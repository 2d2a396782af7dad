//! Functions that Lehr adds to SQL, and those that it takes away.

use crate::arrow::time_type;
use arrow::array::{Array, Float64Array, TimestampMillisecondArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::{as_float64_array, as_int64_array, as_timestamp_millisecond_array};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use lehr_domain::{EventMs, SpanMs};
use std::sync::Arc;

/// Functions whose result is as long as an argument says, out of reach of the memory limit: one call could
/// take all memory of the process.
const UNBOUNDED: [&str; 12] = [
    "repeat",
    "lpad",
    "rpad",
    "range",
    "generate_series",
    "gen_series",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "space",
    "array_pad",
];

/// The scalar functions of a query: DataFusion's without the unbounded ones, and Lehr's.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let mut functions = datafusion::functions::all_default_functions();
    functions.extend(datafusion::functions_nested::all_default_nested_functions());
    functions.retain(|function| !UNBOUNDED.contains(&function.name()));
    functions.push(Arc::new(ScalarUDF::from(PaneStart::new())));
    functions.push(Arc::new(ScalarUDF::from(RatioOf::new())));
    functions
}

/// `pane_start(at, seconds)`: the start of the pane of that width, aligned at the epoch, that holds `at`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PaneStart {
    signature: Signature,
}

impl PaneStart {
    fn new() -> PaneStart {
        PaneStart { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for PaneStart {
    fn name(&self) -> &str {
        "pane_start"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(time_type())
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        match args {
            [_, _] => Ok(vec![time_type(), DataType::Int64]),
            _ => plan_err!("pane_start(at, seconds) takes two arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [at, seconds] = columns(args)?;
        let (at, seconds) = (as_timestamp_millisecond_array(&at)?, as_int64_array(&seconds)?);
        let starts: TimestampMillisecondArray =
            at.iter().zip(seconds).map(|(at, seconds)| start_of(at, seconds)).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(starts.with_data_type(time_type()))))
    }
}

fn start_of(at: Option<i64>, seconds: Option<i64>) -> Result<Option<i64>> {
    let (Some(at), Some(seconds)) = (at, seconds) else {
        return Ok(None);
    };
    match seconds.checked_mul(1000) {
        Some(width) if width > 0 => Ok(Some(EventMs(at).floor(SpanMs(width)).0)),
        _ => exec_err!("pane_start: the width of {seconds} seconds must be positive"),
    }
}

/// `ratio(numerator, denominator)`: null, not an error, when nothing was counted below the line.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RatioOf {
    signature: Signature,
}

impl RatioOf {
    fn new() -> RatioOf {
        RatioOf { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for RatioOf {
    fn name(&self) -> &str {
        "ratio"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        match args {
            [_, _] => Ok(vec![DataType::Float64, DataType::Float64]),
            _ => plan_err!("ratio(numerator, denominator) takes two arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [above, below] = columns(args)?;
        let (above, below) = (as_float64_array(&above)?, as_float64_array(&below)?);
        let ratios: Float64Array =
            above.iter().zip(below).map(|(above, below)| Some(above? / below.filter(|below| *below != 0.0)?)).collect();
        Ok(ColumnarValue::Array(Arc::new(ratios)))
    }
}

fn columns<const N: usize>(args: ScalarFunctionArgs) -> Result<[Arc<dyn Array>; N]> {
    let rows = args.number_rows;
    let arrays = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<Vec<_>>>()?;
    arrays.try_into().or_else(|_| exec_err!("expected {N} arguments"))
}
