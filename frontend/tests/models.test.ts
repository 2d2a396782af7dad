import { describe, expect, test } from "vitest";
import type { HitFigures, ModelPerformance, ModelRow } from "../src/api/models";
import { metricsOf, reliability, targetsMet, testFigures, thresholdsOf } from "../src/lib/modelMetrics";
import { axis, byDay, byVersion, ofKind, overall, size, withAlias } from "../src/tabs/models/versions";

const figure = (value: number) => ({ value, low: value - 0.02, high: value + 0.02 });
const horizon = (recall: number, more: object = {}) => ({ recall: figure(recall), precision: figure(0.85), f1: null, ece: 0.03, threshold: 0.4, ...more });
const metrics = { test: [horizon(0.95), horizon(0.9), horizon(0.85)], thresholds: [0.2, 0.3, 0.94] };

describe("what a training found", () => {
  test("is read per horizon, from JSON or its text, with intervals", () => {
    for (const given of [metrics, JSON.stringify(metrics)]) {
      const [recall] = testFigures("forecaster", given);
      expect(recall?.name).toBe("recall");
      expect(recall?.values.map((entry) => [entry.horizon, entry.measured?.value])).toEqual([
        ["1h", 0.95],
        ["4h", 0.9],
        ["24h", 0.85],
      ]);
      expect(recall?.values[0]?.measured?.low).toBeCloseTo(0.93);
    }
  });

  test("figures of which nothing is said are left out, and a target must be passed, not met", () => {
    const figures = testFigures("forecaster", metrics);
    expect(figures.map(({ name }) => name)).toEqual(["recall", "precision", "ece", "threshold"]);
    expect(targetsMet(figures)).toEqual({ met: 1 + 3 + 3, all: 9 });
  });

  test("models without horizons have one value a figure", () => {
    const figures = testFigures("inspector", { test: { map_visible: 0.9, mask_iou: 0.6, box_iou: 0.71 } });
    expect(figures.map(({ name, values }) => [name, values.length])).toEqual([
      ["map_visible", 1],
      ["mask_iou", 1],
      ["box_iou", 1],
    ]);
    expect(targetsMet(figures)).toEqual({ met: 2, all: 3 });
    expect(testFigures("graph", { node_accuracy: 0.9 })).toHaveLength(1);
  });

  test("links are judged by the longest memory", () => {
    const links = [0.54, 0.95].map((area) => ({ judged: { auc: figure(area) } }));
    const [edges] = testFigures("graph", { test: { links } });
    expect([edges?.name, edges?.values[0]?.measured?.value]).toEqual(["edge_auc", 0.95]);
  });

  test("nonsense is no figure", () => {
    for (const given of [null, undefined, 7, "{", "[]", { test: "good" }, { test: [null, 3] }]) {
      expect(testFigures("forecaster", given)).toEqual([]);
      expect(reliability(given)).toEqual([]);
      expect(thresholdsOf(given)).toEqual({ "1h": null, "4h": null, "24h": null });
    }
    expect(metricsOf("null")).toEqual({});
  });

  test("thresholds are those that were chosen, or those of the test", () => {
    expect(thresholdsOf(metrics)).toEqual({ "1h": 0.2, "4h": 0.3, "24h": 0.94 });
    expect(thresholdsOf({ test: metrics.test })).toEqual({ "1h": 0.4, "4h": 0.4, "24h": 0.4 });
  });

  test("a curve of calibration is read where there is one; empty bins are no points", () => {
    const bins = [
      { count: 9, confidence: 0.1, frequency: 0.2 },
      { count: 0, confidence: 0.5, frequency: 0 },
    ];
    const found = reliability({ test: [horizon(0.9, { reliability: bins }), horizon(0.9), horizon(0.9)] });
    expect(found).toEqual([{ of: "1h", bins: [{ said: 0.1, came: 0.2, count: 9 }] }]);
    const ofSensors = reliability({ test: { node_accuracy: 0.9, failure: { reliability: bins }, anomaly: { ece: 0.1 } } });
    expect(ofSensors.map(({ of }) => of)).toEqual(["failure"]);
  });
});

describe("versions", () => {
  const row = (version: string, aliases: ModelRow["aliases"] = [], model: ModelRow["model"] = "forecaster") => ({ model, version, aliases }) as ModelRow;

  test("are ordered as numbers, the highest first", () => {
    const rows = [row("1.9.0"), row("1.10.0"), row("2.0.0"), row("1.10.1")];
    expect(rows.sort(byVersion).map(({ version }) => version)).toEqual(["2.0.0", "1.10.1", "1.10.0", "1.9.0"]);
  });

  test("are found by kind and alias", () => {
    const rows = [row("1.0.0", ["production"]), row("1.1.0", ["challenger"]), row("1.0.0", ["production"], "graph")];
    expect(ofKind(rows, "forecaster").map(({ version }) => version)).toEqual(["1.1.0", "1.0.0"]);
    expect(withAlias(ofKind(rows, "forecaster"), "production")?.version).toBe("1.0.0");
    expect(withAlias(ofKind(rows, "graph"), "previous")).toBeNull();
  });

  test("sizes are told in the unit that fits", () => {
    expect([880_853, 43_500_120].map(size).map((text) => text.replace("\u202f", " "))).toEqual(["881 kB", "43.5 MB"]);
  });
});

describe("how they hold", () => {
  const hits = (n: number, accuracy: number | null): HitFigures => ({ n, accuracy, precision: null, recall: null, f1: null, calibration_error: null });
  const day = (d: number) => `2026-01-${String(d).padStart(2, "0")}T00:00:00.000Z`;
  const of = (model: ModelPerformance["model"], days: [number, HitFigures][], weeks: typeof days): ModelPerformance => {
    const period = (parts: typeof days) => ({ from: day(1), horizons: parts.map(([horizon_s, figures]) => ({ horizon_s, ...figures })) });
    return { model, version: "1.0.0", metrics: {}, day: period(days), week: period(weeks), history: [] };
  };

  test("days without a figure are gaps, horizons are lines", () => {
    const version = "1.0.0";
    const history = [
      { day: day(4), version, horizon_s: 86_400, ...hits(0, 0.5) },
      { day: day(4), version, horizon_s: 3_600, ...hits(9, 0.9) },
      { day: day(4), version: "1.0.1", horizon_s: 3_600, ...hits(3, 0.1) },
      { day: day(1), version, horizon_s: 3_600, ...hits(9, 0.8) },
      { day: day(2), version, horizon_s: 77, ...hits(9, 0.1) },
    ];
    const { time, lines } = byDay(history, "accuracy");
    expect(time).toHaveLength(4);
    expect(lines).toEqual([
      { horizon: "1h", values: [0.8, null, null, 0.9] },
      { horizon: "24h", values: [null, null, null, null] },
    ]);
    expect(byDay([], "accuracy")).toEqual({ time: [], lines: [] });
  });

  test("the axis holds the values by tenths and is never too fine", () => {
    expect(axis([{ values: [0.91, null, 0.96] }])).toEqual([0.8, 1]);
    expect(axis([{ values: [0.02, 0.04] }])).toEqual([0, 0.2]);
    expect(axis([{ values: [0.35, 0.88] }])).toEqual([0.3, 0.9]);
    expect(axis([])).toEqual([0, 1]);
  });

  test("overall figures are the ensemble's, weighed by what was checked; else the forecaster's", () => {
    const forecaster = of("forecaster", [[3_600, hits(10, 0.5)]], [[3_600, hits(10, 0.6)]]);
    const ensemble = of(
      "ensemble",
      [
        [3_600, hits(30, 0.9)],
        [14_400, hits(10, 0.5)],
      ],
      [],
    );
    expect(overall([forecaster, ensemble]).day).toBeCloseTo(0.8);
    expect(overall([forecaster, of("ensemble", [], [])])).toEqual({ day: 0.5, week: 0.6 });
    expect(overall([])).toEqual({ day: null, week: null });
    expect(overall([of("forecaster", [[3_600, hits(0, null)]], [])])).toEqual({ day: null, week: null });
    expect(overall([{ ...forecaster, day: null, week: null }])).toEqual({ day: null, week: null });
  });
});
