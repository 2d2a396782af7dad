// Server state: one hook per question, one key per answer.

import { QueryClient, keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, api } from "./client";
import type {
  AlertRow,
  Alerts,
  EdgeRow,
  Health,
  Imported,
  Investigation,
  KpiCards,
  Lines,
  Me,
  MirrorEdits,
  Mirrors,
  Offered,
  Recommendation,
  Recommendations,
  RootCauses,
  ScenarioAnswers,
  Scenarios,
  Rule,
  Rules,
  SavedQuery,
  Sensors,
  Series,
  Settings,
  ShadowState,
  Sources,
  SqlResult,
  SqlTable,
  Stores,
  Subgraph,
  TwinSetting,
  WhatIfAnswer,
  WhatIfBody,
} from "./types";

/** One retry after a failure of the network; none after an answer that says no. */
function retry(count: number, error: Error): boolean {
  return count < 1 && error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

export const queryClient = new QueryClient({
  defaultOptions: { queries: { retry, staleTime: 2_000, refetchOnWindowFocus: false, placeholderData: keepPreviousData } },
});

export const useMe = () => useQuery({ queryKey: ["me"], queryFn: ({ signal }) => api.get<Me>("api/me", {}, signal), staleTime: Infinity });

export const useHealth = () =>
  useQuery({ queryKey: ["health"], queryFn: ({ signal }) => api.get<Health>("api/health", {}, signal), refetchInterval: 10_000 });

export const useSources = () =>
  useQuery({ queryKey: ["sources"], queryFn: ({ signal }) => api.get<Sources>("api/sources", {}, signal), refetchInterval: 3_000 });

export const useStores = () =>
  useQuery({ queryKey: ["stores"], queryFn: ({ signal }) => api.get<Stores>("api/stores", {}, signal), refetchInterval: 3_000 });

export const useBrowse = () =>
  useMutation({ mutationFn: (wanted: { endpoint: string; start?: string }) => api.post<Offered>("api/sources/browse", wanted) });

export const useAllSensors = () =>
  useQuery({ queryKey: ["sensors", "all"], queryFn: ({ signal }) => api.get<Sensors>("api/sensors", {}, signal), staleTime: 60_000 });

export const useSettings = () =>
  useQuery({ queryKey: ["settings"], queryFn: ({ signal }) => api.get<Settings>("api/settings", {}, signal), staleTime: 60_000 });

export const useLines = () =>
  useQuery({ queryKey: ["lines"], queryFn: ({ signal }) => api.get<Lines>("api/lines", {}, signal), refetchInterval: 10_000 });

export const useCards = (everyS: number) =>
  useQuery({
    queryKey: ["cards"],
    queryFn: ({ signal }) => api.get<KpiCards>("api/kpis/cards", {}, signal),
    refetchInterval: everyS * 1000,
  });

export const useSensors = (line: string | null) =>
  useQuery({
    queryKey: ["sensors", line],
    queryFn: ({ signal }) => api.get<Sensors>("api/sensors", { line }, signal),
    enabled: line !== null,
    refetchInterval: 60_000,
  });

export const useSeries = (sensor: string | null, from: number, to: number, points: number, live: boolean) =>
  useQuery({
    queryKey: ["series", sensor, from, to, points],
    queryFn: ({ signal }) =>
      api.get<Series>(
        `api/sensors/${encodeURIComponent(sensor ?? "")}/series`,
        { from: new Date(from).toISOString(), to: new Date(to).toISOString(), points },
        signal,
      ),
    enabled: sensor !== null && to > from,
    staleTime: live ? 2_000 : 60_000,
    placeholderData: (old) => (old?.sensor.sensor_id === sensor ? old : undefined),
  });

export interface AlertFilter {
  severity_filter?: string | undefined;
  time_range?: string | undefined;
  acknowledged?: string | undefined;
  line?: string | undefined;
  state?: string | undefined;
}

export const useAlerts = (filter: AlertFilter) =>
  useQuery({
    queryKey: ["alerts", filter],
    queryFn: ({ signal }) => api.get<Alerts>("api/alerts", { ...filter }, signal),
    refetchInterval: 30_000,
  });

export const useInvestigation = (id: string | null) =>
  useQuery({
    queryKey: ["investigation", id],
    queryFn: ({ signal }) => api.get<Investigation>(`api/alerts/${encodeURIComponent(id ?? "")}`, {}, signal),
    enabled: id !== null,
    refetchInterval: 15_000,
    placeholderData: undefined,
  });

export type AlertAction =
  | "acknowledge"
  | "shelve"
  | "unshelve"
  | "dismiss"
  | "note"
  | "respond"
  | "out-of-service"
  | "return-to-service";

export interface ActionRequest {
  id: string;
  action: AlertAction;
  reason?: string;
  for?: string;
  one_shot?: boolean;
}

export function useAlertAction() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, action, reason, ...more }: ActionRequest) =>
      api.post<{ alert: AlertRow; tick: number }>(`api/alerts/${encodeURIComponent(id)}/${action}`, {
        ...(reason === undefined || reason === "" ? {} : { reason }),
        ...more,
      }),
    onSuccess: (_, { id }) => {
      void client.invalidateQueries({ queryKey: ["investigation", id] });
      void client.invalidateQueries({ queryKey: ["alerts"] });
      void client.invalidateQueries({ queryKey: ["cards"] });
    },
  });
}

export const useSubgraph = () =>
  useQuery({ queryKey: ["subgraph"], queryFn: ({ signal }) => api.get<Subgraph>("api/knowledge-graph/subgraph", {}, signal) });

export const useRootCauses = (effect: string | null, minConfidence: number, line: string | null) =>
  useQuery({
    queryKey: ["root-cause", effect, minConfidence, line],
    queryFn: ({ signal }) =>
      api.get<RootCauses>("api/knowledge-graph/root-cause", { defect_type: effect, min_confidence: minConfidence, line }, signal),
    enabled: effect !== null,
    refetchInterval: 15_000,
    placeholderData: undefined,
  });

export type EdgeEdit = Omit<EdgeRow, "edge_id"> & { reason: string };

export function useEdgeEdit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, edit }: { id: number; edit: EdgeEdit }) => api.put<unknown>(`api/knowledge-graph/edges/${id}`, edit),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["subgraph"] });
      void client.invalidateQueries({ queryKey: ["root-cause"] });
    },
  });
}

export const useMirrors = () =>
  useQuery({
    queryKey: ["mirrors"],
    queryFn: ({ signal }) => api.get<Mirrors>("api/knowledge-graph/mirrors", {}, signal),
    refetchInterval: 10_000,
  });

export const useMirrorEdits = (mirror: string) =>
  useQuery({
    queryKey: ["mirrors", mirror, "edits"],
    queryFn: ({ signal }) => api.get<MirrorEdits>(`api/knowledge-graph/mirrors/${encodeURIComponent(mirror)}/edits`, {}, signal),
    refetchInterval: 15_000,
  });

export function useImport(mirror: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (wanted: { edits: string[]; reason: string }) =>
      api.post<Imported>(`api/knowledge-graph/mirrors/${encodeURIComponent(mirror)}/import`, wanted),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["mirrors"] });
      void client.invalidateQueries({ queryKey: ["subgraph"] });
      void client.invalidateQueries({ queryKey: ["root-cause"] });
    },
  });
}

export const useShadowState = (line: string | null) =>
  useQuery({
    queryKey: ["shadow-state", line],
    queryFn: ({ signal }) => api.get<ShadowState>("api/digital-twin/shadow-state", { line }, signal),
    enabled: line !== null,
    refetchInterval: 10_000,
    placeholderData: (old) => (old?.lines[0]?.line === line ? old : undefined),
  });

/** The answer to a question; the last one stays while the next is under way. */
export const useWhatIf = (body: WhatIfBody | null) =>
  useQuery({
    queryKey: ["what-if", body],
    queryFn: ({ signal }) => api.post<WhatIfAnswer>("api/digital-twin/what-if", body, signal),
    enabled: body !== null,
    staleTime: 30_000,
    placeholderData: body === null ? undefined : keepPreviousData,
  });

export const useScenarios = (line: string) =>
  useQuery({
    queryKey: ["scenarios", line],
    queryFn: ({ signal }) => api.get<Scenarios>("api/digital-twin/scenarios", { line }, signal),
  });

/** So many scenarios of a comparison are answered at once. */
const COMPARED_MOST = 20;

export const useScenarioAnswers = (ids: readonly number[]) => {
  const scenarios = ids.slice(0, COMPARED_MOST);
  return useQuery({
    queryKey: ["scenario-answers", scenarios],
    queryFn: ({ signal }) => api.post<ScenarioAnswers>("api/digital-twin/compare", { scenarios }, signal),
    enabled: scenarios.length > 0,
    refetchInterval: 30_000,
  });
};

export function useKeepScenario() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (scenario: { name: string; line: string; duration: string; settings: TwinSetting[] }) =>
      api.post<unknown>("api/digital-twin/scenarios", scenario),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["scenarios"] }),
  });
}

export function useRemoveScenario() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => api.del<unknown>(`api/digital-twin/scenarios/${id}`),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["scenarios"] }),
  });
}

/** Asked again when the stream says that something changed; now and then in any case. */
export const useRecommendations = (line: string | null) =>
  useQuery({
    queryKey: ["recommendations", line],
    queryFn: ({ signal }) => api.get<Recommendations>("api/recommendations", { line }, signal),
    refetchInterval: 60_000,
  });

/** Characters of the longest reason that the server takes, to propose or to decide. */
export const RECOMMENDATION_REASON_MOST = 1000;

export interface Proposal {
  line: string;
  duration: string;
  settings: TwinSetting[];
  reason: string;
}

type Recommended = { recommendation: Recommendation };

export function usePropose() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (proposal: Proposal) => api.post<Recommended>("api/recommendations", proposal),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["recommendations"] }),
  });
}

export type DecisionName = "approve" | "reject" | "withdraw";

export function useDecide() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision, reason }: { id: string; decision: DecisionName; reason: string }) =>
      api.post<Recommended>(`api/recommendations/${encodeURIComponent(id)}/decision`, {
        decision,
        ...(reason === "" ? {} : { reason }),
      }),
    // Also after a refusal: somebody else may have decided meanwhile.
    onSettled: () => void client.invalidateQueries({ queryKey: ["recommendations"] }),
  });
}

export const useRules = () => useQuery({ queryKey: ["rules"], queryFn: ({ signal }) => api.get<Rules>("api/rules", {}, signal) });

export function useRuleEdit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, edit }: { id: number; edit: Partial<Rule> & { reason: string } }) => api.put<unknown>(`api/rules/${id}`, edit),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["rules"] });
      void client.invalidateQueries({ queryKey: ["sensors"] });
    },
  });
}

export function useSettingsEdit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (settings: Settings) => api.put<unknown>("api/settings", settings),
    onSuccess: (_, settings) => {
      client.setQueryData(["settings"], settings);
      void client.invalidateQueries({ queryKey: ["settings"] });
    },
  });
}

export interface SqlRequest {
  query: string;
  as_of?: { tick: number } | { time: string };
}

/** SQL cannot be cached by its text: each run asks what holds now. */
export const runSql = (request: SqlRequest, signal?: AbortSignal) => api.post<SqlResult>("api/sql", { ...request, format: "json" }, signal);

export const useSqlTables = () =>
  useQuery({
    queryKey: ["sql-tables"],
    queryFn: ({ signal }) => api.get<{ tables: SqlTable[] }>("api/sql/tables", {}, signal),
    staleTime: Infinity,
  });

export const useSavedQueries = () =>
  useQuery({
    queryKey: ["sql-saved"],
    queryFn: async ({ signal }) => {
      const answer = await api.get<{ saved?: SavedQuery[]; queries?: SavedQuery[] } | SavedQuery[]>("api/sql/saved", {}, signal);
      return Array.isArray(answer) ? answer : (answer.saved ?? answer.queries ?? []);
    },
    staleTime: Infinity,
  });
