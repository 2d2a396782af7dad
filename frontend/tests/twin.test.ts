import { describe, expect, test } from "vitest";
import { decimalsFor, rangeAround, searched, settingsOf } from "../src/tabs/twin/controls";
import type { TwinControl } from "../src/api/types";

const belt: TwinControl = { parameter: "belt_speed", unit: "m/min", setpoint: 150, low: 50, high: 200 };

describe("set-points as they are offered", () => {
  test("decimals are those of some thousand steps", () => {
    expect(decimalsFor({ ...belt, low: 1200, high: 1700 })).toBe(0);
    expect(decimalsFor(belt)).toBe(1);
    expect(decimalsFor({ ...belt, low: 0, high: 20 })).toBe(2);
  });

  test("a slider goes to both sides, within the limits of control", () => {
    expect(rangeAround(belt)).toEqual({ low: 120, high: 180 });
    expect(rangeAround({ ...belt, setpoint: 195 })).toEqual({ low: 165, high: 200 });
  });

  test("the best is looked for around what was moved, with where it is now within", () => {
    expect(searched([belt], {})).toEqual([]);
    expect(searched([belt], { belt_speed: 170 })).toEqual([{ parameter: "belt_speed", low: 135, high: 185 }]);
    expect(searched([belt], { belt_speed: 199 })).toEqual([{ parameter: "belt_speed", low: 135, high: 200 }]);
  });

  test("a kept scenario is read back", () => {
    expect(settingsOf("belt_speed=140, mold_temperature=430.5")).toEqual([
      { parameter: "belt_speed", value: 140 },
      { parameter: "mold_temperature", value: 430.5 },
    ]);
    expect(settingsOf("")).toEqual([]);
  });
});
