// Trained models: what the server says of them, one hook per question, and what people can do with them.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, orWithout, withQuery } from "./client";
import type { Answer, Role } from "./types";

export const MODEL_KINDS = ["forecaster", "graph", "ensemble", "inspector"] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];
export type ModelAlias = "production" | "previous" | "challenger";

export interface ModelRow {
  model: ModelKind;
  version: string;
  trained: string | null;
  data: string | null;
  schema: string | null;
  digest: string;
  bytes: number;
  registered_at: string;
  by: string;
  note: string | null;
  /** What its training found: JSON, or the text of it. */
  metrics: unknown;
  aliases: ModelAlias[];
  file: "ready" | "missing" | "damaged";
}

export interface Models extends Answer {
  models: ModelRow[];
}

export interface ModelDetail extends Answer {
  model: ModelRow;
  metrics: unknown;
  /** Markdown. */
  card: string | null;
}

export interface HitFigures {
  /** Forecasts of which it is known what came. */
  n: number;
  accuracy: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  calibration_error: number | null;
}

type OfHorizon = { horizon_s: number } & HitFigures;

/** Figures over whole UTC days. */
export interface Period {
  from: string;
  horizons: OfHorizon[];
}

/** Pictures by who found a type of defect on them. */
export interface Agreement {
  both: number;
  inspector_only: number;
  mik1_only: number;
  neither: number;
}

/** How an inspector agrees with MIK-1 over whole UTC days. */
export interface InspectedPeriod {
  from: string;
  defects: ({ defect_type: string } & Agreement)[];
}

/** A version in production: what its training found, and how its forecasts held. */
export interface ModelPerformance {
  model: ModelKind;
  version: string;
  metrics: unknown;
  /** Of the days that the last 24 hours and 7 days touch; `null` for a model that foretells nothing. */
  day: Period | null;
  week: Period | null;
  /** Of all versions of its kind. */
  history: ({ day: string; version: string } & OfHorizon)[];
  /** Of an inspector; over the same days. */
  inspection?: { day: InspectedPeriod; week: InspectedPeriod } | null;
}

export interface Performance extends Answer {
  models: ModelPerformance[];
}

/** A training. Its times are those of the wall, not of the plant. */
export interface Job {
  job_id: number;
  model: ModelKind;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  progress: {
    stage: string;
    /** 0 to 1. */
    share: number | null;
    epochs: number;
    epochs_most: number | null;
    loss: number | null;
  };
  estimated_end: string | null;
  budget_s: number;
  /** The version that it makes. */
  version: string | null;
  error: string | null;
  by: string;
  reason: string;
  asked_at: string;
  began_at: string | null;
  ended_at: string | null;
}

interface Jobs {
  jobs: Job[];
}

/** Who may promote, roll back, train and stop training. */
export const MODELS_ROLE: Role = "engineer";
/** Characters of the longest reason. */
export const MODEL_REASON_MOST = 1000;

const NOTHING: Answer = { tick: 0, now: "" };

export const isAtWork = ({ state }: Job) => state === "queued" || state === "running";

export const useModels = () =>
  useQuery({
    queryKey: ["models", "list"],
    queryFn: ({ signal }) => orWithout(api.get<Models>("api/models", {}, signal), { ...NOTHING, models: [] }),
    refetchInterval: 15_000,
  });

export const useModel = (model: ModelKind, version: string) =>
  useQuery({
    queryKey: ["models", "one", model, version],
    queryFn: ({ signal }) => api.get<ModelDetail>(`api/models/${encodeURIComponent(model)}/${encodeURIComponent(version)}`, {}, signal),
    refetchInterval: 30_000,
    placeholderData: undefined,
  });

/** Of one line, or of all. */
export const usePerformance = (line: string | null, enabled = true) =>
  useQuery({
    queryKey: ["models", "performance", line],
    queryFn: ({ signal }) => orWithout(api.get<Performance>("api/models/performance", { line }, signal), { ...NOTHING, models: [] }),
    enabled,
    placeholderData: undefined,
    refetchInterval: 60_000,
  });

export const useJobs = () =>
  useQuery({
    queryKey: ["models", "jobs"],
    queryFn: ({ signal }) => orWithout(api.get<Jobs>("api/models/jobs", {}, signal), { jobs: [] }),
    refetchInterval: ({ state }) => (state.data?.jobs.some(isAtWork) ? 3_000 : 15_000),
  });

/** Whatever is done with a model changes what is said of all. Also after a refusal: somebody else may have been first. */
function useModelChange<Wanted>(send: (wanted: Wanted) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: send, onSettled: () => void client.invalidateQueries({ queryKey: ["models"] }) });
}

const path = (model: ModelKind, action: string) => `api/models/${encodeURIComponent(model)}/${action}`;

export const usePromote = () =>
  useModelChange(({ model, ...body }: { model: ModelKind; version: string; reason: string }) => api.post<unknown>(path(model, "promote"), body));

export const useRollBack = () =>
  useModelChange(({ model, reason }: { model: ModelKind; reason: string }) => api.post<unknown>(path(model, "rollback"), { reason }));

export const useRetrain = () =>
  useModelChange((wanted: { model: ModelKind; budget: string; reason: string }) => api.post<unknown>("api/models/retrain", wanted));

export const useStopJob = () =>
  useModelChange(({ id, reason }: { id: number; reason: string }) => api.del<unknown>(withQuery(`api/models/jobs/${id}`, { reason })));
