import { describe, expect, it } from "vitest";
import type { GraphEdge, GraphNode, PaneRow, SeriesPoint } from "../src/api/types";
import { toCsv } from "../src/lib/csv";
import { freshness } from "../src/lib/freshness";
import { limitValues } from "../src/lib/limits";
import { parseRange, resolve } from "../src/lib/range";
import { formatHash, parseHash } from "../src/lib/route";
import { chartColumns, withLivePanes } from "../src/lib/series";
import { chartOf, columnKinds, groupColumn, varyingNumbers } from "../src/tabs/sql/kinds";
import { layout } from "../src/tabs/graph/layout";

const T0 = Date.parse("2026-01-31T06:00:00.000Z");
const point = (minute: number, mean: number | null): SeriesPoint => ({
  start: new Date(T0 + minute * 60_000).toISOString(),
  n: 60,
  mean,
  min: mean,
  max: mean,
  std: 0,
  bad: 0,
  uncertain: 0,
});

describe("chart columns", () => {
  it("break the line where panes are missing", () => {
    const { mean, time } = chartColumns([point(0, 1), point(1, 2), point(5, 3)], 60);
    expect(mean).toEqual([1, 2, null, 3]);
    expect(time).toEqual([...time].sort((a, b) => a - b));
  });
  it("carry the set-point on until the next one", () => {
    const setpoints = [{ start: new Date(T0 + 60_000).toISOString(), value: 20 }];
    expect(chartColumns([point(0, 1), point(1, 2), point(2, 3)], 60, setpoints, 10).setpoint).toEqual([10, 20, 20]);
  });
  it("let live panes hold over fetched points, inside the range only", () => {
    const live = [point(1, 99), point(2, 100), point(9, 7)] as unknown as PaneRow[];
    const merged = withLivePanes([point(0, 1), point(1, 2)], live, 60, T0, T0 + 5 * 60_000);
    expect(merged.map((entry) => entry.mean)).toEqual([1, 99, 100]);
    expect(withLivePanes([point(0, 1)], live, 300, T0, T0 + 5 * 60_000)).toHaveLength(1);
  });
});

it("a route survives its address", () => {
  const route = parseHash("#/sensors?line=Line_A&sensor=Line_A.belt_speed");
  expect(route.tab).toBe("sensors");
  expect(parseHash(formatHash(route)).params.get("sensor")).toBe("Line_A.belt_speed");
  expect(parseHash("").tab).toBe("overview");
});

describe("time range", () => {
  it("is live unless two ascending instants are given", () => {
    expect(parseRange(new URLSearchParams("range=24h"), "4h")).toEqual({ live: true, name: "24h" });
    expect(parseRange(new URLSearchParams("range=nonsense"), "4h")).toEqual({ live: true, name: "4h" });
    expect(parseRange(new URLSearchParams("from=2026-01-31T07:00:00Z&to=2026-01-31T06:00:00Z"), "1h").live).toBe(true);
    expect(parseRange(new URLSearchParams("from=2026-01-31T05:00:00Z&to=2026-01-31T06:00:00Z"), "1h").live).toBe(false);
  });
  it("ends now when live", () => {
    expect(resolve({ live: true, name: "1h" }, T0)).toEqual({ from: T0 - 3_600_000, to: T0 });
  });
});

it("a value is stale after some periods, bad when the device says so, uncertain in between", () => {
  const row = (status: string, value: number | null = 1) => ({ at: new Date(T0).toISOString(), status, value }) as never;
  expect(freshness(row("OK"), 1, T0 + 30_000)).toBe("good");
  expect(freshness(row("OK"), 1, T0 + 61_000)).toBe("stale");
  expect(freshness(row("OK"), 60, T0 + 200_000)).toBe("good");
  expect(freshness(row("ERROR"), 1, T0)).toBe("bad");
  expect(freshness(row("OK", null), 1, T0)).toBe("bad");
  expect(freshness(row("WARNING"), 1, T0)).toBe("uncertain");
  expect(freshness(null, 1, T0)).toBe("none");
});

it("limits are read by side", () => {
  const found = limitValues([
    { rule: "a", high: 1600, value: 1600, severity: "CRITICAL" },
    { rule: "b", low: 1450, value: 1450, severity: "HIGH" },
  ]);
  expect(found.map(({ side, value }) => [side, value])).toEqual([
    ["high", 1600],
    ["low", 1450],
  ]);
});

it("CSV quotes what needs it and disarms formulas", () => {
  expect(toCsv(["a", "b"], [['x"y', null], ["=1+1", -2]])).toBe('a,b\r\n"x""y",\r\n\'=1+1,-2\r\n');
});

it("a result of several series is drawn one series at a time", () => {
  const at = (minute: number) => new Date(T0 + minute * 60_000).toISOString();
  const result = {
    tick: 1,
    now: at(0),
    columns: ["sensor_id", "start", "bad", "mean"].map((name) => ({ name, type: name === "start" ? "Timestamp" : "" })),
    rows: [0, 1, 2].flatMap((minute) => ["a", "b"].map((sensor) => [sensor, at(minute), 0, minute + (sensor === "a" ? 0 : 10)])),
  };
  const kinds = columnKinds(result);
  expect(kinds).toEqual(["text", "time", "number", "number"]);
  expect(varyingNumbers(result, kinds, 0)).toEqual([3, 2]);
  expect(groupColumn(result, kinds)).toBe(0);
  expect(chartOf(result, 1, 3, 0, "b").mean).toEqual([10, 11, 12]);
});

it("the graph's nodes never overlap, effects come after causes", () => {
  const names = Array.from({ length: 24 }, (_, i) => `n${i}`);
  const nodes: GraphNode[] = names.map((id, i) => ({ id, label: id, kind: i < 6 ? "equipment" : i < 16 ? "parameter" : "defect" }));
  const edges = Array.from({ length: 40 }, (_, i) => {
    const from = (i * 7) % 16;
    return { edge_id: i, source: names[from], target: names[from + 1 + ((i * 5) % (23 - from))] } as GraphEdge;
  });
  const placed = layout(nodes, edges).nodes;
  for (const a of placed) for (const b of placed) if (a !== b && a.x === b.x) expect(Math.abs(a.y - b.y)).toBeGreaterThan(30);
  const by = new Map(placed.map((node) => [node.id, node]));
  for (const edge of edges) expect(by.get(edge.target)!.x).toBeGreaterThan(by.get(edge.source)!.x);
});
