import { expect, it } from "vitest";
import { Pace } from "../src/live/pace";

const T0 = 1_000_000_000;

it("knows nothing before the first message", () => {
  expect(new Pace().at(5)).toBeNull();
});

it("carries plant time on at the pace of the wall clock until it has measured another", () => {
  const pace = new Pace();
  pace.note(0, T0);
  expect(pace.at(700)).toBe(T0 + 700);
});

it("follows a plant that runs sixty times faster", () => {
  const pace = new Pace();
  for (let wall = 0; wall <= 30_000; wall += 500) pace.note(wall, T0 + 60 * wall);
  expect(pace.at(31_000)).toBe(T0 + 60 * 31_000);
});

it("stands still some time after the last message", () => {
  const pace = new Pace();
  pace.note(0, T0);
  expect(pace.at(3_600_000)).toBe(pace.at(60_000));
});

it("begins anew when plant time jumps back", () => {
  const pace = new Pace();
  for (let wall = 0; wall <= 5_000; wall += 500) pace.note(wall, T0 + wall);
  pace.note(6_000, T0 - 500_000);
  expect(pace.at(6_000)).toBe(T0 - 500_000);
  pace.note(8_000, T0 - 498_000);
  expect(pace.at(9_000)).toBe(T0 - 497_000);
});
