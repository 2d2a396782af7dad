// From panes to the columns of a chart. Where panes are missing the columns hold a null, so that a gap stays
// a gap.

import type { PaneRow, SeriesPoint } from "../api/types";

export interface ChartColumns {
  /** Seconds, as the chart library counts. */
  time: number[];
  mean: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
  setpoint: (number | null)[];
}

/** More than this many steps without a point is a gap. */
const GAP_STEPS = 1.5;

export function chartColumns(
  points: readonly SeriesPoint[],
  resolutionS: number,
  setpoints: readonly { start: string; value: number }[] = [],
  target: number | null = null,
): ChartColumns {
  const columns: ChartColumns = { time: [], mean: [], min: [], max: [], setpoint: [] };
  const steps = setpoints
    .map(({ start, value }) => ({ at: Date.parse(start) / 1000, value }))
    .sort((a, b) => a.at - b.at);
  let step = 0;
  let current = target;
  const push = (time: number, point: SeriesPoint | null) => {
    while (step < steps.length && steps[step]!.at <= time) current = steps[step++]!.value;
    columns.time.push(time);
    columns.mean.push(point?.mean ?? null);
    columns.min.push(point?.min ?? null);
    columns.max.push(point?.max ?? null);
    columns.setpoint.push(current);
  };
  let before: number | null = null;
  for (const point of points) {
    const time = Date.parse(point.start) / 1000;
    if (before !== null && time - before > GAP_STEPS * resolutionS) push(before + resolutionS, null);
    push(time, point);
    before = time;
  }
  return columns;
}

/** The fetched points, carried on by the live panes (which hold where both exist). Only for one-minute points. */
export function withLivePanes(
  points: readonly SeriesPoint[],
  panes: readonly PaneRow[],
  resolutionS: number,
  from: number,
  to: number,
): readonly SeriesPoint[] {
  if (resolutionS !== 60 || panes.length === 0) return points;
  const merged = new Map<number, SeriesPoint>();
  for (const point of points) merged.set(Date.parse(point.start), point);
  for (const pane of panes) {
    const at = Date.parse(pane.start);
    if (at >= from && at <= to) merged.set(at, pane);
  }
  return [...merged.entries()].sort((a, b) => a[0] - b[0]).map(([, point]) => point);
}
