// What models foretell: rows as they travel, and one hook per question.

import { useQuery } from "@tanstack/react-query";
import type { Horizon } from "../lib/horizons";
import { api, orWithout } from "./client";
import type { Answer } from "./types";

/** What was foretold of a line at one minute, and what came. */
export type ForecastRow = {
  production_line: string;
  at: string;
  version: string;
  graph_version: string | null;
  ensemble_version: string | null;
} & { [column in `probability_${Horizon}`]: number | null } & { [column in `expected_${Horizon}`]: boolean | null } & {
  [column in `combined_${Horizon}`]: number | null;
} & { [column in `combined_expected_${Horizon}`]?: boolean | null } & { [column in `came_${Horizon}`]: boolean | null };

export interface SensorVerdictRow {
  sensor_id: string;
  at: string;
  version: string;
  failure: number;
  anomaly: number;
  production_line: string;
  parameter_name: string;
}

export interface Driver {
  parameter_name: string;
  /** `null` where the line has no such sensor. */
  sensor_id: string | null;
  /** By how much the probability is higher for what the sensor read than for its mean. */
  effect: Partial<Record<Horizon, number | null>>;
}

export interface Drivers extends Answer {
  line: string;
  at: string;
  /** Of the forecaster: the others see its word alone. */
  version: string;
  probability: Partial<Record<Horizon, number | null>>;
  sensors: Driver[];
  /** Shares of the minutes that were looked at, the oldest first. */
  attention: number[];
}

interface Predictions extends Answer {
  /** The newest first. */
  predictions: ForecastRow[];
  total: number;
}

interface Verdicts extends Answer {
  sensors: SensorVerdictRow[];
}

const NOTHING: Answer = { tick: 0, now: "" };

const MINUTE_MS = 60_000;
/** One row a minute over seven days, the longest live range. */
const FORECASTS_MOST = 10_080;
const ASK_EVERY_MS = 60_000;

/** The stream carries them on between two questions. */
export const useForecasts = (line: string | null, from: number, to: number) =>
  useQuery({
    queryKey: ["predictions", line, from, to],
    queryFn: ({ signal }) => {
      const limit = Math.min(FORECASTS_MOST, Math.ceil((to - from) / MINUTE_MS) + 1);
      const range = { line, from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit };
      return orWithout(api.get<Predictions>("api/predictions", range, signal), { ...NOTHING, predictions: [], total: 0 });
    },
    enabled: line !== null && to > from,
    refetchInterval: ASK_EVERY_MS,
    // A live range is another question every minute: answers of before are of no use.
    gcTime: MINUTE_MS,
    // What is shown of another line must not be taken for this one's.
    placeholderData: (old, query) => (query?.queryKey[1] === line ? old : undefined),
  });

export const useVerdicts = (line: string | null) =>
  useQuery({
    queryKey: ["predictions", "sensors", line],
    queryFn: ({ signal }) =>
      orWithout(api.get<Verdicts>("api/predictions/sensors", { line }, signal), { ...NOTHING, sensors: [] }),
    enabled: line !== null,
    refetchInterval: ASK_EVERY_MS,
    placeholderData: (old, query) => (query?.queryKey[2] === line ? old : undefined),
  });

/** `null` where nothing was foretold then. */
export const useDrivers = (line: string | null, at: string | null) =>
  useQuery({
    queryKey: ["predictions", "drivers", line, at],
    queryFn: ({ signal }) => orWithout<Drivers | null>(api.get<Drivers>("api/predictions/drivers", { line, at }, signal), null),
    enabled: line !== null && at !== null,
    staleTime: 60_000,
    placeholderData: (old) => (old?.line === line ? old : undefined),
  });
