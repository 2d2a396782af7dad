// Plausible data for the fixture: the sensors and rules of the demonstration plant, values as pure functions of time.

import { readFileSync } from "node:fs";

const catalogue = readFileSync(new URL("../../domain/plant.toml", import.meta.url), "utf8");

function blocks(kind) {
  return catalogue
    .split(/^\[\[/m)
    .filter((block) => block.startsWith(`${kind}]]`))
    .map((block) =>
      Object.fromEntries(
        [...block.matchAll(/^(\w+) = (.+)$/gm)].map(([, name, value]) => [name, JSON.parse(value)]),
      ),
    );
}

export const LINES = ["Line_A", "Line_B", "Line_C"];
export const RULES = blocks("rule").map((rule, index) => ({ ...rule, id: index }));
const seconds = { s: 1, m: 60, h: 3600 };

export const iso = (ms) => new Date(ms).toISOString();

export const SENSORS = LINES.flatMap((line) =>
  blocks("sensor").map((entry) => ({
    sensor_id: `${line}.${entry.parameter}`,
    production_line: line,
    equipment_id: entry.equipment,
    parameter_name: entry.parameter,
    unit: entry.unit,
    period_s: parseFloat(entry.period) * seconds[entry.period.at(-1)],
    span_low: entry.span[0],
    span_high: entry.span[1],
    target: entry.target ?? null,
    sigma: entry.sigma ?? null,
  })),
);

export const limitsOf = (sensor) =>
  RULES.filter((rule) => rule.watch === sensor.parameter_name && ["high", "low"].includes(rule.check)).map((rule) => ({
    rule: rule.name,
    [rule.check]: rule.limit,
    value: rule.limit,
    severity: rule.severity,
  }));

/** A number in −1 … 1 from whole numbers, the same each time. */
export function noise(...parts) {
  let state = 0x811c9dc5;
  for (const part of parts) {
    for (const code of String(part)) state = Math.imul(state ^ code.charCodeAt(0), 0x01000193);
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  }
  return ((state >>> 0) / 2 ** 31) - 1;
}

/** Departures from normal, by sensor: instant of onset, size in σ, minutes to get there. */
export const faults = new Map();

export function valueAt(sensor, ms) {
  const sigma = sensor.sigma ?? 1;
  const slow = Math.sin(ms / 4.1e6 + noise(sensor.sensor_id) * 9) * 0.9 + Math.sin(ms / 9.3e5 + noise(sensor.sensor_id, 1) * 9) * 0.5;
  const fault = faults.get(sensor.sensor_id);
  const drift = fault && ms > fault.from ? fault.size * Math.min(1, (ms - fault.from) / (fault.minutes * 60_000)) : 0;
  return (sensor.target ?? 0) + sigma * (slow + noise(sensor.sensor_id, Math.round(ms / 1000)) * 0.8 + drift);
}

/** The device of one sensor is silent, another reports bad values, a third uncertain ones. */
export function statusOf(sensor) {
  if (sensor.sensor_id === "Line_A.flue_oxygen") return "ERROR";
  if (sensor.sensor_id === "Line_A.throat_temperature") return "WARNING";
  return "OK";
}

export const SILENT = "Line_A.melt_level";

export function pane(sensor, start, now) {
  if (sensor.sensor_id === SILENT && start > now - 14 * 60_000) return null;
  if (sensor.parameter_name === "crown_temperature" && Math.floor(start / 60_000) % 120 < 12) return null;
  const count = Math.max(1, Math.round(60 / sensor.period_s));
  const n = Math.min(count, Math.max(1, Math.floor((now - start) / 1000 / sensor.period_s)));
  const values = Array.from({ length: Math.min(n, 12) }, (_, i) => valueAt(sensor, start + i * 5000));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const bad = statusOf(sensor) === "ERROR" ? n : 0;
  const shown = (value) => (bad ? null : value);
  return {
    sensor_id: sensor.sensor_id,
    start: iso(start),
    bad,
    uncertain: statusOf(sensor) === "WARNING" ? n : 0,
    last_reading: iso(Math.min(now, start + 59_000)),
    status: statusOf(sensor),
    production_line: sensor.production_line,
    parameter_name: sensor.parameter_name,
    n: n - bad,
    mean: shown(mean),
    std: shown(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1))),
    min: shown(Math.min(...values)),
    max: shown(Math.max(...values)),
    first: shown(values[0]),
    last: shown(values.at(-1)),
  };
}

export function latest(sensor, now) {
  const at = sensor.sensor_id === SILENT ? now - 14 * 60_000 : Math.floor(now / 1000 / sensor.period_s) * sensor.period_s * 1000;
  return {
    sensor_id: sensor.sensor_id,
    at: iso(at),
    value: valueAt(sensor, at),
    status: statusOf(sensor),
    production_line: sensor.production_line,
    parameter_name: sensor.parameter_name,
  };
}

export function kpi(line, scope, start, end, quality = 0.962) {
  const inspected = line === "all" ? 15_640 : 5_212 + Math.round(noise(line) * 180);
  const share = quality + noise(line, start) * 0.012;
  const good = Math.round(inspected * share);
  const busy = 5.6 * 3600 * (line === "all" ? 3 : 1);
  const down = busy * (0.03 + 0.02 * Math.abs(noise(line, 2)));
  const production = busy - down - 600;
  const types = ["crack", "bubble", "chip", "cloudiness", "deformation", "stain", "stress_fracture"];
  const defects = Object.fromEntries(types.map((name, i) => [name, Math.round(((inspected - good) * (7 - i)) / 26)]));
  const total = Object.values(defects).reduce((sum, value) => sum + value, 0);
  return {
    scope,
    start: iso(start),
    end: iso(end),
    production_line: line,
    product: "all",
    inspected,
    good,
    rework: Math.round((inspected - good) * 0.2),
    scrap: Math.round((inspected - good) * 0.8),
    defective: inspected - good,
    ...defects,
    production_s: production,
    setup_s: 600,
    down_s: down,
    planned_stop_s: 0,
    planned_run_s: production * 0.93,
    planned_good_s: production * 0.93 * share,
    defects: total,
    quality_ratio: good / inspected,
    first_pass_yield: good / inspected,
    availability: production / busy,
    performance: 0.93,
    oee: (production * 0.93 * share) / busy,
    units_per_hour: (inspected * 3600) / busy,
    target_units_per_hour: (inspected * 3600) / busy / 0.9,
    defects_per_1000: (total * 1000) / inspected,
    defect_rate: 1 - share,
    downtime_share: down / busy,
  };
}

export const EDGES = [
  ["furnace_temperature", "crack", "high", 1600, 0.85, 2400, 4500, "thermal stress in cooling", "lower the furnace by 20 to 30 °C"],
  ["furnace_temperature", "cloudiness", "low", 1450, 0.78, 2400, 4500, "incomplete melting, crystallisation", "raise fuel flow"],
  ["belt_speed", "deformation", "high", 180, 0.82, 1320, 1920, "too little forming time", "reduce belt speed by 15 %"],
  ["mold_temperature", "stress_fracture", "low", 280, 0.75, 1320, 1920, "rapid cooling", "raise mold heater power"],
  ["forming_pressure", "bubble", "variation", 15, 0.88, 1320, 1920, "gas entrapment", "reduce forming pressure by 10 MPa"],
  ["cooling_rate", "crack", "high", 7, 0.9, 120, 1800, "thermal shock", "reduce cooling fan speed"],
  ["furnace_burner", "furnace_temperature", "high", null, 0.9, 900, 1800, "more heat input", "check fuel and air flow"],
  ["furnace_temperature", "melt_viscosity", "low", null, 0.9, 900, 1800, "colder glass is stiffer", "raise the furnace set-point"],
  ["belt_motor", "belt_speed", "high", null, 0.9, 5, 10, "the motor drives the belt", "check the drive"],
  ["belt_speed", "forming_pressure", "high", null, 0.7, 5, 10, "less time to form", "reduce belt speed"],
  ["mold_heater", "mold_temperature", "low", null, 0.9, 600, 1200, "less heat input", "check the heater"],
  ["mold_temperature", "product_stress", "low", null, 0.8, 600, 1200, "steeper gradients", "raise mold temperature"],
  ["cooling_fan", "cooling_rate", "high", null, 0.9, 120, 300, "more air", "reduce fan speed"],
  ["cooling_rate", "annealing_quality", "high", null, 0.85, 120, 300, "stress is frozen in", "reduce fan speed"],
].map(([cause, effect, direction, threshold, confidence, lag_min_s, lag_max_s, mechanism, advice], index) => ({
  edge_id: index,
  cause,
  effect,
  direction,
  threshold,
  confidence,
  lag_min_s,
  lag_max_s,
  mechanism,
  advice,
}));

export const DEFECTS = ["crack", "bubble", "chip", "cloudiness", "deformation", "stain", "stress_fracture"];
export const EQUIPMENT = ["furnace_burner", "belt_motor", "mold_heater", "cooling_fan"];
