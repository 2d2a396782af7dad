import { afterEach, describe, expect, it } from "vitest";
import { clock, decimalsOf, label, loose, number, percent, relative, setTimeZone, signed, span } from "../src/lib/format";

const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("number", () => {
  it("groups thousands from five digits on and keeps the decimals asked for", () => {
    expect(plain(number(1520.04, 1))).toBe("1520.0");
    expect(plain(number(1234567.8))).toBe("1 234 568");
  });
  it("writes a real minus, but not before a rounded zero", () => {
    expect(number(-3.25, 1)).toBe("\u22123.3");
    expect(number(-0.01, 1)).toBe("0.0");
    expect(signed(0.01, 1)).toBe("0.0");
    expect(signed(2, 0)).toBe("+2");
  });
  it("shows a dash for what is not defined", () => {
    for (const value of [null, undefined, NaN, Infinity]) expect(number(value)).toBe("–");
    expect(percent(null)).toBe("–");
  });
});

it("precision follows the span of the instrument", () => {
  expect(decimalsOf(1400, 1600)).toBe(1);
  expect(decimalsOf(0, 50)).toBe(2);
  expect(decimalsOf(0, 5000)).toBe(0);
  expect(decimalsOf(0, 10)).toBe(2);
  expect(decimalsOf(5, 5)).toBe(2);
});

it("numbers of unknown precision keep about four digits", () => {
  expect(loose(7)).toBe("7");
  expect(loose(7.084)).toBe("7.084");
  expect(loose(0.05061)).toBe("0.0506");
  expect(plain(loose(1619.2))).toBe("1619.20");
  expect(loose(0.00001)).toBe("1.000e\u22125");
});

it("spans use their two greatest units", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [59.4, "59 s"],
    [412, "6 min 52 s"],
    [600, "10 min"],
    [3660, "1 h 01 min"],
    [7200, "2 h"],
    [190_000, "2 d 4 h"],
  ];
  for (const [seconds, wanted] of cases) expect(plain(span(seconds))).toBe(wanted);
});

it("relative times look both ways", () => {
  const now = 1_000_000_000;
  expect(relative(now, now)).toBe("now");
  expect(relative(now + 2_000, now)).toBe("now");
  expect(plain(relative(now - 12_000, now))).toBe("12 s ago");
  expect(plain(relative(now - 185_000, now))).toBe("3 min ago");
  expect(plain(relative(now + 1_800_000, now))).toBe("in 30 min");
  expect(relative(null, now)).toBe("–");
});

describe("times", () => {
  afterEach(() => setTimeZone(undefined));
  it("are shown in the zone of the plant", () => {
    const at = Date.parse("2026-01-31T06:05:09.000Z");
    setTimeZone("Europe/Berlin");
    expect(clock(at)).toBe("07:05:09");
    setTimeZone("UTC");
    expect(clock(at, false)).toBe("06:05");
  });
  it("fall back to this device when the zone is not known", () => {
    setTimeZone("Mars/Olympus");
    expect(clock(0)).toMatch(/^\d\d:\d\d:00$/);
  });
});

it("names become words", () => {
  expect(label("lehr_zone_1_temperature")).toBe("Lehr zone 1 temperature");
});
