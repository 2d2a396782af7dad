//! What may be asked: one statement that reads. Everything else is refused here, by its syntax, before it is
//! planned; [`crate::Queries`] then checks the plan once more.

use crate::error::{QueryError, Result};
use datafusion::sql::parser::{DFParser, ExplainStatement, Statement};
use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, Query, Select, SetExpr, Statement as Sql, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use std::ops::ControlFlow;

/// Longest text of a query. Lehr's own are below 2 KiB.
pub const TEXT_BYTES: usize = 64 * 1024;
/// Most tokens of a query. Parser, planner and optimiser recurse over the expression: `n + n + …` of this many
/// tokens is 2 048 levels deep, which the stack of [`crate::session`] bears.
pub const TOKENS: usize = 4096;
/// Functions in FROM that read nothing but their arguments.
pub const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];
/// Endings by which a table name betrays that a file is meant.
const FILE_ENDINGS: [&str; 9] = ["parquet", "csv", "tsv", "json", "ndjson", "jsonl", "arrow", "avro", "txt"];

/// A statement that only reads.
pub enum Allowed {
    Statement(Statement),
    /// `DESCRIBE table`.
    Describe(String),
}

/// Reads the text of a query and refuses what is not one.
pub fn check(sql: &str) -> Result<Allowed> {
    if sql.len() > TEXT_BYTES {
        return Err(QueryError::Syntax(format!("the text is longer than {TEXT_BYTES} bytes")));
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize().map_err(|error| QueryError::Syntax(error.to_string()))?;
    let tokens = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count();
    if tokens > TOKENS {
        return Err(QueryError::Syntax(format!("the query has {tokens} tokens, more than {TOKENS}")));
    }
    let mut statements = DFParser::parse_sql_with_dialect(sql, &dialect)
        .map_err(|error| QueryError::Syntax(error.find_root().message().into_owned()))?;
    let statement = statements.pop_front().ok_or_else(|| QueryError::Syntax("the text is empty".to_owned()))?;
    if !statements.is_empty() {
        return Err(QueryError::Forbidden("more than one statement; send one at a time".to_owned()));
    }
    statement_reads(&statement)?;
    if let Statement::Statement(sql) = &statement
        && let Sql::ExplainTable { table_name, .. } = sql.as_ref()
    {
        return Ok(Allowed::Describe(plain_name(table_name)));
    }
    Ok(Allowed::Statement(statement))
}

fn statement_reads(statement: &Statement) -> Result<()> {
    let refused = match statement {
        Statement::Statement(sql) => return sql_reads(sql),
        Statement::Explain(ExplainStatement { statement, .. }) => return statement_reads(statement),
        Statement::CreateExternalTable(_) => "CREATE EXTERNAL TABLE would read files; only Lehr's tables can be read",
        Statement::CopyTo(_) => "COPY writes files; ask for the result as CSV or Arrow instead",
        Statement::Reset(_) => "RESET changes settings; limits are given with the request",
    };
    Err(QueryError::Forbidden(refused.to_owned()))
}

fn sql_reads(statement: &Sql) -> Result<()> {
    match statement.visit(&mut ReadsOnly) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Why a kind of statement is refused; `None` when it is allowed.
fn refusal(statement: &Sql) -> Option<&'static str> {
    match statement {
        Sql::Query(_)
        | Sql::ShowTables { .. }
        | Sql::ShowColumns { .. }
        | Sql::ShowFunctions { .. }
        | Sql::ShowVariable { .. }
        | Sql::ExplainTable { .. }
        | Sql::Explain { .. } => None,
        Sql::Insert(_) | Sql::Update(_) | Sql::Delete(_) | Sql::Merge(_) | Sql::Truncate(_) => {
            Some("INSERT, UPDATE, DELETE, MERGE and TRUNCATE change data; SQL here only reads")
        }
        Sql::Copy { .. } | Sql::Unload { .. } | Sql::LoadData { .. } | Sql::ExportData(_) => {
            Some("COPY, LOAD and UNLOAD touch files; ask for the result as CSV or Arrow instead")
        }
        Sql::CreateTable(_) | Sql::CreateView(_) | Sql::CreateFunction(_) | Sql::CreateSchema { .. } => {
            Some("CREATE changes the schema; name intermediate results with WITH")
        }
        Sql::Drop { .. } | Sql::AlterTable(_) => Some("DROP and ALTER change the schema; SQL here only reads"),
        Sql::Set(_) => Some("SET changes settings; limits are given with the request"),
        Sql::Prepare { .. } | Sql::Execute { .. } | Sql::Deallocate { .. } => {
            Some("prepared statements outlive their request; send the query itself")
        }
        Sql::StartTransaction { .. } | Sql::Commit { .. } | Sql::Rollback { .. } => {
            Some("transactions; every query reads one consistent tick already")
        }
        _ => Some("only SELECT, WITH, VALUES, SHOW, DESCRIBE and EXPLAIN"),
    }
}

/// Visits every part of a statement, subqueries included, and breaks at what does not merely read.
struct ReadsOnly;

fn forbid(why: impl Into<String>) -> ControlFlow<QueryError> {
    ControlFlow::Break(QueryError::Forbidden(why.into()))
}

impl Visitor for ReadsOnly {
    type Break = QueryError;

    fn pre_visit_statement(&mut self, statement: &Sql) -> ControlFlow<QueryError> {
        refusal(statement).map_or(ControlFlow::Continue(()), forbid)
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        if !query.locks.is_empty() {
            return forbid("FOR UPDATE and FOR SHARE lock rows; snapshots need no locks");
        }
        match query.body.as_ref() {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                forbid("INSERT, UPDATE, DELETE and MERGE change data; SQL here only reads")
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        match select.into {
            Some(_) => forbid("SELECT INTO creates a table; name intermediate results with WITH"),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<QueryError> {
        let name = plain_name(relation);
        let quoted_text = relation.0.iter().filter_map(|part| part.as_ident()).any(is_text);
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let file = ending.is_some_and(|ending| FILE_ENDINGS.contains(&ending.as_str()));
        if quoted_text || file || name.contains(['/', '\\', ':', '*']) {
            return forbid(format!("'{name}' looks like a file; only Lehr's tables can be read"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<QueryError> {
        let function = match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => plain_name(name),
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::NestedJoin { .. } => return ControlFlow::Continue(()),
            _ => return forbid("this kind of source in FROM; use tables, subqueries and joins"),
        };
        if TABLE_FUNCTIONS.contains(&function.to_ascii_lowercase().as_str()) {
            return ControlFlow::Continue(());
        }
        forbid(format!("the table function '{function}'; only {} are there", TABLE_FUNCTIONS.join(", ")))
    }
}

fn is_text(ident: &Ident) -> bool {
    ident.quote_style == Some('\'')
}

fn plain_name(name: &ObjectName) -> String {
    let parts: Vec<&str> = name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.as_str()).collect();
    parts.join(".")
}
