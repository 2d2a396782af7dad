import type { Limit, Severity } from "../api/types";
import { limitValues } from "../lib/limits";
import { number } from "../lib/format";

interface Props {
  value: number | null;
  low: number;
  high: number;
  limits: readonly Limit[];
  setpoint: number | null;
  decimals: number;
}

/** Where a value lies in its calibrated span: limits as tinted ends, the set-point as a notch. */
export function LimitBar({ value, low, high, limits, setpoint, decimals }: Props) {
  const at = (x: number) => `${Math.min(100, Math.max(0, ((x - low) / (high - low)) * 100))}%`;
  const values = limitValues(limits);
  const beyond = worstBeyond(value, values);
  return (
    <div
      className={`limit-bar${beyond ? ` severity-${beyond}` : ""}`}
      role="meter"
      aria-valuemin={low}
      aria-valuemax={high}
      {...(value === null ? {} : { "aria-valuenow": Number(value.toFixed(decimals)) })}
      aria-label={value === null ? "–" : number(value, decimals)}
    >
      {values.map(({ side, value: limit, severity }, index) => (
        <i
          key={index}
          className={`zone severity-${severity}`}
          style={side === "high" ? { left: at(limit), right: 0 } : { left: 0, width: at(limit) }}
        />
      ))}
      {setpoint !== null && <i className="notch" style={{ left: at(setpoint) }} />}
      {value !== null && <i className="pointer" style={{ left: at(value) }} />}
    </div>
  );
}

function worstBeyond(value: number | null, limits: ReturnType<typeof limitValues>): Severity | null {
  if (value === null) return null;
  const order: Severity[] = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];
  for (const severity of order) {
    const hit = limits.some((l) => l.severity === severity && (l.side === "high" ? value > l.value : value < l.value));
    if (hit) return severity;
  }
  return null;
}
