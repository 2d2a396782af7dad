import { expect, test } from "vitest";
import { rates } from "../src/tabs/connections/rates";

const counts = (entries: Record<string, number>) => new Map(Object.entries(entries));

test("rates are growth between two answers, and unknown where there is no growth to see", () => {
  const first = { at: 1_000, counts: counts({ plc: 100, broker: 7 }), rates: rates(null, 1_000, counts({ plc: 100, broker: 7 })) };
  expect(first.rates.size).toBe(0);
  const next = rates(first, 3_000, counts({ plc: 150, broker: 2, lab: 9 }));
  expect([...next]).toEqual([["plc", 25]]);
  expect(rates({ ...first, rates: next }, 1_000, counts({ plc: 200 }))).toBe(next);
});
