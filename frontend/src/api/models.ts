// Trained models: what the server says of them, one hook per question, and what people can do with them.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, orWithout } from "./client";
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
  n: number;
  accuracy: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  calibration_error: number | null;
}

export interface ModelPerformance {
  model: ModelKind;
  version: string;
  training: unknown;
  live: { horizon_s: number; last_24h: HitFigures | null; last_7d: HitFigures | null }[];
  history: ({ day: string; horizon_s: number } & HitFigures)[];
}

export interface Performance extends Answer {
  models: ModelPerformance[];
}

export interface Job {
  job_id: string;
  model: ModelKind;
  state: "waiting" | "running" | "done" | "failed" | "stopped";
  /** 0 to 1. */
  progress: number | null;
  stage: string | null;
  started_at: string | null;
  estimated_end: string | null;
  message: string | null;
}

interface Jobs extends Answer {
  jobs: Job[];
}

/** Who may promote, roll back, train and stop training. */
export const MODELS_ROLE: Role = "engineer";
/** Characters of the longest reason. */
export const MODEL_REASON_MOST = 1000;

const NOTHING: Answer = { tick: 0, now: "" };

export const isAtWork = ({ state }: Job) => state === "waiting" || state === "running";

/** A row as the table has it does not tell what its version is called, nor of its file. */
const complete = (row: ModelRow, listed?: ModelRow): ModelRow => ({
  ...row,
  aliases: row.aliases ?? listed?.aliases ?? [],
  file: row.file ?? listed?.file ?? "ready",
});

export const useModels = () =>
  useQuery({
    queryKey: ["models", "list"],
    queryFn: ({ signal }) => orWithout(api.get<Models>("api/models", {}, signal), { ...NOTHING, models: [] }),
    select: (answer) => ({ ...answer, models: answer.models.map((row) => complete(row)) }),
    refetchInterval: 15_000,
  });

/** `listed`: the same version in the list of all. */
export const useModel = (model: ModelKind, version: string, listed: ModelRow | undefined) =>
  useQuery<ModelDetail>({
    queryKey: ["models", "one", model, version],
    select: (answer) => ({ ...answer, model: complete(answer.model, listed) }),
    queryFn: ({ signal }) => api.get<ModelDetail>(`api/models/${encodeURIComponent(model)}/${encodeURIComponent(version)}`, {}, signal),
    refetchInterval: 30_000,
    placeholderData: undefined,
  });

export const usePerformance = (enabled = true) =>
  useQuery({
    queryKey: ["models", "performance"],
    queryFn: ({ signal }) => orWithout(api.get<Performance>("api/models/performance", {}, signal), { ...NOTHING, models: [] }),
    enabled,
    refetchInterval: 60_000,
  });

export const useJobs = () =>
  useQuery({
    queryKey: ["models", "jobs"],
    queryFn: ({ signal }) => orWithout(api.get<Jobs>("api/models/jobs", {}, signal), { ...NOTHING, jobs: [] }),
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

export const useStopJob = () => useModelChange((id: string) => api.del<unknown>(`api/models/jobs/${encodeURIComponent(id)}`));
