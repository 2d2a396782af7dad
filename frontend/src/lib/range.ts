// The one time range that rules the page: the last so many hours up to now (live), or two fixed instants.

import { setParams, useRoute } from "./route";

export const RANGES = ["1h", "4h", "24h", "7d"] as const;
export type RangeName = (typeof RANGES)[number];

const HOURS: Record<RangeName, number> = { "1h": 1, "4h": 4, "24h": 24, "7d": 168 };

export type TimeRange = { live: true; name: RangeName } | { live: false; from: number; to: number };

export function isRangeName(text: string | null): text is RangeName {
  return text !== null && (RANGES as readonly string[]).includes(text);
}

export function rangeMs(name: RangeName): number {
  return HOURS[name] * 3_600_000;
}

export function parseRange(params: URLSearchParams, fallback: RangeName): TimeRange {
  const from = Date.parse(params.get("from") ?? "");
  const to = Date.parse(params.get("to") ?? "");
  if (from < to) return { live: false, from, to };
  const name = params.get("range");
  return { live: true, name: isRangeName(name) ? name : fallback };
}

/** The two ends, given plant time. */
export function resolve(range: TimeRange, now: number): { from: number; to: number } {
  return range.live ? { from: now - rangeMs(range.name), to: now } : { from: range.from, to: range.to };
}

let fallback: RangeName = "4h";

/** The default of the server's settings. */
export function setDefaultRange(name: string): void {
  if (isRangeName(name)) fallback = name;
}

export function useTimeRange(): TimeRange {
  return parseRange(useRoute().params, fallback);
}

export function goLive(name: RangeName): void {
  setParams({ range: name, from: null, to: null });
}

export function goFixed(from: number, to: number): void {
  setParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString() }, true);
}
