//! Ends queries that nobody waits for.
//!
//! A task is dropped where it yields, and DataFusion yields where it reads its sources. Joins can work for
//! hours between two reads. So joins yield for their output too ([`yielding`]), and where a condition may
//! leave them without output, the condition begins with a question whether the answer is still wanted
//! ([`stoppable`]). The longest stretch without either is one batch of pairs.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody still waits for a query. Equal to its clones alone.
#[derive(Clone, Debug)]
pub struct Wanted(Arc<AtomicBool>);

impl Wanted {
    pub fn new() -> Wanted {
        Wanted(Arc::new(AtomicBool::new(true)))
    }

    pub fn abandon(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Wanted) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Wanted {}

impl Hash for Wanted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// True while the query is wanted, then an error. Volatile, so that every batch asks anew.
#[derive(Debug, PartialEq, Eq, Hash)]
struct StillWanted {
    wanted: Wanted,
    signature: Signature,
}

impl ScalarUDFImpl for StillWanted {
    fn name(&self) -> &str {
        "still_wanted"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.wanted.0.load(Ordering::Relaxed) {
            return Ok(ColumnarValue::Scalar(ScalarValue::from(true)));
        }
        exec_err!("nobody waits for this query any more")
    }
}

/// The optimised plan with every condition of a join asking first. An EXPLAIN runs nothing and shows the plan
/// as the user wrote it.
pub fn stoppable(plan: LogicalPlan, wanted: &Wanted) -> Result<LogicalPlan> {
    if matches!(plan, LogicalPlan::Explain(_)) {
        return Ok(plan);
    }
    let signature = Signature::nullary(Volatility::Volatile);
    let ask = ScalarUDF::from(StillWanted { wanted: wanted.clone(), signature }).call(vec![]);
    let asking = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(mut join) if join.filter.is_some() => {
            join.filter = join.filter.take().map(|filter| ask.clone().and(filter));
            Ok(Transformed::yes(LogicalPlan::Join(join)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(asking.data)
}

/// The plan with every operator that multiplies rows yielding now and then.
pub fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let wrapped = plan.transform_up(|node| {
        if node.name().ends_with("JoinExec") || node.name() == "UnnestExec" {
            return Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(wrapped.data)
}
