// How fast counters grow, between the two last answers.

import { useRef } from "react";

interface Seen {
  at: number;
  counts: Map<string, number>;
  rates: Map<string, number>;
}

/** Per name, per second; nothing is known of a name before its second answer. */
export function rates(before: Seen | null, at: number, counts: Map<string, number>): Map<string, number> {
  const found = new Map<string, number>();
  if (before === null || at <= before.at) return before?.rates ?? found;
  for (const [name, count] of counts) {
    const earlier = before.counts.get(name);
    // A counter that fell began anew.
    if (earlier !== undefined && count >= earlier) found.set(name, (count - earlier) / ((at - before.at) / 1000));
  }
  return found;
}

export function useRates<T extends { name: string }>(rows: T[] | undefined, count: (row: T) => number, at: number): Map<string, number> {
  const seen = useRef<Seen | null>(null);
  if (rows !== undefined && at !== seen.current?.at) {
    const counts = new Map(rows.map((row) => [row.name, count(row)]));
    seen.current = { at, counts, rates: rates(seen.current, at, counts) };
  }
  return seen.current?.rates ?? new Map();
}
