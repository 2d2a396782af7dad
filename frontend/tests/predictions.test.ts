import { describe, expect, test } from "vitest";
import type { ForecastRow, SensorVerdictRow } from "../src/api/predictions";
import { chance } from "../src/lib/format";
import { horizonOf } from "../src/lib/horizons";
import { EMPTY, reduce, type Message } from "../src/live/reducer";
import { busiest, bySuspicion, course, held, merged, newestOf, NO_THRESHOLDS, outlook, said, strongest } from "../src/tabs/predictions/forecast";

const T0 = Date.parse("2026-01-31T06:00:00.000Z");
const at = (minute: number) => new Date(T0 + minute * 60_000).toISOString();

interface Told {
  p?: number;
  expected?: boolean;
  came?: boolean | null;
  combined?: number | null;
  line?: string;
}

function forecast(minute: number, { p = 0.1, expected = false, came = false, combined = null, line = "Line_A" }: Told = {}): ForecastRow {
  const row = { production_line: line, at: at(minute), version: "1.0.0", graph_version: null, ensemble_version: combined === null ? null : "1.0.0" };
  return { ...row, probability_1h: p, expected_1h: expected, came_1h: came, combined_1h: combined } as ForecastRow;
}

describe("what counts", () => {
  test("is the ensemble's where one scored, else the forecaster's", () => {
    expect(said(forecast(0, { p: 0.2, expected: true }), "1h")).toEqual({ by: "forecaster", probability: 0.2, expected: true });
    expect(said(forecast(0, { p: 0.2, combined: 0.8 }), "1h")).toMatchObject({ by: "ensemble", probability: 0.8 });
  });

  test("the ensemble's word is its own, then its threshold's, then the forecaster's", () => {
    const row = forecast(0, { p: 0.9, expected: true, combined: 0.4 });
    expect(said({ ...row, combined_expected_1h: false }, "1h", { ...NO_THRESHOLDS, "1h": 0.3 }).expected).toBe(false);
    expect(said(row, "1h", { ...NO_THRESHOLDS, "1h": 0.5 }).expected).toBe(false);
    expect(said(row, "1h", { ...NO_THRESHOLDS, "1h": 0.4 }).expected).toBe(true);
    expect(said(row, "1h").expected).toBe(true);
  });

  test("the words follow threshold and certainty", () => {
    const word = (probability: number | null, expected: boolean | null) => outlook({ probability, expected }, 0.7);
    expect(word(0.7, true)).toBe("expected");
    expect(word(0.16, true)).toBe("possible");
    expect(word(0.85, false)).toBe("below");
    expect(word(0.1, false)).toBe("none");
    expect(word(null, false)).toBe("unknown");
    expect(word(0.5, null)).toBe("unknown");
  });

  test("a probability is never told as none or as sure", () => {
    const plain = (value: number | null) => chance(value).replaceAll("\u202f", " ");
    expect([0, 0.0049, 0.005, 0.154, 0.994, 0.995, 1].map(plain)).toEqual(["< 1 %", "< 1 %", "1 %", "15 %", "99 %", "> 99 %", "> 99 %"]);
    expect(chance(null)).toBe("–");
  });
});

describe("the rows of the time shown", () => {
  test("are the line's own, in order, and the live ones hold", () => {
    const fetched = [forecast(2), forecast(1), forecast(0), forecast(1, { line: "Line_B" })];
    const live = [forecast(1, { came: true }), forecast(3), forecast(9)];
    const rows = merged(fetched, live, "Line_A", T0, T0 + 5 * 60_000);
    expect(rows.map((row) => row.at)).toEqual([0, 1, 2, 3].map(at));
    expect(rows[1]!.came_1h).toBe(true);
  });

  test("the newest is found among those of the line", () => {
    expect(newestOf([forecast(1), forecast(5), forecast(3), forecast(9, { line: "Line_B" })], "Line_A")?.at).toBe(at(5));
    expect(newestOf([], "Line_A")).toBeNull();
  });
});

describe("the course", () => {
  test("breaks where nobody scored", () => {
    const { time, probability } = course([forecast(0), forecast(1), forecast(20)], "1h", NO_THRESHOLDS);
    expect(probability).toEqual([0.1, 0.1, null, 0.1]);
    expect(time).toEqual([...time].sort((a, b) => a - b));
  });

  test("tells expected stretches, those where one came, and those of which it is not known", () => {
    const rows = [
      forecast(0),
      forecast(1, { p: 0.9, expected: true, came: true }),
      forecast(2, { p: 0.8, expected: true, came: true }),
      forecast(3),
      forecast(4, { came: true }),
      forecast(5, { came: null }),
    ];
    const found = course(rows, "1h", NO_THRESHOLDS);
    expect(found.expected).toEqual([null, 0.9, 0.8, null, null, null]);
    const runs = (list: { from: number; to: number }[]) => list.map(({ from, to }) => [(from - T0) / 60_000, (to - T0) / 60_000]);
    expect(runs(found.came)).toEqual([
      [1, 2],
      [4, 4],
    ]);
    expect(runs(found.open)).toEqual([[5, 5]]);
  });
});

describe("how it held", () => {
  const of = (...rows: ForecastRow[]) => held(rows, "1h", NO_THRESHOLDS);

  test("one minute in time is enough to have expected an event", () => {
    const rows = [forecast(0, { came: true }), forecast(1, { came: true, expected: true }), forecast(2, { came: true }), forecast(3)];
    expect(of(...rows)).toEqual({ came: 1, foretold: 1, missed: 0, falseAlarms: 0, open: 0 });
  });

  test("missed, expected in vain, and not known yet", () => {
    const rows = [forecast(0, { came: true }), forecast(1), forecast(2, { expected: true }), forecast(3), forecast(4, { expected: true, came: null })];
    expect(of(...rows)).toEqual({ came: 1, foretold: 0, missed: 1, falseAlarms: 1, open: 1 });
  });

  test("a silence shorter than the horizon ends no stretch, a longer one does", () => {
    expect(of(forecast(0, { came: true }), forecast(30, { came: true })).came).toBe(1);
    expect(of(forecast(0, { came: true }), forecast(61, { came: true })).came).toBe(2);
  });

  test("of nothing, nothing", () => {
    expect(of()).toEqual({ came: 0, foretold: 0, missed: 0, falseAlarms: 0, open: 0 });
  });
});

test("drivers are ordered by strength, whatever their sign; what moves nothing is left out", () => {
  const driver = (sensor_id: string, effect: number | null) => ({ sensor_id, parameter_name: sensor_id, effect: { "1h": effect } });
  const found = strongest([driver("a", 0.02), driver("b", -0.3), driver("c", 0.0004), driver("d", null)], "1h");
  expect(found.map(({ driver: { sensor_id } }) => sensor_id)).toEqual(["b", "a"]);
  expect(strongest([driver("a", 0.02)], "4h")).toEqual([]);
});

test("the busiest stretch holds the greatest share of attention", () => {
  const shares = Array.from({ length: 120 }, (_, minute) => (minute >= 90 && minute < 105 ? 4 : 1));
  const found = busiest(shares, 15)!;
  expect([found.from, found.to]).toEqual([90, 105]);
  expect(found.share).toBeCloseTo(60 / 165);
  expect(busiest([0, 0], 15)).toBeNull();
  expect(busiest([], 15)).toBeNull();
  expect(busiest([1, 1], 15)).toEqual({ from: 0, to: 2, share: 1 });
});

test("the most suspicious sensor comes first, for whichever reason", () => {
  const row = (sensor_id: string, failure: number, anomaly: number) => ({ sensor_id, failure, anomaly }) as SensorVerdictRow;
  const rows = bySuspicion([row("a", 0.1, 0.2), row("b", 0.1, 0.9), row("c", 0.95, 0)]);
  expect(rows.map(({ sensor_id }) => sensor_id)).toEqual(["c", "b", "a"]);
});

test("horizons are known by their seconds", () => {
  expect([3_600, 14_400, 86_400, 60].map(horizonOf)).toEqual(["1h", "4h", "24h", null]);
});

test("the stream replaces a forecast when it is known what came, and a verdict each minute", () => {
  const message = (type: string, tick: number, data: unknown): Message => ({ type, channel: "predictions", tick, timestamp: at(tick), data });
  const verdict = (failure: number) => ({ sensor_id: "Line_A.melt_level", failure, anomaly: 0 });
  const before = reduce(EMPTY, message("snapshot", 5, { forecasts: [forecast(0, { came: null })], sensor_verdicts: [verdict(0.1)] }));
  const frame = {
    added: { forecasts: [forecast(0, { came: true }), forecast(1)], sensor_verdicts: [verdict(0.9)] },
    removed: { forecasts: [forecast(0, { came: null })], sensor_verdicts: [verdict(0.1)] },
  };
  const after = reduce(before, message("prediction_update", 6, frame));
  expect([...after.forecasts.values()].map((row) => row.came_1h)).toEqual([true, false]);
  expect(after.sensorVerdicts.get("Line_A.melt_level")?.failure).toBe(0.9);
  expect(after.ticks.predictions).toBe(6);
});
