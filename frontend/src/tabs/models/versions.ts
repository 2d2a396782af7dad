// What is read from the list of versions and may be done with them. Pure functions of what the server says.

import type { ModelAlias, ModelKind, ModelPerformance, ModelRow, Period } from "../../api/models";
import { HORIZONS, horizonOf, type Horizon } from "../../lib/horizons";

/** Higher versions first; what is not a number counts as 0. */
export function byVersion(a: { version: string }, b: { version: string }): number {
  const parts = (text: string) => text.split(".").map((part) => Number(part) || 0);
  const [left, right] = [parts(a.version), parts(b.version)];
  for (let at = 0; at < 3; at += 1) {
    const difference = (right[at] ?? 0) - (left[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function ofKind(models: readonly ModelRow[], kind: ModelKind): ModelRow[] {
  return models.filter(({ model }) => model === kind).sort(byVersion);
}

export function withAlias(versions: readonly ModelRow[], alias: ModelAlias): ModelRow | null {
  return versions.find(({ aliases }) => aliases.includes(alias)) ?? null;
}

/** `123 kB`, `1.4 MB`: as people compare files. */
export function size(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)}\u202fkB`;
  return `${(bytes / 1_000_000).toFixed(1)}\u202fMB`;
}

export type FigureOfDay = "accuracy" | "recall" | "precision" | "f1" | "calibration_error";

export interface Days {
  /** Seconds at the beginning of each day, ascending, without gaps. */
  time: number[];
  /** A line for each horizon of which something is known. */
  lines: { horizon: Horizon; values: (number | null)[] }[];
}

const DAY_S = 86_400;
/** More days than this in one chart tell nothing more. */
const DAYS_MOST = 90;

/** A figure by day and horizon: of the version that foretold most on that day. Days of which nothing is known are gaps. */
export function byDay(history: ModelPerformance["history"], figure: FigureOfDay): Days {
  const known = history
    .flatMap((row) => {
      const day = Math.round(Date.parse(row.day) / 1000);
      const horizon = horizonOf(row.horizon_s);
      return Number.isFinite(day) && horizon !== null ? [{ day, horizon, n: row.n, value: row.n > 0 ? row[figure] : null }] : [];
    })
    .sort((a, b) => a.n - b.n);
  if (known.length === 0) return { time: [], lines: [] };
  const days = known.map(({ day }) => day);
  const last = Math.max(...days);
  const first = Math.max(Math.min(...days), last - (DAYS_MOST - 1) * DAY_S);
  const time = Array.from({ length: Math.round((last - first) / DAY_S) + 1 }, (_, index) => first + index * DAY_S);
  const horizons = HORIZONS.filter((horizon) => known.some((row) => row.horizon === horizon));
  return {
    time,
    lines: horizons.map((horizon) => {
      const values = new Map(known.filter((row) => row.horizon === horizon).map(({ day, value }) => [day, value]));
      return { horizon, values: time.map((day) => values.get(day) ?? null) };
    }),
  };
}

/** Ends of an axis that hold these shares, by tenths, and are a fifth apart at least. */
export function axis(lines: readonly { values: readonly (number | null)[] }[]): [number, number] {
  const values = lines.flatMap((line) => line.values).filter((value): value is number => value !== null);
  if (values.length === 0) return [0, 1];
  const low = Math.floor(Math.min(...values) * 10 - 1e-9) / 10;
  const high = Math.ceil(Math.max(...values) * 10 + 1e-9) / 10;
  return [Math.max(0, Math.min(low, high - 0.2)), Math.min(1, Math.max(high, low + 0.2))];
}

/** The share of predictions that were right over all horizons: of the ensemble where it scores, else of the forecaster. */
export function overall(models: readonly ModelPerformance[]): { day: number | null; week: number | null } {
  const ask = (kind: ModelKind) => models.find(({ model }) => model === kind);
  for (const found of [ask("ensemble"), ask("forecaster")]) {
    if (found === undefined) continue;
    const day = pooled(found.day);
    const week = pooled(found.week);
    if (day !== null || week !== null) return { day, week };
  }
  return { day: null, week: null };
}

function pooled(period: Period | null): number | null {
  let [right, all] = [0, 0];
  for (const { n, accuracy } of period?.horizons ?? []) {
    if (accuracy === null) continue;
    right += accuracy * n;
    all += n;
  }
  return all > 0 ? right / all : null;
}
