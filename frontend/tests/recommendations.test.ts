import { describe, expect, test } from "vitest";
import type { Me, Recommendation, RecommendationState, TwinControl } from "../src/api/types";
import { FIGURES, share } from "../src/lib/figures";
import { EMPTY, ROWS_KEPT, reduce, type Message } from "../src/live/reducer";
import { divided, expected, possible, stepDecimals, stepText } from "../src/tabs/recommendations/list";
import { proposable } from "../src/tabs/twin/controls";

const at = (minutes: number) => new Date(Date.parse("2026-01-31T06:00:00.000Z") + minutes * 60_000).toISOString();

function recommendation(id: string, state: RecommendationState, made: number, decided: number | null = null): Recommendation {
  const row = { recommendation_id: id, state, made_at: at(made), decided_at: decided === null ? null : at(decided), production_line: "Line_A" };
  return { ...row, by: "ada", large: false, defect_rate_change: -0.012, defect_rate_low: -0.02, defect_rate_high: null } as Recommendation;
}

const ids = (rows: readonly Recommendation[]) => rows.map((row) => row.recommendation_id);
const me = (name: string, role: Me["role"]): Me => ({ name, role });

test("what waits longest comes first, then what was decided last; nothing is lost", () => {
  const rows = [
    recommendation("a", "approved", 1, 9),
    recommendation("b", "proposed", 5),
    recommendation("c", "withdrawn", 2, 20),
    recommendation("d", "proposed", 3),
    recommendation("e", "rejected", 4, 9),
  ];
  const { waiting, decided } = divided(rows);
  expect(ids(waiting)).toEqual(["d", "b"]);
  expect(ids(decided)).toEqual(["c", "a", "e"]);
  const again = divided([...rows].reverse());
  expect([ids(again.waiting), ids(again.decided)]).toEqual([ids(waiting), ids(decided)]);
});

describe("who may decide", () => {
  const open = recommendation("a", "proposed", 1);
  const needs = (row: Recommendation, who: Me | undefined) => possible(row, who).map((choice) => `${choice.decision} ${choice.needs ?? "may"}`);

  test("an operator approves and rejects; only who proposed it withdraws", () => {
    expect(needs(open, me("bob", "operator"))).toEqual(["approve may", "reject may"]);
    expect(needs(open, me("ada", "operator"))).toEqual(["approve may", "reject may", "withdraw may"]);
    expect(needs(open, me("eve", "viewer"))).toEqual(["approve operator", "reject operator"]);
    expect(needs(open, undefined)).toEqual(["approve operator", "reject operator"]);
  });

  test("a large change needs an engineer to approve it, and nobody else to reject it", () => {
    const large = { ...open, large: true };
    expect(needs(large, me("bob", "operator"))).toEqual(["approve engineer", "reject may"]);
    expect(needs(large, me("bob", "engineer"))).toEqual(["approve may", "reject may"]);
  });

  test("what is decided stays decided", () => {
    for (const state of ["approved", "rejected", "withdrawn"] as const) expect(possible({ ...open, state }, me("ada", "admin"))).toEqual([]);
  });
});

test("figures are read from their columns and written as changes", () => {
  const row = recommendation("a", "proposed", 1);
  expect(expected(row, "defect_rate", "change")).toBe(-0.012);
  expect(expected(row, "defect_rate", "high")).toBeNull();
  expect(share(-0.012).replaceAll("\u202f", " ")).toBe("\u22121.20 pp");
  expect(share(null)).toBe("– pp");
  expect(FIGURES.map(({ id }) => id)).toEqual(["defect_rate", "quality_score", "rate_per_h", "energy_kw"]);
});

test("set-points are shown as exactly as they differ", () => {
  expect(stepDecimals({ from: 150, to: 140 })).toBe(0);
  expect(stepDecimals({ from: 150, to: 149.5 })).toBe(1);
  expect(stepDecimals({ from: 7.25, to: 7.3 })).toBe(2);
  expect(stepDecimals({ from: 150, to: 147.33333333 })).toBe(3);
  const step = { parameter: "belt_speed", unit: "m/min", from: 150, to: 142.5, large: false };
  expect(stepText(step)).toBe("Belt speed 150.0 → 142.5\u202fm/min");
});

test("only what differs from now can be proposed, as exactly as set-points are given", () => {
  const belt: TwinControl = { parameter: "belt_speed", unit: "m/min", setpoint: 150, low: 50, high: 200 };
  expect(proposable([{ parameter: "belt_speed", value: 147.333 }], [belt])).toEqual([{ parameter: "belt_speed", value: 147.3 }]);
  expect(proposable([{ parameter: "belt_speed", value: 150.01 }], [belt])).toEqual([]);
  expect(proposable([{ parameter: "unheard_of", value: 1 }], [belt])).toEqual([]);
});

describe("the stream", () => {
  const message = (type: string, tick: number, data: unknown): Message => ({ type, channel: "recommendations", tick, timestamp: at(tick), data });
  const row = (id: string, state: RecommendationState) => recommendation(id, state, 1);

  test("a decision takes the place of what waited", () => {
    const before = reduce(EMPTY, message("snapshot", 5, { recommendations: [row("a", "proposed")] }));
    const frame = { added: { recommendations: [row("a", "approved")] }, removed: { recommendations: [row("a", "proposed")] } };
    const after = reduce(before, message("recommendation", 6, frame));
    expect([...after.recommendations.values()].map(({ state }) => state)).toEqual(["approved"]);
    expect(after.ticks.recommendations).toBe(6);
  });

  test("what waits is never dropped", () => {
    let state = reduce(EMPTY, message("snapshot", 1, { recommendations: [row("open", "proposed")] }));
    for (let i = 0; i < ROWS_KEPT + 20; i += 1) {
      state = reduce(state, message("recommendation", 2 + i, { added: { recommendations: [row(`over ${i}`, "rejected")] } }));
    }
    expect(state.recommendations.size).toBe(ROWS_KEPT);
    expect(state.recommendations.has("open")).toBe(true);
  });
});
