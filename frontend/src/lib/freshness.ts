// How a value looks: good, uncertain, bad, stale. From what the device said and from how old it is.

import type { LatestRow } from "../api/types";
import { parseTime } from "./format";

export type Freshness = "good" | "uncertain" | "bad" | "stale" | "none";

/** So many periods without a reading, and at least this long, make a value stale. */
const STALE_PERIODS = 4;
const STALE_LEAST_S = 60;

/** `now` is how far the line's event time has come: a stopped source makes all of its sensors old alike. */
export function freshness(latest: LatestRow | null, periodS: number, now: number | null): Freshness {
  if (latest === null) return "none";
  const at = parseTime(latest.at);
  const limit = Math.max(STALE_LEAST_S, STALE_PERIODS * periodS) * 1000;
  if (at !== null && now !== null && now - at > limit) return "stale";
  if (latest.status === "ERROR" || latest.value === null) return "bad";
  return latest.status === "WARNING" ? "uncertain" : "good";
}
