import type { Limit, Severity } from "../api/types";

export interface LimitValue {
  side: "low" | "high";
  value: number;
  severity: Severity;
  rule: string;
}

/** The limits of a sensor by side: the API gives the number under the name of its side. */
export function limitValues(limits: readonly Limit[]): LimitValue[] {
  const found: LimitValue[] = [];
  for (const limit of limits) {
    for (const side of ["low", "high"] as const) {
      const value = limit[side];
      if (typeof value === "number") found.push({ side, value, severity: limit.severity, rule: limit.rule });
    }
  }
  return found;
}
