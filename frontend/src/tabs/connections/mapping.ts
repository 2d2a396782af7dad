// A mapping of an OPC UA server's variables to sensors, as an entry of the file of sources.

import type { OfferedVariable } from "../../api/types";

/** By node: the sensor that somebody chose; "" for none. */
export type Choices = ReadonlyMap<string, string>;

/** What is proposed, unless somebody chose otherwise. */
export function sensorOf(variable: OfferedVariable, choices: Choices): string {
  return choices.get(variable.node) ?? variable.sensor_id ?? "";
}

/** A basic string of TOML. */
function quoted(value: string): string {
  const escaped = Array.from(value, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    if (letter === '"' || letter === "\\") return `\\${letter}`;
    return code < 0x20 || code === 0x7f ? `\\u${code.toString(16).padStart(4, "0")}` : letter;
  });
  return `"${escaped.join("")}"`;
}

/** Sensors that more than one variable is mapped to: Lehr takes one each. */
export function twice(variables: OfferedVariable[], choices: Choices): string[] {
  const uses = new Map<string, number>();
  for (const variable of variables) {
    const sensor = sensorOf(variable, choices);
    if (sensor !== "") uses.set(sensor, (uses.get(sensor) ?? 0) + 1);
  }
  return [...uses].filter(([, count]) => count > 1).map(([sensor]) => sensor);
}

/** `unitOf` gives a sensor's own unit: the server's is written where it is another one. */
export function mappingToml(
  name: string,
  endpoint: string,
  variables: OfferedVariable[],
  choices: Choices,
  unitOf: (sensor: string) => string | undefined,
): string {
  const lines = ["[[opcua]]", `name = ${quoted(name)}`, `endpoint = ${quoted(endpoint)}`];
  for (const variable of variables) {
    const sensor = sensorOf(variable, choices);
    if (sensor === "") continue;
    const unit = variable.unit !== null && variable.unit !== unitOf(sensor) ? `, unit = ${quoted(variable.unit)}` : "";
    lines.push("", "[[opcua.tag]]", `node = ${quoted(variable.node)}`);
    if (variable.array) lines.push("element = 0");
    lines.push(`to = { sensor = ${quoted(sensor)}${unit} }`);
  }
  return `${lines.join("\n")}\n`;
}
