// What a training found of its model, read from JSON that may lack anything. Pure functions of their arguments.

import type { ModelKind } from "../api/models";
import { SEEN } from "./defects";
import { HORIZONS, type Horizon } from "./horizons";

type Json = Record<string, unknown>;

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The metrics as an object, also where they came as text; empty where they are neither. */
export function metricsOf(value: unknown): Json {
  if (typeof value !== "string") return object(value);
  try {
    return object(JSON.parse(value));
  } catch {
    return {};
  }
}

/** A figure, with its 95 % interval where there is one. */
export interface Measured {
  value: number;
  low: number | null;
  high: number | null;
}

function measured(value: unknown): Measured | null {
  const plain = finite(value);
  if (plain !== null) return { value: plain, low: null, high: null };
  const parts = object(value);
  const found = finite(parts.value);
  return found === null ? null : { value: found, low: finite(parts.low), high: finite(parts.high) };
}

export type FigureName =
  | "recall"
  | "precision"
  | "f1"
  | "accuracy"
  | "ece"
  | "auc"
  | "average_precision"
  | "brier"
  | "prevalence"
  | "threshold"
  | "node_accuracy"
  | "edge_auc"
  | "map_visible"
  | "mask_iou"
  | "box_iou"
  | "map";

export interface Target {
  /** What the figure must be above; or below, where less is better. */
  limit: number;
  less: boolean;
}

export interface TestFigure {
  name: FigureName;
  target: Target | null;
  /** One for each horizon, or a single one without. */
  values: { horizon: Horizon | null; measured: Measured | null }[];
}

const above = (limit: number): Target => ({ limit, less: false });
const below = (limit: number): Target => ({ limit, less: true });

/** The figures of each kind, those with a target first. */
const FIGURES: Record<ModelKind, readonly (readonly [FigureName, Target | null])[]> = {
  forecaster: [
    ["recall", above(0.9)],
    ["precision", above(0.8)],
    ["f1", above(0.85)],
    ["ece", below(0.05)],
    ["accuracy", null],
    ["auc", null],
    ["average_precision", null],
    ["brier", null],
    ["threshold", null],
    ["prevalence", null],
  ],
  ensemble: [
    ["accuracy", above(0.92)],
    ["ece", below(0.05)],
    ["recall", null],
    ["precision", null],
    ["f1", null],
    ["auc", null],
    ["brier", null],
    ["threshold", null],
    ["prevalence", null],
  ],
  graph: [
    ["node_accuracy", above(0.88)],
    ["edge_auc", above(0.9)],
  ],
  inspector: [
    ["map_visible", above(0.85)],
    ["mask_iou", above(0.7)],
    ["box_iou", above(0.7)],
    ["map", null],
  ],
};

/** Links are judged by memories of several lengths, the longest last: it is the one that is asked for them. */
function areaOfLinks(of: Json): unknown {
  return Array.isArray(of.links) ? object(object(of.links.at(-1)).judged).auc : undefined;
}

/** What the test part of the data showed. Figures of which nothing is said are left out. */
export function testFigures(kind: ModelKind, metrics: unknown): TestFigure[] {
  const all = metricsOf(metrics);
  const { test } = all;
  const parts: { horizon: Horizon | null; of: Json }[] = Array.isArray(test)
    ? HORIZONS.map((horizon, index) => ({ horizon, of: object(test[index]) }))
    : [{ horizon: null, of: test === undefined ? all : object(test) }];
  return (FIGURES[kind] ?? []).flatMap(([name, target]) => {
    const values = parts.map(({ horizon, of }) => ({ horizon, measured: measured(name === "edge_auc" ? areaOfLinks(of) : of[name]) }));
    return values.some((entry) => entry.measured !== null) ? [{ name, target, values }] : [];
  });
}

/** Average precision of each type of defect that an inspector finds; empty for other kinds. */
export function byDefect(kind: ModelKind, metrics: unknown): { type: string; precision: number }[] {
  const { average_precision: of } = object(metricsOf(metrics).test);
  if (kind !== "inspector" || !Array.isArray(of)) return [];
  return SEEN.flatMap((type, index) => {
    const precision = finite(of[index]);
    return precision === null ? [] : [{ type, precision }];
  });
}

export function meets(target: Target, value: number): boolean {
  return target.less ? value < target.limit : value > target.limit;
}

/** How many of the figures that have a target meet it; a figure counts once for each horizon. */
export function targetsMet(figures: readonly TestFigure[]): { met: number; all: number } {
  let [met, all] = [0, 0];
  for (const { target, values } of figures) {
    if (target === null) continue;
    for (const { measured: found } of values) {
      if (found === null) continue;
      all += 1;
      if (meets(target, found.value)) met += 1;
    }
  }
  return { met, all };
}

/** The probability from which on each horizon's event is called. */
export function thresholdsOf(metrics: unknown): Record<Horizon, number | null> {
  const { thresholds, test } = metricsOf(metrics);
  const of = (index: number) =>
    finite(Array.isArray(thresholds) ? thresholds[index] : null) ?? finite(Array.isArray(test) ? object(test[index]).threshold : null);
  return { "1h": of(0), "4h": of(1), "24h": of(2) };
}

/** Of forecasts alike in probability: what was said, and how often it came. */
export interface ReliabilityBin {
  said: number;
  came: number;
  count: number;
}

/** What a sensor model says of each sensor. */
const STATES = ["failure", "anomaly"] as const;

/** What a curve is of: an event within a horizon, a sensor's state, or all that is said. */
export type CurveOf = Horizon | (typeof STATES)[number] | null;

export interface ReliabilityCurve {
  of: CurveOf;
  bins: ReliabilityBin[];
}

/** For each horizon, for each state of sensors, or a single curve; only those of which there is something to draw. */
export function reliability(metrics: unknown): ReliabilityCurve[] {
  const all = metricsOf(metrics);
  const { test } = all;
  const parts: { of: CurveOf; part: Json }[] = Array.isArray(test)
    ? HORIZONS.map((of, index) => ({ of, part: object(test[index]) }))
    : [{ of: null, part: { ...all, ...object(test) } }, ...STATES.map((of) => ({ of, part: object(object(test)[of]) }))];
  return parts.flatMap(({ of, part }) => {
    const bins = binsOf(part.reliability ?? part.bins ?? part.calibration);
    return bins.length === 0 ? [] : [{ of, bins }];
  });
}

function binsOf(value: unknown): ReliabilityBin[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const bin = object(entry);
    const said = finite(bin.confidence ?? bin.probability ?? bin.said);
    const came = finite(bin.frequency ?? bin.came ?? bin.share);
    const count = finite(bin.count ?? bin.n) ?? 1;
    return said === null || came === null || count <= 0 ? [] : [{ said, came, count }];
  });
}
