import type { AlertRow } from "../api/types";
import { isUnacknowledged } from "../lib/severity";
import { SeverityMark } from "./SeverityMark";

/** The severity of an alert: hollow once its condition is over, pulsing while critical and not acknowledged. */
export function AlertMark({ alert, size = 20 }: { alert: AlertRow; size?: number }) {
  const over = alert.cleared_at !== null;
  return <SeverityMark severity={alert.severity} size={size} hollow={over} pulse={alert.severity === "CRITICAL" && isUnacknowledged(alert)} />;
}
