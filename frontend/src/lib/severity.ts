import type { AlertRow, AlertState, Severity } from "../api/types";

/** Worst first. */
export const SEVERITIES: readonly Severity[] = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

const RANK: Record<Severity, number> = { CRITICAL: 3, HIGH: 2, MEDIUM: 1, LOW: 0 };

export function severityRank(severity: Severity): number {
  return RANK[severity];
}

const ANNUNCIATED: ReadonlySet<AlertState> = new Set<AlertState>([
  "active_unacknowledged",
  "active_acknowledged",
  "returned_unacknowledged",
]);

/** Whether an operator still has to look at it: active, or over but never acknowledged. */
export function isOpen(alert: AlertRow): boolean {
  return ANNUNCIATED.has(alert.state);
}

export function isUnacknowledged(alert: AlertRow): boolean {
  return alert.state === "active_unacknowledged" || alert.state === "returned_unacknowledged";
}

/** The order of an alarm list: unacknowledged before acknowledged, worst first, newest first, then by id. */
export function byUrgency(a: AlertRow, b: AlertRow): number {
  return (
    Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
    severityRank(b.severity) - severityRank(a.severity) ||
    b.raised_at.localeCompare(a.raised_at) ||
    a.alert_id.localeCompare(b.alert_id)
  );
}

export interface AlertCounts extends Record<Severity, number> {
  unacknowledged: number;
  open: number;
}

export function countOpen(alerts: Iterable<AlertRow>): AlertCounts {
  const counts: AlertCounts = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, unacknowledged: 0, open: 0 };
  for (const alert of alerts) {
    if (!isOpen(alert)) continue;
    counts[alert.severity] += 1;
    counts.open += 1;
    if (isUnacknowledged(alert)) counts.unacknowledged += 1;
  }
  return counts;
}
