// Which alerts the list shows, and in which order. Pure.

import type { AlertRow, Severity } from "../../api/types";
import { byUrgency, isOpen, severityRank } from "../../lib/severity";

export interface Filter {
  line: string | null;
  severities: readonly Severity[] | null;
  openOnly: boolean;
  search: string;
  from: number | null;
  to: number | null;
}

/** The fetched rows with the live ones over them: the stream is the fresher of the two. */
export function mergeAlerts(fetched: readonly AlertRow[], live: ReadonlyMap<string, AlertRow>): ReadonlyMap<string, AlertRow> {
  const merged = new Map(fetched.map((row) => [row.alert_id, row]));
  for (const [id, row] of live) merged.set(id, row);
  return merged;
}

export function filterAlerts(alerts: ReadonlyMap<string, AlertRow>, filter: Filter): AlertRow[] {
  const wanted = filter.search.trim().toLowerCase();
  return [...alerts.values()].filter((alert) => {
    if (filter.line !== null && alert.production_line !== filter.line) return false;
    if (filter.severities !== null && !filter.severities.includes(alert.severity)) return false;
    if (filter.openOnly && !isOpen(alert)) return false;
    if (filter.from !== null || filter.to !== null) {
      const raised = Date.parse(alert.raised_at);
      const over = alert.cleared_at === null ? Infinity : Date.parse(alert.cleared_at);
      // An alert belongs to a range when it was on during any of it.
      if ((filter.from !== null && over < filter.from) || (filter.to !== null && raised > filter.to)) return false;
    }
    if (wanted === "") return true;
    const texts = [alert.message, alert.sensor_id, alert.equipment_id, alert.production_line, alert.note, alert.alert_id];
    return texts.some((text) => text?.toLowerCase().includes(wanted));
  });
}

const KEYS: Record<string, (row: AlertRow) => string | number> = {
  severity: (row) => severityRank(row.severity),
  raised: (row) => row.raised_at,
  line: (row) => row.production_line,
  equipment: (row) => row.equipment_id ?? "",
  message: (row) => row.message,
  state: (row) => row.state,
};

export function sortAlerts(alerts: readonly AlertRow[], sort: { column: string; descending: boolean } | null): AlertRow[] {
  const key = sort === null ? undefined : KEYS[sort.column];
  if (sort === null || key === undefined) return [...alerts].sort(byUrgency);
  const sign = sort.descending ? -1 : 1;
  return [...alerts].sort((a, b) => {
    const x = key(a);
    const y = key(b);
    return (x < y ? -1 : x > y ? 1 : 0) * sign || byUrgency(a, b);
  });
}
