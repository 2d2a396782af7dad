import { useMemo, useState } from "react";
import type { SqlResult } from "../../api/types";
import { Empty } from "../../components/States";
import { TrendChart } from "../../components/TrendChart";
import { text } from "../../text";
import { chartOf, groupColumn, varyingNumbers, type Kind } from "./kinds";

const NONE: never[] = [];

/** One numeric column over the first column of times; of one series where the rows hold several. */
export function ResultChart({ result, kinds }: { result: SqlResult; kinds: readonly Kind[] }) {
  const time = kinds.indexOf("time");
  const group = useMemo(() => groupColumn(result, kinds), [result, kinds]);
  const numeric = useMemo(() => varyingNumbers(result, kinds, group), [result, kinds, group]);
  const series = useMemo(() => (group < 0 ? [] : [...new Set(result.rows.map((row) => String(row[group])))]), [result, group]);
  const [column, setColumn] = useState<number | null>(null);
  const [member, setMember] = useState<string | null>(null);
  const shown = column ?? numeric[0] ?? -1;
  const of = member ?? series[0] ?? null;
  const chart = useMemo(() => (time < 0 || shown < 0 ? null : chartOf(result, time, shown, group, of)), [result, time, shown, group, of]);
  if (chart === null || chart.time.length === 0) return <Empty title={text.sql.noChart} />;
  const name = result.columns[shown]!.name;
  const values = chart.mean.filter((value) => value !== null);
  return (
    <div className="chart-area">
      <div className="row small muted">
        <label className="row">
          {text.sql.chartOf}
          <select value={shown} onChange={(event) => setColumn(Number(event.target.value))}>
            {numeric.map((index) => (
              <option key={index} value={index}>
                {result.columns[index]!.name}
              </option>
            ))}
          </select>
        </label>
        {series.length > 1 && (
          <label className="row">
            {result.columns[group]!.name}
            <select value={of ?? ""} onChange={(event) => setMember(event.target.value)}>
              {series.map((entry) => (
                <option key={entry}>{entry}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      <TrendChart
        title={of === null ? name : `${name}, ${of}`}
        unit=""
        spanLow={Math.min(...values)}
        spanHigh={Math.max(...values)}
        columns={chart}
        limits={NONE}
        alerts={NONE}
        from={chart.time[0]! * 1000}
        to={chart.time.at(-1)! * 1000}
        height={320}
      />
    </div>
  );
}
