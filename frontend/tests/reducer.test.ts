import { describe, expect, it } from "vitest";
import type { AlertRow, KpiRow, LatestRow, PaneRow } from "../src/api/types";
import { EMPTY, PANES_KEPT, RESTATED_KEPT, ROWS_KEPT, kpiKey, paneKey, reduce, type LiveState, type Message } from "../src/live/reducer";

const T0 = Date.parse("2026-01-31T06:00:00.000Z");
const at = (minutes: number) => new Date(T0 + minutes * 60_000).toISOString();

function pane(minute: number, mean: number, sensor = "Line_A.belt_speed"): PaneRow {
  return {
    sensor_id: sensor,
    start: at(minute),
    bad: 0,
    uncertain: 0,
    last_reading: at(minute),
    status: "OK",
    production_line: "Line_A",
    parameter_name: "belt_speed",
    n: 60,
    mean,
    std: 1,
    min: mean - 1,
    max: mean + 1,
    first: mean,
    last: mean,
  };
}

function latest(sensor: string, value: number): LatestRow {
  return { sensor_id: sensor, at: at(0), value, status: "OK", production_line: "Line_A", parameter_name: "belt_speed" };
}

const alert = (id: string, state: AlertRow["state"]) => ({ alert_id: id, state, severity: "HIGH", raised_at: at(0) }) as AlertRow;
const kpi = (start: number, quality: number) =>
  ({ scope: "hour", start: at(start), production_line: "Line_A", product: "all", quality_ratio: quality }) as KpiRow;

function message(type: string, channel: string, tick: number, data: unknown = {}): Message {
  return { type, channel, tick, timestamp: at(tick), data };
}

const snapshot = (panes: PaneRow[], tick = 10) => message("snapshot", "sensors", tick, { latest: [latest("Line_A.belt_speed", 150)], panes });
const frame = (tick: number, added: object, removed: object = {}) => message("sensor_update", "sensors", tick, { added, removed });
const run = (...messages: Message[]): LiveState => messages.reduce(reduce, EMPTY);
const means = (state: LiveState) => (state.panes.get("Line_A.belt_speed") ?? []).map((row) => row.mean);

describe("snapshot", () => {
  it("fills the tables of its channel and sets its tick", () => {
    const state = run(snapshot([pane(1, 150)]));
    expect(state.latest.get("Line_A.belt_speed")?.value).toBe(150);
    expect(state.ticks).toEqual({ sensors: 10, predictions: null, alerts: null, recommendations: null, quality: null });
    expect(state.now).toBe(at(10));
  });

  it("takes away what is no longer there, and leaves other channels alone", () => {
    const state = run(
      message("snapshot", "alerts", 5, { alerts: [alert("a", "active_unacknowledged"), alert("b", "active_unacknowledged")] }),
      snapshot([pane(1, 150)]),
      message("snapshot", "alerts", 9, { alerts: [alert("b", "active_acknowledged")] }),
    );
    expect([...state.alerts.keys()]).toEqual(["b"]);
    expect(state.latest.size).toBe(1);
  });

  it("keeps the trend that was collected before a reconnect", () => {
    const state = run(snapshot([pane(1, 150)]), snapshot([pane(2, 151)], 20));
    expect(means(state)).toEqual([150, 151]);
  });
});

describe("frame", () => {
  it("replaces a row that was retracted and added", () => {
    const state = run(snapshot([pane(1, 150)]), frame(11, { panes: [pane(1, 152)] }, { panes: [pane(1, 150)] }));
    expect(means(state)).toEqual([152]);
    expect(state.ticks.sensors).toBe(11);
  });

  it("takes away a row that was only retracted", () => {
    const state = run(
      message("snapshot", "alerts", 5, { alerts: [alert("a", "active_unacknowledged")] }),
      message("alert", "alerts", 6, { added: {}, removed: { alerts: [alert("a", "active_unacknowledged")] } }),
    );
    expect(state.alerts.size).toBe(0);
  });

  it("does not depend on the order of retractions and additions of different keys", () => {
    const state = run(snapshot([pane(1, 150)]), frame(11, { panes: [pane(2, 1), pane(1, 7)] }, { panes: [pane(1, 150)] }));
    expect(means(state)).toEqual([7, 1]);
  });

  it("keeps panes ascending, whatever order they come in, and bounded", () => {
    const many = Array.from({ length: PANES_KEPT + 30 }, (_, i) => pane(((i * 7919) % (PANES_KEPT + 30)) + 1, i));
    const rows = run(snapshot([]), frame(11, { panes: many })).panes.get("Line_A.belt_speed")!;
    expect(rows).toHaveLength(PANES_KEPT);
    expect(rows.map((row) => row.start)).toEqual([...rows.map((row) => row.start)].sort());
    expect(rows.at(-1)!.start).toBe(at(PANES_KEPT + 30));
  });

  it("does not change the state it started from", () => {
    const before = run(snapshot([pane(1, 150)]));
    const copy = structuredClone(before);
    reduce(before, frame(11, { panes: [pane(1, 152)], latest: [latest("Line_A.belt_speed", 9)] }, { panes: [pane(1, 150)] }));
    expect(before).toEqual(copy);
  });
});

it("a long life stays bounded, and open alerts are never dropped", () => {
  let state = run(message("snapshot", "alerts", 1, { alerts: [alert("open", "active_acknowledged")] }));
  for (let i = 0; i < ROWS_KEPT + 50; i += 1) {
    state = reduce(state, message("alert", "alerts", 2 + i, { added: { alerts: [alert(`over ${i}`, "normal")] }, removed: {} }));
  }
  expect(state.alerts.size).toBe(ROWS_KEPT);
  expect(state.alerts.has("open")).toBe(true);
  expect(state.alerts.has("over 0")).toBe(false);
  expect(state.alerts.has(`over ${ROWS_KEPT + 49}`)).toBe(true);
});

describe("resume", () => {
  it("applies missed frames once: a repeated tick changes nothing", () => {
    const missed = frame(12, { panes: [pane(3, 9)] });
    const once = run(snapshot([pane(1, 150)]), missed);
    expect(reduce(once, frame(12, { panes: [pane(3, 777)] })).panes).toBe(once.panes);
  });

  it("carries on from the tick of the last frame; heartbeats do not move it", () => {
    const state = run(snapshot([]), frame(14, { panes: [pane(3, 9)] }), message("heartbeat", "sensors", 99));
    expect(state.ticks.sensors).toBe(14);
    expect(state.now).toBe(at(99));
  });
});

describe("reset", () => {
  it("forgets the tables of its channel and the tick to resume from", () => {
    const state = run(snapshot([pane(1, 150)]), message("reset", "sensors", 50));
    expect(state.latest.size).toBe(0);
    expect(state.ticks.sensors).toBeNull();
  });

  it("is followed by a snapshot that holds even with a smaller tick", () => {
    const state = run(snapshot([pane(1, 150)], 90), message("reset", "sensors", 0), snapshot([pane(2, 5)], 3));
    expect(state.ticks.sensors).toBe(3);
    expect(state.latest.size).toBe(1);
  });
});

describe("restated values", () => {
  const start = snapshot([pane(5, 150)]);
  const older = frame(11, { panes: [pane(4, 149), pane(6, 151)] });

  it("marks a corrected pane that is older than the newest, with old and new value", () => {
    const state = run(start, older, frame(12, { panes: [pane(4, 140)] }, { panes: [pane(4, 149)] }));
    expect(state.restated.get(paneKey(pane(4, 0)))).toMatchObject({ before: 149, after: 140, at: at(12) });
  });

  it("does not mark the pane that is still filling", () => {
    const state = run(start, frame(12, { panes: [pane(5, 151)] }, { panes: [pane(5, 150)] }));
    expect(state.restated.size).toBe(0);
  });

  it("does not mark the pane that filled up in the frame that opened the next", () => {
    const state = run(start, frame(12, { panes: [pane(5, 151), pane(6, 1)] }, { panes: [pane(5, 150)] }));
    expect(state.restated.size).toBe(0);
  });

  it("compares with the value that was shown first when a pane is restated twice", () => {
    const state = run(
      start,
      older,
      frame(12, { panes: [pane(4, 140)] }, { panes: [pane(4, 149)] }),
      frame(13, { panes: [pane(4, 141)] }, { panes: [pane(4, 140)] }),
    );
    expect(state.restated.get(paneKey(pane(4, 0)))).toMatchObject({ before: 149, after: 141 });
  });

  it("marks a corrected key figure of an earlier period", () => {
    const state = run(
      message("snapshot", "quality", 5, { kpis: [kpi(0, 0.96), kpi(60, 0.97)] }),
      message("quality_metrics", "quality", 6, { added: { kpis: [kpi(0, 0.91)] }, removed: { kpis: [kpi(0, 0.96)] } }),
    );
    expect(state.restated.get(kpiKey(kpi(0, 0)))).toMatchObject({ before: 0.96, after: 0.91 });
  });

  it("keeps only the newest marks", () => {
    let state = run(snapshot([pane(10_000, 0)]));
    for (let i = 0; i < RESTATED_KEPT + 20; i += 1) {
      state = reduce(state, frame(20 + i, { panes: [pane(i, 1)] }, { panes: [pane(i, 0)] }));
    }
    expect(state.restated.size).toBe(RESTATED_KEPT);
    expect(state.restated.has(paneKey(pane(0, 0)))).toBe(false);
  });
});

it("an unknown channel changes nothing but the time", () => {
  const before = run(snapshot([pane(1, 150)]));
  expect(reduce(before, message("weather_update", "weather", 77, {}))).toEqual({ ...before, now: at(77) });
});
