// What the dashboard knows from the frame stream, as a pure function of the messages: a snapshot replaces a
// channel's tables, a frame takes away and adds rows, a reset forgets them. Bounded: a sensor keeps its
// newest `PANES_KEPT` panes, restatements the newest `RESTATED_KEPT`, every other table `ROWS_KEPT` rows.

import { isOpen } from "../lib/severity";
import type { ForecastRow, SensorVerdictRow } from "../api/predictions";
import type {
  AlertRow,
  IncidentRow,
  KpiRow,
  LatestRow,
  MachineStateRow,
  PaneRow,
  RecommendationRow,
  RootCauseRow,
} from "../api/types";

/** Four hours of one-minute panes: the longest mini trend. 66 sensors × 240 × ~200 B ≈ 3 MB. */
export const PANES_KEPT = 240;
/** Marks of corrected values; older ones are in the audit tables of the server. */
export const RESTATED_KEPT = 200;

/** Rows of a table that grows with time (alerts that are over, past periods); the ones that changed last stay. */
export const ROWS_KEPT = 2_000;

export type Channel = "sensors" | "predictions" | "alerts" | "recommendations" | "quality";
export const CHANNELS: readonly Channel[] = ["sensors", "predictions", "alerts", "recommendations", "quality"];

export interface Message {
  type: string;
  channel: string;
  timestamp: string;
  tick: number;
  data?: unknown;
}

type Rows = Record<string, unknown[] | undefined>;

/** A value that late data changed. */
export interface Restated {
  key: string;
  at: string;
  tick: number;
  before: number | null;
  after: number | null;
  start: string;
}

export interface LiveState {
  /** Plant time of the newest message. */
  now: string | null;
  /** Plant time of the newest snapshot or frame of sensors: the values are as of then. */
  sensorsAt: string | null;
  /** The last tick of each channel whose changes are contained; from it a reconnect resumes. */
  ticks: Readonly<Record<Channel, number | null>>;
  latest: ReadonlyMap<string, LatestRow>;
  panes: ReadonlyMap<string, readonly PaneRow[]>;
  forecasts: ReadonlyMap<string, ForecastRow>;
  sensorVerdicts: ReadonlyMap<string, SensorVerdictRow>;
  alerts: ReadonlyMap<string, AlertRow>;
  rootCauses: ReadonlyMap<string, RootCauseRow>;
  recommendations: ReadonlyMap<string, RecommendationRow>;
  kpis: ReadonlyMap<string, KpiRow>;
  machineStates: ReadonlyMap<string, MachineStateRow>;
  incidents: ReadonlyMap<string, IncidentRow>;
  restated: ReadonlyMap<string, Restated>;
}

export const EMPTY: LiveState = {
  now: null,
  sensorsAt: null,
  ticks: { sensors: null, predictions: null, alerts: null, recommendations: null, quality: null },
  latest: new Map(),
  panes: new Map(),
  forecasts: new Map(),
  sensorVerdicts: new Map(),
  alerts: new Map(),
  rootCauses: new Map(),
  recommendations: new Map(),
  kpis: new Map(),
  machineStates: new Map(),
  incidents: new Map(),
  restated: new Map(),
};

export const paneKey = (row: { sensor_id: string; start: string }) => `pane ${row.sensor_id} ${row.start}`;
export const kpiKey = (row: { scope: string; start: string; production_line: string; product: string }) =>
  `kpi ${row.scope} ${row.start} ${row.production_line} ${row.product}`;

type PlainTable =
  | "latest"
  | "forecasts"
  | "sensorVerdicts"
  | "alerts"
  | "rootCauses"
  | "recommendations"
  | "kpis"
  | "machineStates"
  | "incidents";

/** How the rows of each plain table are identified, under the name that the server gives the table. */
const TABLES: Record<Channel, { wire: string; field: PlainTable; key: (row: never) => string }[]> = {
  sensors: [{ wire: "latest", field: "latest", key: (row: LatestRow) => row.sensor_id }],
  predictions: [
    { wire: "forecasts", field: "forecasts", key: (row: ForecastRow) => `${row.production_line} ${row.at}` },
    { wire: "sensor_verdicts", field: "sensorVerdicts", key: (row: SensorVerdictRow) => row.sensor_id },
  ],
  alerts: [
    { wire: "alerts", field: "alerts", key: (row: AlertRow) => row.alert_id },
    { wire: "root_causes", field: "rootCauses", key: (row: RootCauseRow) => row.root_cause_id },
  ],
  recommendations: [{ wire: "recommendations", field: "recommendations", key: (row: RecommendationRow) => row.recommendation_id }],
  quality: [
    { wire: "kpis", field: "kpis", key: kpiKey },
    { wire: "machine_states", field: "machineStates", key: (row: MachineStateRow) => `${row.production_line} ${row.start}` },
    { wire: "incidents", field: "incidents", key: (row: IncidentRow) => `${row.production_line} ${row.effect} ${row.start}` },
  ],
};

function isChannel(name: string): name is Channel {
  return (CHANNELS as readonly string[]).includes(name);
}

export function reduce(state: LiveState, message: Message): LiveState {
  const now = state.now === null || message.timestamp > state.now ? message.timestamp : state.now;
  if (!isChannel(message.channel) || message.type === "heartbeat") return { ...state, now };
  const channel = message.channel;
  if (message.type === "reset") {
    return { ...clear(state, channel), now, ticks: { ...state.ticks, [channel]: null } };
  }
  const ticks = { ...state.ticks, [channel]: message.tick };
  const sensorsAt = channel === "sensors" ? message.timestamp : state.sensorsAt;
  if (message.type === "snapshot") {
    const rows = (message.data ?? {}) as Rows;
    return { ...fill(clear(state, channel), channel, rows), now, sensorsAt, ticks };
  }
  // A frame that the state already contains: sent again after a reconnect.
  const known = state.ticks[channel];
  if (known !== null && message.tick <= known) return { ...state, now };
  const { added = {}, removed = {} } = (message.data ?? {}) as { added?: Rows; removed?: Rows };
  return { ...change(state, channel, added, removed, message), now, sensorsAt, ticks };
}

function clear(state: LiveState, channel: Channel): LiveState {
  // Panes that were collected stay: a snapshot brings the newest of each sensor only, and the trend before it
  // is still what the server said.
  return { ...state, ...Object.fromEntries(TABLES[channel].map((table) => [table.field, new Map()])) };
}

function fill(state: LiveState, channel: Channel, rows: Rows): LiveState {
  let next: LiveState = state;
  for (const { wire, field, key } of TABLES[channel]) {
    const list = (rows[wire] ?? []) as never[];
    next = { ...next, [field]: new Map(list.map((row) => [key(row), row])) };
  }
  if (channel === "sensors") next = { ...next, panes: mergePanes(next.panes, (rows.panes ?? []) as PaneRow[], []) };
  return next;
}

function change(state: LiveState, channel: Channel, added: Rows, removed: Rows, message: Message): LiveState {
  let next: LiveState = state;
  for (const { wire, field, key } of TABLES[channel]) {
    const less = (removed[wire] ?? []) as never[];
    const more = (added[wire] ?? []) as never[];
    if (less.length === 0 && more.length === 0) continue;
    const table = new Map(next[field] as ReadonlyMap<string, unknown>);
    for (const row of less) table.delete(key(row));
    for (const row of more) {
      table.delete(key(row));
      table.set(key(row), row);
    }
    if (table.size > ROWS_KEPT) prune(table, field);
    next = { ...next, [field]: table };
  }
  if (channel === "sensors") {
    const less = (removed.panes ?? []) as PaneRow[];
    const more = (added.panes ?? []) as PaneRow[];
    const marks = restatedPanes(state, less, more, message);
    next = { ...next, panes: mergePanes(next.panes, more, less), restated: remember(next.restated, marks) };
  }
  if (channel === "quality") {
    const marks = restatedKpis(state, (removed.kpis ?? []) as KpiRow[], (added.kpis ?? []) as KpiRow[], message);
    next = { ...next, restated: remember(next.restated, marks) };
  }
  return next;
}

/** Takes the rows away that have not changed for longest; never an alert or a recommendation that is still open. */
function prune(table: Map<string, unknown>, field: PlainTable): void {
  for (const [key, row] of table) {
    if (table.size <= ROWS_KEPT) return;
    if (!waits(field, row)) table.delete(key);
  }
}

function waits(field: PlainTable, row: unknown): boolean {
  if (field === "recommendations") return (row as RecommendationRow).state === "proposed";
  return field === "alerts" && isOpen(row as AlertRow);
}

/** The panes of each sensor, ascending by start, the newest `PANES_KEPT`. */
export function mergePanes(
  panes: ReadonlyMap<string, readonly PaneRow[]>,
  added: readonly PaneRow[],
  removed: readonly PaneRow[],
): ReadonlyMap<string, readonly PaneRow[]> {
  if (added.length === 0 && removed.length === 0) return panes;
  const touched = new Map<string, Map<string, PaneRow>>();
  const of = (sensor: string) => {
    let rows = touched.get(sensor);
    if (rows === undefined) {
      rows = new Map((panes.get(sensor) ?? []).map((row) => [row.start, row]));
      touched.set(sensor, rows);
    }
    return rows;
  };
  for (const row of removed) of(row.sensor_id).delete(row.start);
  for (const row of added) of(row.sensor_id).set(row.start, row);
  const next = new Map(panes);
  for (const [sensor, rows] of touched) {
    const sorted = [...rows.values()].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    next.set(sensor, sorted.slice(-PANES_KEPT));
  }
  return next;
}

function restatedPanes(state: LiveState, removed: readonly PaneRow[], added: readonly PaneRow[], message: Message): Restated[] {
  const before = new Map(removed.map((row) => [paneKey(row), row]));
  const marks: Restated[] = [];
  for (const row of added) {
    const old = before.get(paneKey(row));
    const newest = state.panes.get(row.sensor_id)?.at(-1)?.start;
    if (old === undefined || newest === undefined || row.start >= newest || old.mean === row.mean) continue;
    marks.push(mark(paneKey(row), row.start, old.mean, row.mean, message));
  }
  return marks;
}

function restatedKpis(state: LiveState, removed: readonly KpiRow[], added: readonly KpiRow[], message: Message): Restated[] {
  const newest = new Map<string, string>();
  const series = (row: KpiRow) => `${row.scope} ${row.production_line} ${row.product}`;
  for (const row of state.kpis.values()) {
    const known = newest.get(series(row));
    if (known === undefined || row.start > known) newest.set(series(row), row.start);
  }
  const before = new Map(removed.map((row) => [kpiKey(row), row]));
  const marks: Restated[] = [];
  for (const row of added) {
    const old = before.get(kpiKey(row));
    const last = newest.get(series(row));
    if (old === undefined || last === undefined || row.start >= last || old.quality_ratio === row.quality_ratio) continue;
    marks.push(mark(kpiKey(row), row.start, old.quality_ratio, row.quality_ratio, message));
  }
  return marks;
}

function mark(key: string, start: string, before: number | null, after: number | null, message: Message): Restated {
  return { key, start, before, after, at: message.timestamp, tick: message.tick };
}

function remember(known: ReadonlyMap<string, Restated>, marks: readonly Restated[]): ReadonlyMap<string, Restated> {
  if (marks.length === 0) return known;
  const next = new Map(known);
  for (const entry of marks) {
    // The first value that was shown stays the one to compare with.
    const first = next.get(entry.key);
    next.delete(entry.key);
    next.set(entry.key, first === undefined ? entry : { ...entry, before: first.before });
  }
  while (next.size > RESTATED_KEPT) next.delete(next.keys().next().value as string);
  return next;
}
