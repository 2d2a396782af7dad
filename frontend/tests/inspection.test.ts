import { describe, expect, test } from "vitest";
import type { Finding, InspectionRow } from "../src/api/inspections";
import { byDefect } from "../src/lib/modelMetrics";
import { compared, differs, figures, onPicture, overlap, paired, picturesOf, spot, summed } from "../src/tabs/inspection/findings";

const finding = (type: string, score = 0.9, box: Finding["box"] = [10, 10, 20, 20]): Finding => ({ type, score, box });

function row(findings: Finding[] | null, defects: Finding[] | null): InspectionRow {
  const inspected = defects && { verdict: "scrap" as const, defects };
  const content = "0".repeat(64);
  return { unit: "7", production_line: "Line_A", taken_at: "2026-01-31T06:00:00.000Z", content, picture: `/api/pictures/${content}`, version: null, findings, inspected };
}

describe("who found what", () => {
  test("is told by type of defect, each once, in the order of the list", () => {
    const found = compared(row([finding("stain"), finding("crack"), finding("crack", 0.5), finding("chip")], [finding("chip"), finding("bubble")]));
    expect(found).toEqual({ both: ["chip"], inspectorOnly: ["crack", "stain"], mik1Only: ["bubble"] });
  });

  test("nobody disagrees with one who has not looked", () => {
    expect(compared(row(null, [finding("chip")]))).toBeNull();
    expect(differs(row(null, [finding("chip")]))).toBe(false);
    expect(differs(row([finding("chip")], null))).toBe(false);
    expect(differs(row([], [finding("chip")]))).toBe(true);
    expect(differs(row([], []))).toBe(false);
  });

  test("a stress fracture is on no picture, and no disagreement", () => {
    expect(onPicture([finding("stress_fracture"), finding("chip")])).toEqual([finding("chip")]);
    expect(differs(row([], [finding("stress_fracture")]))).toBe(false);
  });
});

describe("findings beside each other", () => {
  test("boxes overlap by what both have over what either has", () => {
    expect(overlap([0, 0, 10, 10], [0, 0, 10, 10])).toBe(1);
    expect(overlap([0, 0, 10, 10], [5, 0, 10, 10])).toBeCloseTo(1 / 3);
    expect(overlap([0, 0, 10, 10], [10, 0, 10, 10])).toBe(0);
    expect(overlap([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0);
  });

  test("those of one type that overlap most belong together, each once", () => {
    const near = finding("crack", 0.6, [12, 10, 20, 20]);
    const far = finding("crack", 0.8, [25, 10, 20, 20]);
    const surest = finding("crack", 0.9);
    const second = finding("crack", 0.4, [11, 10, 20, 20]);
    expect(paired([second, surest], [far, near])).toEqual([
      { type: "crack", inspector: surest, mik1: near },
      { type: "crack", inspector: second, mik1: far },
    ]);
  });

  test("other types and other places stay apart, and nothing is lost", () => {
    const [crack, chip, away] = [finding("crack"), finding("chip"), finding("crack", 0.7, [150, 150, 20, 20])];
    expect(paired([crack], [chip, away])).toEqual([
      { type: "crack", inspector: crack, mik1: null },
      { type: "chip", inspector: null, mik1: chip },
      { type: "crack", inspector: null, mik1: away },
    ]);
    expect(paired([], [])).toEqual([]);
  });
});

test("the words of a box stay on the picture", () => {
  const size = 14;
  const width = 120;
  for (const x of [0, 100, 204]) {
    for (const y of [0, 100, 204]) {
      for (const above of [true, false]) {
        const at = spot([x, y, 20, 20], above, size, width);
        expect(at.x).toBeGreaterThanOrEqual(0);
        expect(at.x + width).toBeLessThanOrEqual(224);
        expect(at.y).toBeGreaterThanOrEqual(size * 0.8);
        expect(at.y).toBeLessThanOrEqual(224);
      }
    }
  }
  expect(spot([50, 100, 20, 20], true, size, width)).toEqual({ x: 50, y: 100 - size * 0.3 });
  expect(spot([50, 100, 20, 20], false, size, width)).toEqual({ x: 50, y: 120 + size });
  expect(spot([0, 0, 9, 9], true, size, 999).x).toBe(0);
});

describe("agreement", () => {
  const crack = { both: 8, inspector_only: 2, mik1_only: 8, neither: 82 };
  const chip = { both: 0, inspector_only: 0, mik1_only: 0, neither: 100 };

  test("counts what MIK-1 found as what is there", () => {
    expect(figures(crack)).toEqual({ recall: 0.5, precision: 0.8, accuracy: 0.9 });
  });

  test("of nothing, nothing is told", () => {
    expect(figures(chip)).toEqual({ recall: null, precision: null, accuracy: 1 });
    expect(figures(summed([]))).toEqual({ recall: null, precision: null, accuracy: null });
  });

  test("is summed over types of defects", () => {
    expect(summed([crack, chip])).toEqual({ both: 8, inspector_only: 2, mik1_only: 8, neither: 182 });
    expect(picturesOf(crack)).toBe(100);
  });
});

test("an inspector's average precision is told by type of defect; other kinds have none", () => {
  const metrics = { test: { map: 0.7, average_precision: [0.91, 0.88, null, 0.8] } };
  expect(byDefect("inspector", metrics)).toEqual([
    { type: "crack", precision: 0.91 },
    { type: "bubble", precision: 0.88 },
    { type: "cloudiness", precision: 0.8 },
  ]);
  expect(byDefect("inspector", JSON.stringify(metrics))).toHaveLength(3);
  expect(byDefect("forecaster", metrics)).toEqual([]);
  for (const nonsense of [null, "{", { test: [] }, { test: { average_precision: 0.9 } }]) expect(byDefect("inspector", nonsense)).toEqual([]);
});
