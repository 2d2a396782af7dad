// How far ahead forecasts look. The server names the horizons the same way in its columns.

import { text } from "../text";

export const HORIZONS = ["1h", "4h", "24h"] as const;
export type Horizon = (typeof HORIZONS)[number];

const SECONDS: Record<Horizon, number> = { "1h": 3_600, "4h": 14_400, "24h": 86_400 };

export function isHorizon(name: string | null): name is Horizon {
  return name !== null && (HORIZONS as readonly string[]).includes(name);
}

export function horizonName(horizon: Horizon): string {
  return text.horizons[horizon];
}

export function horizonS(horizon: Horizon): number {
  return SECONDS[horizon];
}

/** The horizon of so many seconds; `null` where forecasts look otherwise far. */
export function horizonOf(seconds: number): Horizon | null {
  return HORIZONS.find((horizon) => SECONDS[horizon] === seconds) ?? null;
}
