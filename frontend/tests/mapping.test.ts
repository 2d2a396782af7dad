import { describe, expect, test } from "vitest";
import type { OfferedVariable } from "../src/api/types";
import { mappingToml, sensorOf, twice } from "../src/tabs/connections/mapping";

const variable = (node: string, more: Partial<OfferedVariable> = {}): OfferedVariable => ({
  node,
  path: ["Objects", node],
  type: "Double",
  array: false,
  unit: null,
  sensor_id: null,
  ...more,
});

const offered = [
  variable("ns=2;i=1", { sensor_id: "Line_A.furnace_temperature", unit: "°F" }),
  variable('ns=2;s="odd"\n[[evil]]', { sensor_id: "Line_B.furnace_temperature", unit: "°C" }),
  variable("ns=2;i=3"),
];
const unitOf = () => "°C";

describe("a mapping", () => {
  test("is what was proposed until somebody chooses otherwise", () => {
    const [first, second, third] = offered as [OfferedVariable, OfferedVariable, OfferedVariable];
    expect([first, second, third].map((found) => sensorOf(found, new Map()))).toEqual([
      "Line_A.furnace_temperature",
      "Line_B.furnace_temperature",
      "",
    ]);
    const choices = new Map([
      [first.node, ""],
      [third.node, "Line_B.furnace_temperature"],
    ]);
    expect(offered.map((found) => sensorOf(found, choices))).toEqual(["", "Line_B.furnace_temperature", "Line_B.furnace_temperature"]);
    expect(twice(offered, choices)).toEqual(["Line_B.furnace_temperature"]);
    expect(twice(offered, new Map())).toEqual([]);
  });

  test("has units where the server's is another, and names that break no line", () => {
    expect(mappingToml("kiln", "opc.tcp://10.0.0.7:4840", offered, new Map(), unitOf)).toBe(
      `[[opcua]]
name = "kiln"
endpoint = "opc.tcp://10.0.0.7:4840"

[[opcua.tag]]
node = "ns=2;i=1"
to = { sensor = "Line_A.furnace_temperature", unit = "°F" }

[[opcua.tag]]
node = "ns=2;s=\\"odd\\"\\u000a[[evil]]"
to = { sensor = "Line_B.furnace_temperature" }
`,
    );
  });

  test("takes the first element of an array", () => {
    const toml = mappingToml("a", "opc.tcp://a", [variable("ns=2;i=9", { array: true })], new Map([["ns=2;i=9", "Line_A.x"]]), unitOf);
    expect(toml).toContain('node = "ns=2;i=9"\nelement = 0\nto = { sensor = "Line_A.x" }');
  });
});
