// The rows of the output tables and the answers of the HTTP API, as they travel: times are ISO 8601 texts in
// UTC, spans are seconds, a value that is not defined is null.

export type Severity = "CRITICAL" | "HIGH" | "MEDIUM" | "LOW";
export type Status = "OK" | "WARNING" | "CRITICAL" | "ERROR";
export type Role = "viewer" | "operator" | "engineer" | "admin";
export type MachineState = "production" | "setup" | "down" | "planned";
export type AlertState =
  | "active_unacknowledged"
  | "active_acknowledged"
  | "returned_unacknowledged"
  | "normal"
  | "shelved"
  | "suppressed"
  | "out_of_service"
  | "dismissed"
  | "withdrawn";
export type Scope = "hour" | "shift" | "day" | "week";
export type Direction = "high" | "low" | "variation";

export interface SensorRow {
  sensor_id: string;
  production_line: string;
  equipment_id: string;
  parameter_name: string;
  unit: string;
  period_s: number;
  span_low: number;
  span_high: number;
  target: number | null;
  sigma: number | null;
}

export interface LatestRow {
  sensor_id: string;
  at: string;
  value: number | null;
  status: Status;
  production_line: string;
  parameter_name: string;
}

export interface PaneRow {
  sensor_id: string;
  start: string;
  bad: number;
  uncertain: number;
  last_reading: string;
  status: Status;
  production_line: string;
  parameter_name: string;
  n: number;
  mean: number | null;
  std: number | null;
  min: number | null;
  max: number | null;
  first: number | null;
  last: number | null;
}

export interface MachineStateRow {
  production_line: string;
  start: string;
  end: string | null;
  state: MachineState;
  product: string;
  reason: string;
}

export interface KpiRow {
  scope: Scope;
  start: string;
  end: string;
  production_line: string;
  product: string;
  inspected: number;
  good: number;
  rework: number;
  scrap: number;
  defective: number;
  crack: number;
  bubble: number;
  chip: number;
  cloudiness: number;
  deformation: number;
  stain: number;
  stress_fracture: number;
  production_s: number;
  setup_s: number;
  down_s: number;
  planned_stop_s: number;
  planned_run_s: number;
  planned_good_s: number;
  defects: number;
  quality_ratio: number | null;
  first_pass_yield: number | null;
  availability: number | null;
  performance: number | null;
  oee: number | null;
  units_per_hour: number | null;
  target_units_per_hour: number | null;
  defects_per_1000: number | null;
  defect_rate: number | null;
  downtime_share: number | null;
}

export interface AlertRow {
  alert_id: string;
  raised_at: string;
  cleared_at: string | null;
  severity: Severity;
  state: AlertState;
  production_line: string;
  sensor_id: string | null;
  equipment_id: string | null;
  parameter_name: string | null;
  rule_id: number;
  message: string;
  recommended_action: string;
  peak: number | null;
  limit: number | null;
  acknowledged: boolean;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  shelved_until: string | null;
  responded_at: string | null;
  note: string | null;
  events: number;
  chattering: boolean;
  response_s: number | null;
}

export interface IncidentRow {
  production_line: string;
  effect: string;
  start: string;
  first: string;
  last: string;
  count: number;
}

export interface RootCauseRow {
  production_line: string;
  effect: string;
  incident: string;
  rank: number;
  edge_id: number;
  root_cause_id: string;
  cause: string;
  direction: Direction;
  confidence: number;
  deviation_sigmas: number;
  sensor_id: string;
  evidence_from: string;
  evidence_to: string;
  evidence_panes: number;
  peak: number;
  centre: number;
  effects: number;
  mechanism: string;
  recommended_action: string;
}

export interface EvidencePoint {
  at: string;
  value: number | null;
}

/** A root cause as the API answers it: the row, and what proves it. */
export interface RootCause extends RootCauseRow {
  parameter_name: string;
  deviation_magnitude: number;
  evidence: { sensor_id: string; points: EvidencePoint[] }[];
}

export interface OperatorEventRow {
  id: number;
  alert_id: string;
  at: string;
  action: string;
  by: string;
  reason: string;
}

export interface RuleRow {
  rule_id: number;
  name: string;
  enabled: boolean;
  subject: string;
  condition: string;
  severity: Severity;
  on_delay: number;
  off_delay: number;
  suppress_when_stopped: boolean;
  message: string;
  advice: string;
}

export interface ConditionRow {
  rule_id: number;
  production_line: string;
  sensor_id: string | null;
  start: string;
  end: string | null;
  panes: number;
  peak: number;
  limit: number;
}

export interface EdgeRow {
  edge_id: number;
  cause: string;
  effect: string;
  direction: Direction;
  threshold: number | null;
  confidence: number;
  lag_min_s: number;
  lag_max_s: number;
  mechanism: string;
  advice: string;
}

// --- answers ---------------------------------------------------------------------------------------------

export interface Answer {
  tick: number;
  now: string;
}

export interface Health extends Answer {
  status: "ok" | "degraded" | "failing";
  version: string;
  wall: string;
  uptime_s: number;
  lag: { ticks: number };
  readings_per_s: number;
  components: { name: string; status: string; detail?: string; behind?: number }[];
}

export interface Me {
  name: string;
  role: Role;
}

export interface LineSummary {
  line: string;
  clock: string | null;
  state: MachineStateRow | null;
  product: string | null;
  kpi_shift: KpiRow | null;
  kpi_hour: KpiRow | null;
  alerts: Record<Severity, number> & { unacknowledged: number };
}

export interface Lines extends Answer {
  lines: LineSummary[];
  /** IANA name of the plant's time zone. */
  time_zone: string;
}

export interface Limit {
  rule: string;
  low?: number;
  high?: number;
  value: number;
  severity: Severity;
}

export interface Sensor extends SensorRow {
  latest: LatestRow | null;
  setpoint: number | null;
  limits: Limit[];
}

export interface Sensors extends Answer {
  sensors: Sensor[];
}

export interface SeriesPoint {
  start: string;
  n: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  std: number | null;
  bad: number;
  uncertain: number;
}

export interface Series extends Answer {
  sensor: Sensor;
  resolution_s: number;
  points: SeriesPoint[];
  alerts: AlertRow[];
  setpoints: { start: string; value: number }[];
  limits: Limit[];
}

export interface Cards {
  total_defects: { value: number | null; previous: number | null; trend: number | null; shift_start: string | null };
  quality_rate: { value: number | null; sparkline: { start: string; value: number | null }[] };
  critical_alerts: { value: number | null };
  prediction_accuracy: { value: number | null; previous?: number | null; why?: string };
  production_rate: { value: number | null; target: number | null };
  response_time: {
    value_s: number | null;
    target_s: number;
    histogram: { upto_s: number | null; count: number }[];
  };
}

export interface KpiCards extends Answer {
  cards: Cards;
  by_line: Record<string, Cards>;
}

export interface Alerts extends Answer {
  alerts: AlertRow[];
  total: number;
}

export interface Investigation extends Answer {
  alert: AlertRow;
  events: OperatorEventRow[];
  signals: { sensor: Sensor; points: SeriesPoint[] }[];
  root_causes: RootCause[];
  conditions: ConditionRow[];
}

export type NodeKind = "equipment" | "parameter" | "defect";

export interface GraphNode {
  id: string;
  kind: NodeKind;
  label: string;
}

export interface GraphEdge extends EdgeRow {
  source: string;
  target: string;
}

export interface Subgraph extends Answer {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface RootCauses extends Answer {
  root_causes: RootCause[];
}

/** A rule with its numbers, where the server gives them beside the text of the condition. */
export interface Rule extends RuleRow {
  parameters?: Record<string, number | string>;
  limit?: number | null;
  deadband?: number | null;
}

export interface Rules extends Answer {
  rules: Rule[];
}

export interface Settings {
  update_s: { kpi: number; sensors: number };
  time_range: string;
  confidence: number;
  cards: string[];
  alerts: { sound: boolean; min_severity: Severity };
  action_mode: "manual" | "semi_automatic" | "automatic" | string;
}

export interface SqlColumn {
  name: string;
  type: string;
}

export type SqlCell = string | number | boolean | null;

export interface SqlResult extends Answer {
  columns: SqlColumn[];
  rows: SqlCell[][];
  elapsed_ms?: number;
}

/** A variable of an OPC UA server, with the sensor that its name suggests. */
export interface OfferedVariable {
  node: string;
  path: string[];
  type: string;
  array: boolean;
  unit: string | null;
  sensor_id: string | null;
}

export interface Offered extends Answer {
  endpoint: string;
  variables: OfferedVariable[];
}

export interface Source {
  name: string;
  protocol: string;
  address: string;
  state: "connecting" | "connected" | "away";
  since: string | null;
  error: string | null;
  messages: number;
  readings: number;
  unchanged: number;
  missed: number;
  refused: number;
  connections: number;
  last: { tag: string; value: number; at: string } | null;
}

export interface Sources extends Answer {
  sources: Source[];
}

export interface Store {
  name: string;
  kind: string;
  address: string;
  position: number;
  behind: number;
  waiting: number;
  oldest: string | null;
  delivered: number;
  error: string | null;
}

export interface Stores extends Answer {
  stores: Store[];
}

export interface Mirror {
  name: string;
  address: string;
  position: number;
  behind: number;
  error: string | null;
}

export interface Mirrors extends Answer {
  mirrors: Mirror[];
}

/** What somebody did in a mirror of the causal graph. */
export interface MirrorEdit {
  id: string;
  edit: "changed" | "added" | "removed" | "unusable" | "overtaken";
  edge_id: number | null;
  edge: { cause: string; effect: string; direction: Direction; confidence: number } | null;
  why: string | null;
}

export interface MirrorEdits extends Answer {
  holds: number;
  total: number;
  edits: MirrorEdit[];
}

export interface Imported extends Answer {
  imported: number;
  results: { id: string; outcome: "imported" | "refused" | "overtaken" | "unusable" | "unknown"; message: string }[];
}

export interface SqlTable {
  name: string;
  doc?: string;
  rows?: number;
  columns: { name: string; type: string; doc?: string }[];
}

export interface SavedQuery {
  name: string;
  title: string;
  about: string;
  sql: string;
}

export interface TwinValue {
  parameter: string;
  unit: string;
  value: number | null;
  sd: number | null;
}

export interface TwinControl {
  parameter: string;
  unit: string;
  setpoint: number;
  low: number;
  high: number;
}

export interface TwinForecast {
  parameter: string;
  horizon_min: number;
  mean: number | null;
  low: number | null;
  high: number | null;
}

export interface TwinAccuracy {
  parameter: string;
  horizon_min: number;
  n: number;
  rmse: number | null;
  rmse_persistence: number | null;
  bias: number | null;
  coverage: number | null;
}

export interface TwinMargin {
  mechanism: string;
  defect: string;
  load: number | null;
  limit: number | null;
  limit_sd: number | null;
  parameter: string;
  within_minute: boolean;
}

export interface TwinFinding {
  kind: string;
  equipment: string;
  parameter_name: string | null;
  start: string;
  end: string | null;
  strength: number;
  confidence: number;
}

export interface TwinLine {
  line: string;
  at: string;
  learned: number;
  values: TwinValue[];
  controls: TwinControl[];
  furnace: {
    profile: [number, number][];
    melt_level_mm: number | null;
    viscosity_melt_log10: number | null;
    viscosity_throat_log10: number | null;
    excess_air: number | null;
    smallest_refined_mm: number | null;
  };
  forming: {
    belt_speed_m_min: number | null;
    mold_temperature_c: number | null;
    pressure_mpa: number | null;
    gob_temperature_c: number | null;
    viscosity_gob_log10: number | null;
    gob_diameter_mm: number | null;
    gob_length_mm: number | null;
    devitrification_margin_k: number | null;
    forming_time_s: number | null;
  };
  annealing: {
    zones_c: number[];
    ideal_c: number[];
    cooling_rate_c_min: number | null;
    residual_surface_mpa: number | null;
    residual_middle_mpa: number | null;
    greatest_tension_mpa: number | null;
    fastest_c_min: number | null;
  };
  quality: {
    probability: Record<string, number | null>;
    margins: TwinMargin[];
    quality_score: number | null;
    production_rate_per_h: number | null;
    energy_kw: number | null;
    energy_per_unit_kwh: number | null;
  };
  forecasts: TwinForecast[];
  accuracy: TwinAccuracy[];
  deviation: {
    kind: string;
    equipment_id: string;
    parameter: string;
    confidence: number;
    evidence: { parameter: string; sigmas: number | null }[];
  } | null;
  findings: TwinFinding[];
}

export interface ShadowState extends Answer {
  lines: TwinLine[];
}

export interface TwinSetting {
  parameter: string;
  value: number;
}

export type WhatIfBody = { line: string; duration: string; consequences: boolean } & (
  | { mode: "several"; settings: TwinSetting[] }
  | { mode: "best"; ranges: { parameter: string; low: number; high: number }[] }
  | { mode: "stress"; parameter: string; until: number }
);

export interface Scenario {
  scenario_id: number;
  name: string;
  production_line: string;
  duration_s: number;
  settings: string;
  by: string;
  made_at: string;
}

export interface Scenarios extends Answer {
  scenarios: Scenario[];
}

export interface ScenarioAnswers extends Answer {
  answers: (WhatIfAnswer & { scenario_id: number; name: string })[];
}

export type RecommendationState = "proposed" | "approved" | "rejected" | "withdrawn";
export type TwinBand = "change" | "low" | "high";

/** A proposed change of set-points as it stands in its table. */
export type RecommendationRow = {
  recommendation_id: string;
  production_line: string;
  state: RecommendationState;
  made_at: string;
  by: string;
  origin: "what_if" | "agent";
  reason: string;
  large: boolean;
  decided_at: string | null;
  decided_by: string | null;
  decision_reason: string | null;
  settings: string;
  duration_s: number;
  effect_min: number | null;
  effect_min_low: number | null;
  effect_min_high: number | null;
  /** It goes beyond what the twin had seen on this line. */
  unseen: boolean;
} & { [column in `${TwinFigure}_${TwinBand}`]: number | null };

/** The same as the API answers it, with its steps one by one. */
export type Recommendation = RecommendationRow & {
  changes: { parameter: string; unit: string; from: number; to: number; large: boolean }[];
};

export interface Recommendations extends Answer {
  recommendations: Recommendation[];
  total: number;
}

export interface TwinEstimate {
  value: number | null;
  low: number | null;
  high: number | null;
}

export type TwinFigure = "defect_rate" | "quality_score" | "rate_per_h" | "energy_kw";
export type TwinOutcome = Record<TwinFigure, number | null> & { defect_rates: Record<string, number | null> };

export interface WhatIfAnswer extends Answer {
  settings: TwinSetting[];
  baseline: TwinOutcome;
  scenario: TwinOutcome;
  changes: Record<TwinFigure, TwinEstimate> & { defect_rates: Record<string, TwinEstimate> };
  time_to_effect_min: TwinEstimate | null;
  unseen: { parameter: string; seen_low: number | null; seen_high: number | null }[];
  failure: { at: number; mode: string; earliest: number; latest: number } | null;
  assumptions: string[];
  consequences: { baseline: TwinConsequences; scenario: TwinConsequences } | null;
  elapsed_ms: number;
}

/** What a scenario would set off, as if it had been the line. */
export interface TwinConsequences {
  alerts: AlertRow[];
  kpis: KpiRow[];
  root_causes: RootCauseRow[];
}
