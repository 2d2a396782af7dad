// What the columns of a result hold, and what of them can be drawn. Pure.

import type { SqlResult } from "../../api/types";
import type { ChartColumns } from "../../lib/series";

export type Kind = "number" | "time" | "text";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
/** Enough rows to tell a column by its values. */
const LOOKED_AT = 50;

/** What each column holds, told by its type and, where that says nothing, by its first values. */
export function columnKinds(result: SqlResult): Kind[] {
  return result.columns.map((column, index) => {
    if (/time|date/i.test(column.type)) return "time";
    if (/^(u?int|float|decimal|double)/i.test(column.type)) return "number";
    const values = result.rows.slice(0, LOOKED_AT).map((row) => row[index]).filter((value) => value !== null && value !== undefined);
    if (values.length === 0) return "text";
    if (values.every((value) => typeof value === "number")) return "number";
    return values.every((value) => typeof value === "string" && ISO.test(value)) ? "time" : "text";
  });
}

/** Numeric columns that vary within a series come first; what never changes is a dull chart. */
export function varyingNumbers(result: SqlResult, kinds: readonly Kind[], group: number): number[] {
  const member = group < 0 ? undefined : result.rows[0]?.[group];
  const rows = result.rows.filter((row) => group < 0 || row[group] === member).slice(0, 1000);
  const numeric = kinds.flatMap((kind, index) => (kind === "number" ? [index] : []));
  const varies = (index: number) => new Set(rows.map((row) => row[index])).size > 2;
  return [...numeric.filter(varies), ...numeric.filter((index) => !varies(index))];
}

/** The first column of texts by which rows of the same time differ; -1 where each time occurs once. */
export function groupColumn(result: SqlResult, kinds: readonly Kind[]): number {
  const time = kinds.indexOf("time");
  if (time < 0) return -1;
  const first = new Map<unknown, unknown[]>();
  for (const row of result.rows) {
    const before = first.get(row[time]);
    if (before === undefined) first.set(row[time], row);
    else {
      const found = kinds.findIndex((kind, index) => kind === "text" && row[index] !== before[index]);
      if (found >= 0) return found;
    }
  }
  return -1;
}

export function chartOf(result: SqlResult, time: number, column: number, group: number, member: string | null): ChartColumns {
  const points = result.rows
    .flatMap((row) => {
      const at = Date.parse(String(row[time]));
      const value = row[column];
      if (Number.isNaN(at) || (group >= 0 && String(row[group]) !== member)) return [];
      return [{ at: at / 1000, value: typeof value === "number" ? value : null }];
    })
    .sort((a, b) => a.at - b.at);
  const value = points.map((point) => point.value);
  return { time: points.map((point) => point.at), mean: value, min: value, max: value, setpoint: value.map(() => null) };
}
