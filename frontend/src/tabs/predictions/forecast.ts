// What is read from forecasts. Pure functions of their arguments.

import type { Driver, ForecastRow, SensorVerdictRow } from "../../api/predictions";
import { horizonS, type Horizon } from "../../lib/horizons";

export type Thresholds = Record<Horizon, number | null>;
export const NO_THRESHOLDS: Thresholds = { "1h": null, "4h": null, "24h": null };

export interface Said {
  by: "ensemble" | "forecaster";
  probability: number | null;
  expected: boolean | null;
}

/** What counts of a row at a horizon: what the ensemble says where one scored, else what the forecaster says. */
export function said(row: ForecastRow, horizon: Horizon, thresholds: Thresholds = NO_THRESHOLDS): Said {
  const combined = row[`combined_${horizon}`];
  const own: Said = { by: "forecaster", probability: row[`probability_${horizon}`], expected: row[`expected_${horizon}`] };
  if (combined === null || combined === undefined) return own;
  const threshold = thresholds[horizon];
  const expected = row[`combined_expected_${horizon}`] ?? (threshold === null ? own.expected : combined >= threshold);
  return { by: "ensemble", probability: combined, expected };
}

/**
 * How a prediction is put in words. `certainFrom`: from this probability on one is shown as certain. A threshold is
 * chosen so that few events are missed, or few alarms false: it may lie below that, or above a half.
 */
export type Outlook = "expected" | "possible" | "below" | "none" | "unknown";

export function outlook({ probability, expected }: Pick<Said, "probability" | "expected">, certainFrom: number): Outlook {
  if (probability === null || expected === null) return "unknown";
  if (expected) return probability >= certainFrom ? "expected" : "possible";
  return probability >= 0.5 ? "below" : "none";
}

/** The rows of a line from `from` to `to`, ascending: the fetched ones, carried on by the live ones, which hold. */
export function merged(
  fetched: readonly ForecastRow[],
  live: Iterable<ForecastRow>,
  line: string,
  from: number,
  to: number,
): ForecastRow[] {
  const rows = new Map<number, ForecastRow>();
  const take = (row: ForecastRow) => {
    const at = Date.parse(row.at);
    if (row.production_line === line && at >= from && at <= to) rows.set(at, row);
  };
  for (const row of fetched) take(row);
  for (const row of live) take(row);
  return [...rows.entries()].sort((a, b) => a[0] - b[0]).map(([, row]) => row);
}

/** The newest forecast of a line; `null` where there is none. */
export function newestOf(rows: Iterable<ForecastRow>, line: string): ForecastRow | null {
  let newest: ForecastRow | null = null;
  for (const row of rows) if (row.production_line === line && (newest === null || row.at > newest.at)) newest = row;
  return newest;
}

/** Forecasts come once a minute; a longer silence than this is a gap. */
const GAP_MS = 5 * 60_000;

/** A stretch of forecasts, one after the other. */
export interface Run {
  from: number;
  to: number;
}

export interface Course {
  /** Seconds, as the chart library counts. */
  time: number[];
  probability: (number | null)[];
  /** The probability where an event is expected, and nothing elsewhere. */
  expected: (number | null)[];
  /** When an event did come within the horizon, and when that is not known yet. */
  came: Run[];
  open: Run[];
}

export function course(rows: readonly ForecastRow[], horizon: Horizon, thresholds: Thresholds): Course {
  const found: Course = { time: [], probability: [], expected: [], came: [], open: [] };
  let before: number | null = null;
  for (const row of rows) {
    const at = Date.parse(row.at);
    const now = said(row, horizon, thresholds);
    if (before !== null && at - before > GAP_MS) {
      found.time.push(before / 1000 + 1);
      found.probability.push(null);
      found.expected.push(null);
    }
    found.time.push(at / 1000);
    found.probability.push(now.probability);
    found.expected.push(now.expected ? now.probability : null);
    const came = row[`came_${horizon}`];
    if (came !== false) extend(came ? found.came : found.open, at);
    before = at;
  }
  return found;
}

/** Runs that a forecast of every minute makes; the last one grows while no minute is missing. */
function extend(runs: Run[], at: number): void {
  const last = runs.at(-1);
  // One minute and some: a row of the other kind in between ends the run.
  if (last !== undefined && at - last.to <= 90_000) last.to = at;
  else runs.push({ from: at, to: at });
}

export interface Held {
  came: number;
  foretold: number;
  missed: number;
  falseAlarms: number;
  /** Alarms of which it is not known yet. */
  open: number;
}

/**
 * How the forecasts of these rows held, by stretches of time as people count them: an event is foretold when one was
 * expected at any minute before it came, an alarm is false when none came at any minute of it. A silence shorter than
 * the horizon ends no stretch.
 */
export function held(rows: readonly ForecastRow[], horizon: Horizon, thresholds: Thresholds): Held {
  const result: Held = { came: 0, foretold: 0, missed: 0, falseAlarms: 0, open: 0 };
  const stretches = (within: (row: ForecastRow) => boolean) => {
    const found: ForecastRow[][] = [];
    let before: { row: ForecastRow; within: boolean } | null = null;
    for (const row of rows) {
      const now = within(row);
      const joined = before?.within && Date.parse(row.at) - Date.parse(before.row.at) <= horizonS(horizon) * 1000;
      if (now && joined) found.at(-1)!.push(row);
      else if (now) found.push([row]);
      before = { row, within: now };
    }
    return found;
  };
  const expected = (row: ForecastRow) => said(row, horizon, thresholds).expected === true;
  const came = (row: ForecastRow) => row[`came_${horizon}`] === true;
  for (const stretch of stretches(came)) {
    result.came += 1;
    if (stretch.some(expected)) result.foretold += 1;
    else result.missed += 1;
  }
  for (const stretch of stretches(expected)) {
    if (stretch.some(came)) continue;
    if (stretch.some((row) => row[`came_${horizon}`] !== false)) result.open += 1;
    else result.falseAlarms += 1;
  }
  return result;
}

/** Drivers by how much they move the probability at this horizon, the strongest first; those that do not are left out. */
export function strongest(drivers: readonly Driver[], horizon: Horizon): { driver: Driver; effect: number }[] {
  return drivers
    .map((driver) => ({ driver, effect: driver.effect[horizon] ?? 0 }))
    .filter(({ effect }) => Math.abs(effect) >= LEAST_EFFECT)
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect) || a.driver.parameter_name.localeCompare(b.driver.parameter_name));
}

/** Less than a tenth of a percentage point is nothing that a person could act on. */
const LEAST_EFFECT = 0.001;

/** The stretch of `width` minutes on which most of the attention lay. Minutes count from the oldest. */
export function busiest(shares: readonly number[], width: number): { from: number; to: number; share: number } | null {
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (!(total > 0)) return null;
  const wide = Math.min(width, shares.length);
  let sum = shares.slice(0, wide).reduce((all, share) => all + share, 0);
  let best = { from: 0, to: wide, share: sum / total };
  for (let from = 1; from + wide <= shares.length; from += 1) {
    sum += shares[from + wide - 1]! - shares[from - 1]!;
    if (sum / total > best.share + 1e-9) best = { from, to: from + wide, share: sum / total };
  }
  return best;
}

/** From this probability on a verdict is worth a look. */
export const NOTABLE = 0.5;

export const worst = ({ failure, anomaly }: SensorVerdictRow) => Math.max(failure, anomaly);

/** Sensors of a line, the most suspicious first. */
export function bySuspicion(verdicts: readonly SensorVerdictRow[]): SensorVerdictRow[] {
  return [...verdicts].sort((a, b) => worst(b) - worst(a) || a.sensor_id.localeCompare(b.sensor_id));
}

