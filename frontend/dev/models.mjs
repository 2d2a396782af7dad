// Models, forecasts and training jobs for the fixture, as pure functions of time but for what people decide.

import { LINES, SENSORS, iso, noise } from "./plant.mjs";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SECONDS = { "1h": 3_600, "4h": 14_400, "24h": 86_400 };
const HORIZONS = Object.keys(SECONDS);
const FIRST = Date.now() - 3 * DAY;
/** As a server looks that has none yet. */
const NONE = process.env.MODELS === "none";

// --- forecasts -------------------------------------------------------------------------------------------

/** Events begin so many minutes before now. Line B's next one is foretold; its last one was missed. */
const EVENTS = {
  Line_A: [{ ago: 1_900, lasts: 90, seen: 1 }],
  Line_B: [
    { ago: 170, lasts: 25, seen: 1 },
    { ago: 640, lasts: 40, seen: 0.1 },
    { ago: -35, lasts: 60, seen: 1 },
  ],
  Line_C: [{ ago: 60, lasts: 20, seen: 0.7 }],
};
const started = Math.floor(Date.now() / MINUTE) * MINUTE;
const THRESHOLDS = { forecaster: [0.31, 0.28, 0.62], ensemble: [0.34, 0.36, 0.58] };

function forecast(line, at, now) {
  const row = { production_line: line, at: iso(at), version: "1.1.0", graph_version: "1.0.0", ensemble_version: line === "Line_C" ? null : "1.0.0" };
  HORIZONS.forEach((name, index) => {
    const ahead = SECONDS[name] * 1000;
    let odds = -3.4 + index * 0.7 + 0.5 * noise(line, Math.round(at / (7 * MINUTE)), name) + 0.15 * noise(line, at, name);
    if (index === 1 && Math.floor(at / (31 * MINUTE)) % 13 === 0) odds += 3.4;
    let came = false;
    for (const { ago, lasts, seen } of EVENTS[line]) {
      const begin = started - ago * MINUTE;
      if (at >= begin - ahead && at < begin + lasts * MINUTE) {
        came = true;
        odds += seen * 5.6 * Math.min(1, (at - begin + ahead) / (0.3 * ahead));
      }
    }
    const probability = 1 / (1 + Math.exp(-odds));
    const known = (came && EVENTS[line].some(({ ago }) => { const begin = started - ago * MINUTE; return begin <= now && begin <= at + ahead && begin >= at; })) || at + ahead <= now;
    row[`probability_${name}`] = probability;
    row[`expected_${name}`] = probability >= THRESHOLDS.forecaster[index];
    const combined = row.ensemble_version === null ? null : 1 / (1 + Math.exp(-(odds * 1.15 + 0.1)));
    row[`combined_${name}`] = combined;
    row[`combined_expected_${name}`] = combined === null ? null : combined >= THRESHOLDS.ensemble[index];
    row[`came_${name}`] = known ? came : null;
  });
  return row;
}

export function forecasts(line, from, to, now = Date.now()) {
  if (NONE) return [];
  const rows = [];
  for (let at = Math.ceil(Math.max(from, FIRST) / MINUTE) * MINUTE; at <= Math.min(to, now); at += MINUTE) {
    // Nobody scored for a while.
    if (at > started - 95 * MINUTE && at < started - 80 * MINUTE) continue;
    rows.push(forecast(line, at, now));
  }
  return rows;
}

export const newest = (now = Date.now()) => LINES.flatMap((line) => forecasts(line, now - 2 * MINUTE, now).slice(-1));

export function verdicts(line, now = Date.now()) {
  if (NONE) return [];
  return SENSORS.filter((sensor) => !line || sensor.production_line === line).map(({ sensor_id, production_line, parameter_name }) => {
    const minute = Math.floor(now / MINUTE);
    const off = { melt_level: [0.97, 0.4], cooling_rate: [0.11, 0.88], throat_temperature: [0.58, 0.2], cooling_fan_speed: [0.08, 0.63] }[parameter_name] ?? [0, 0];
    const some = (k) => 0.05 + 0.045 * noise(sensor_id, minute, k);
    return { sensor_id, at: iso(minute * MINUTE), version: "1.0.0", failure: Math.max(off[0], some(1)), anomaly: Math.max(off[1], some(2)), production_line, parameter_name };
  });
}

export function drivers(line, at) {
  if (NONE || at < FIRST) return null;
  const row = forecast(line, Math.floor(at / MINUTE) * MINUTE, Date.now());
  const of = (name) => row[`combined_${name}`] ?? row[`probability_${name}`];
  const sensors = SENSORS.filter((sensor) => sensor.production_line === line).slice(0, 20).map(({ parameter_name, sensor_id }) => {
    const weight = { cooling_rate: 0.46, cooling_fan_speed: 0.21, furnace_temperature: -0.09, belt_speed: 0.05 }[parameter_name] ?? 0.02 * noise(sensor_id);
    return { parameter_name, sensor_id, effect: Object.fromEntries(HORIZONS.map((name, i) => [name, weight * of(name) * (1 - 0.2 * i)])) };
  });
  const weights = Array.from({ length: 120 }, (_, i) => Math.exp(-((i - 96) ** 2) / 160) + 0.7 * Math.exp(-((i - 40) ** 2) / 60) + 0.1 + 0.05 * noise(i));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    line,
    at: row.at,
    version: row.version,
    probability: Object.fromEntries(HORIZONS.map((name) => [name, of(name)])),
    sensors,
    attention: weights.map((weight) => weight / total),
  };
}

// --- versions --------------------------------------------------------------------------------------------

const figure = (value, half = 0.03) => ({ value, low: value - half, high: Math.min(1, value + half) });

function horizonReport(recall, precision, ece, index) {
  const f1 = (2 * recall * precision) / (recall + precision);
  const bins = Array.from({ length: 12 }, (_, i) => {
    const confidence = (i + 0.5) / 12;
    return { count: Math.round(2_600 * Math.exp(-i / 1.6) + 190), confidence, frequency: Math.min(1, Math.max(0, confidence + ece * 2 * noise(i, index, recall))) };
  });
  return {
    windows: 20_052,
    prevalence: 0.15 + 0.04 * index,
    threshold: THRESHOLDS.forecaster[index],
    precision: figure(precision),
    recall: figure(recall),
    f1: figure(f1),
    accuracy: figure(0.9 + 0.08 * (f1 - 0.8), 0.012),
    auc: figure(0.93 + 0.2 * (f1 - 0.85), 0.02),
    average_precision: figure(f1 + 0.03, 0.02),
    brier: figure(0.061 + 0.01 * index, 0.01),
    ece,
    reliability: bins,
  };
}

const reports = (rows) => ({ test: rows.map(([recall, precision, ece], index) => horizonReport(recall, precision, ece, index)), thresholds: THRESHOLDS.forecaster });

const CARD = `# Forecaster 1.1.0

Foretells from the last 120 minutes of 20 sensors of a line whether a defect event follows within 1, 4 and 24 hours. Trained
2026-11-22 on the simulated plant; it has seen **no real one**. Input \`input\` f32 \`[batch, 120, 20]\`.

## Data

Recipe \`747135a841a73741\`:

\`\`\`json
{"train":{"seeds":{"start":1,"end":6},"days":20,"rare_cause":false},"every_minutes":120,"rule":{"minutes":30,"limit":0.1,"least_units":100}}
\`\`\`

| part | windows | events within 1 h | 4 h | 24 h |
|---|---|---|---|---|
| training | 3420 | 14.5 % | 15.9 % | 21.9 % |
| test | 2052 | 24.5 % | 26.3 % | 33.5 % |

## Limits

- Learned from a simulated plant: train again on a plant's own history before anybody relies on it.
- Labels come from inspection, which misses defects <b>and</b> sees some that are not there.
`;

const version = (model, number, daysAgo, aliases, metrics, more = {}) => ({
  model,
  version: number,
  trained: iso(Date.now() - daysAgo * DAY).slice(0, 10),
  data: "747135a841a73741",
  schema: "sha256:0b7e55a6a3f9",
  digest: Array.from({ length: 64 }, (_, i) => "0123456789abcdef"[Math.floor(8 + 8 * noise(model, number, i))] ?? "0").join(""),
  bytes: { forecaster: 880_853, graph: 312_004, ensemble: 4_211, inspector: 43_500_120 }[model],
  registered_at: iso(Date.now() - daysAgo * DAY + 3 * 60 * MINUTE),
  by: "k.lang",
  note: "",
  metrics,
  aliases,
  file: "ready",
  ...more,
});

const versions = NONE
  ? []
  : [
      version("forecaster", "1.2.0", 1, ["challenger"], reports([[0.94, 0.86, 0.021], [0.93, 0.84, 0.024], [0.91, 0.87, 0.031]])),
      version("forecaster", "1.1.0", 7, ["production"], reports([[0.92, 0.83, 0.028], [0.9, 0.81, 0.033], [0.88, 0.86, 0.047]])),
      version("forecaster", "1.0.0", 30, ["previous"], JSON.stringify(reports([[0.85, 0.76, 0.058], [0.83, 0.78, 0.062], [0.79, 0.84, 0.11]]))),
      version("graph", "1.0.0", 12, ["production"], { test: { node_accuracy: 0.91, edge_auc: 0.884 } }),
      version("ensemble", "1.0.0", 6, ["production"], { ...reports([[0.93, 0.85, 0.018], [0.92, 0.83, 0.02], [0.9, 0.88, 0.029]]), thresholds: THRESHOLDS.ensemble }),
      version("inspector", "0.9.0", 20, [], { test: { map_visible: 0.871, map: 0.702, mask_iou: 0.664, box_iou: 0.78 } }, { file: "missing" }),
    ];

export const models = () => versions;

export function detail(model, number) {
  const row = versions.find((entry) => entry.model === model && entry.version === number);
  const metrics = typeof row?.metrics === "string" ? JSON.parse(row.metrics) : row?.metrics;
  return row && { model: row, metrics, card: model === "forecaster" ? CARD : null };
}

export function deploy(model, number) {
  const of = versions.filter((entry) => entry.model === model);
  const before = of.find(({ aliases }) => aliases.includes("production"));
  const wanted = number ?? of.find(({ aliases }) => aliases.includes("previous"))?.version;
  for (const entry of of) entry.aliases = entry.aliases.filter((alias) => alias !== "production" && alias !== "previous");
  for (const entry of of) if (entry.version === wanted) entry.aliases.push("production");
  before?.aliases.push("previous");
  return { model, version: wanted };
}

export function performance() {
  const today = Math.floor(Date.now() / DAY) * DAY;
  const hits = (n, base, ...key) => {
    const off = (k) => 0.03 * noise(...key, k);
    return { n, accuracy: base + 0.05 + off(1) / 3, precision: base - 0.04 + off(2), recall: base + off(3), f1: base - 0.02 + off(4), calibration_error: 0.03 + off(5) / 3 };
  };
  return versions
    .filter(({ model, aliases }) => aliases.includes("production") && ["forecaster", "ensemble"].includes(model))
    .map(({ model, version: number, metrics }) => ({
      model,
      version: number,
      metrics: typeof metrics === "string" ? JSON.parse(metrics) : metrics,
      day: { from: iso(today - DAY), horizons: HORIZONS.map((name, i) => ({ horizon_s: SECONDS[name], ...hits(4_100 - 900 * i, 0.9 - 0.02 * i, model, name) })) },
      week: { from: iso(today - 7 * DAY), horizons: HORIZONS.map((name, i) => ({ horizon_s: SECONDS[name], ...hits(29_800, 0.91 - 0.02 * i, model, name, 7) })) },
      history: Array.from({ length: 14 }, (_, i) => today - (13 - i) * DAY).flatMap((day, i) =>
        HORIZONS.flatMap((name, k) => (i === 6 || (k === 2 && i > 12) ? [] : [{ day: iso(day), version: number, horizon_s: SECONDS[name], ...hits(4_200, 0.9 - 0.02 * k, model, name, i) }])),
      ),
    }));
}

// --- training --------------------------------------------------------------------------------------------

const job = (job_id, model, state, minutesAgo, more = {}) => ({
  job_id,
  model,
  state,
  progress: { stage: "", share: null, epochs: 0, epochs_most: null, loss: null },
  estimated_end: null,
  budget_s: 7_200,
  version: null,
  error: null,
  by: "k.lang",
  reason: "new molds on line B",
  asked_at: iso(Date.now() - minutesAgo * MINUTE),
  began_at: iso(Date.now() - minutesAgo * MINUTE),
  ended_at: null,
  ...more,
});

const jobs = NONE
  ? []
  : [
      job(7, "forecaster", "running", 47, {
        version: "1.2.1",
        progress: { stage: "training", share: 0.42, epochs: 9, epochs_most: 50, loss: 0.21 },
        estimated_end: iso(Date.now() + 61 * MINUTE),
      }),
      job(6, "graph", "done", 900, { version: "1.0.1", ended_at: iso(Date.now() - 840 * MINUTE) }),
      job(5, "ensemble", "failed", 1_900, { ended_at: iso(Date.now() - 1_890 * MINUTE), error: "too few predictions of which it is known what came: 31, needed are 50" }),
    ];

export const allJobs = () => jobs;

export function retrain({ model, reason }) {
  const queued = job(jobs.length + 5, model, "queued", 0, { reason, began_at: null });
  jobs.unshift(queued);
  return queued;
}

export function stopJob(id) {
  const found = jobs.find(({ job_id }) => job_id === Number(id));
  if (found) Object.assign(found, { state: "cancelled", ended_at: iso(Date.now()) });
  return found;
}
