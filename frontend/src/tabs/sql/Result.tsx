import { useMemo, useState } from "react";
import type { SqlCell, SqlResult } from "../../api/types";
import { Empty } from "../../components/States";
import { VirtualTable, type TableColumn } from "../../components/VirtualTable";
import { download, toCsv } from "../../lib/csv";
import { loose } from "../../lib/format";
import { text } from "../../text";
import { ResultChart } from "./ResultChart";
import { columnKinds, type Kind } from "./kinds";

export function Result({ result, note }: { result: SqlResult; note: string }) {
  const [view, setView] = useState<"table" | "chart">("table");
  const [copied, setCopied] = useState(false);
  const kinds = useMemo(() => columnKinds(result), [result]);
  const columns = useMemo(() => tableColumns(result, kinds), [result, kinds]);
  const names = result.columns.map((column) => column.name);
  const copy = async () => {
    await navigator.clipboard.writeText([names, ...result.rows].map((row) => row.map((cell) => cell ?? "").join("\t")).join("\n"));
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  const width = kinds.reduce((sum, kind) => sum + REM[kind], 1);
  return (
    <>
      <div className="row spread section-head">
        <p className="small muted" data-testid="sql-note">
          {note}
        </p>
        <div className="row">
          <div className="group" role="group">
            <button aria-pressed={view === "table"} onClick={() => setView("table")}>
              {text.sql.table}
            </button>
            <button aria-pressed={view === "chart"} onClick={() => setView("chart")}>
              {text.sql.chart}
            </button>
          </div>
          <button onClick={() => void copy()}>{copied ? text.copied : text.copy}</button>
          <button title={text.exportCsv} onClick={() => download("query.csv", toCsv(names, result.rows))}>
            {text.csv}
          </button>
        </div>
      </div>
      {result.rows.length === 0 ? (
        <Empty title={text.sql.empty} hint={text.sql.emptyHint} />
      ) : view === "chart" ? (
        <ResultChart result={result} kinds={kinds} />
      ) : (
        <VirtualTable<SqlCell[]>
          label={text.sql.table}
          columns={columns}
          rows={result.rows}
          rowKey={(_, index) => String(index)}
          rowHeight={30}
          minWidth={`${width}rem`}
        />
      )}
    </>
  );
}

const WIDTHS: Record<Kind, string> = { number: "minmax(6rem, 1fr)", time: "minmax(13rem, 1fr)", text: "minmax(11rem, 2fr)" };
const REM: Record<Kind, number> = { number: 6.75, time: 13.75, text: 11.75 };

function tableColumns(result: SqlResult, kinds: readonly Kind[]): TableColumn<SqlCell[]>[] {
  return result.columns.map((column, index) => ({
    id: String(index),
    title: column.name,
    width: WIDTHS[kinds[index]!],
    numeric: kinds[index] === "number",
    cell: (row) => <CellView value={row[index] ?? null} />,
  }));
}

function CellView({ value }: { value: SqlCell }) {
  if (value === null) return <span className="faint">null</span>;
  if (typeof value === "number") return <span title={String(value)}>{loose(value)}</span>;
  const shown = String(value);
  return <span title={shown}>{shown}</span>;
}
