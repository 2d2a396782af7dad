// A stand-in for the server, for work on the dashboard alone: answers the HTTP and WebSocket contract with the
// data of `plant.mjs` and serves `dist/`. Development only; nothing of it is built into the dashboard.
//
//   npm run build && npm run fixture      then open http://127.0.0.1:8000/?token=dev

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import * as trained from "./models.mjs";
import { DEFECTS, EDGES, EQUIPMENT, LINES, RULES, SENSORS, faults, iso, kpi, latest, limitsOf, noise, pane, valueAt } from "./plant.mjs";

const PORT = Number(process.env.PORT ?? 8000);
const TOKEN = process.env.TOKEN ?? "dev";
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const MINUTE = 60_000;

let tick = 4_000;
const started = Date.now();
const shiftStart = Math.floor(started / (8 * 3_600_000)) * 8 * 3_600_000;
const events = [];
const injected = [];
let settings = {
  update_s: { kpi: 10, sensors: 5 },
  time_range: "4h",
  confidence: 0.7,
  cards: ["total_defects", "quality_rate", "critical_alerts", "prediction_accuracy", "production_rate", "response_time"],
  alerts: { sound: false, min_severity: "LOW" },
  action_mode: "manual",
};

const answer = () => ({ tick, now: iso(Date.now()) });
const sensorOf = (id) => SENSORS.find((sensor) => sensor.sensor_id === id);
const full = (sensor) => ({ ...sensor, latest: latest(sensor, Date.now()), setpoint: sensor.target, limits: limitsOf(sensor) });

// --- alerts ----------------------------------------------------------------------------------------------

const alerts = new Map();

function raise(ruleName, line, minutesAgo, more = {}) {
  const rule = RULES.find(({ name }) => name === ruleName);
  const parameter = rule.watch.startsWith("every") ? null : rule.watch;
  const sensor = more.sensor ?? (parameter ? sensorOf(`${line}.${parameter}`) : null);
  const raised = Date.now() - minutesAgo * MINUTE;
  const row = {
    alert_id: (0x1000 + alerts.size).toString(16).padStart(16, "0"),
    raised_at: iso(Math.floor(raised / MINUTE) * MINUTE),
    cleared_at: null,
    severity: rule.severity,
    state: "active_unacknowledged",
    production_line: line,
    sensor_id: sensor?.sensor_id ?? null,
    equipment_id: sensor?.equipment_id ?? null,
    parameter_name: sensor?.parameter_name ?? null,
    rule_id: rule.id,
    message: rule.message,
    recommended_action: rule.advice,
    peak: rule.limit ? rule.limit * (rule.check === "low" ? 0.985 : 1.012) : null,
    limit: rule.limit ?? null,
    acknowledged: false,
    acknowledged_at: null,
    acknowledged_by: null,
    shelved_until: null,
    responded_at: null,
    note: null,
    events: 0,
    chattering: false,
    response_s: null,
    ...more.row,
  };
  alerts.set(row.alert_id, row);
  return row;
}

const by = (name, minutes) => ({ acknowledged: true, acknowledged_at: iso(Date.now() - minutes * MINUTE), acknowledged_by: name });
faults.set("Line_B.cooling_rate", { from: Date.now() - 26 * MINUTE, size: 38, minutes: 12 });
faults.set("Line_B.cooling_fan_speed", { from: Date.now() - 28 * MINUTE, size: 18, minutes: 10 });
raise("cooling too fast", "Line_B", 11);
raise("defect rate high", "Line_B", 6);
raise("furnace drift", "Line_C", 47, { row: { state: "active_acknowledged", ...by("m.weber", 40), events: 1 } });
raise("sensor silent", "Line_A", 9, { sensor: sensorOf("Line_A.melt_level") });
raise("burner fouling (CUSUM)", "Line_A", 95);
raise("furnace pressure high", "Line_C", 130, { row: { state: "returned_unacknowledged", cleared_at: iso(Date.now() - 118 * MINUTE), chattering: true } });
for (let i = 0; i < 60; i += 1) {
  const rule = RULES[(i * 7) % RULES.length];
  const minutes = 180 + i * 19;
  raise(rule.name, LINES[i % 3], minutes, {
    sensor: rule.watch === "every sensor" ? sensorOf(`${LINES[i % 3]}.belt_speed`) : undefined,
    row: { state: i % 9 === 0 ? "dismissed" : "normal", cleared_at: iso(Date.now() - (minutes - 7) * MINUTE), ...by("k.lang", minutes - 3), events: 1 },
  });
}

function act(alert, action, body) {
  const now = iso(Date.now());
  const done = { ...alert, events: alert.events + 1, note: body.reason || alert.note };
  if (action === "acknowledge") Object.assign(done, { acknowledged: true, acknowledged_at: now, acknowledged_by: "dev", state: alert.cleared_at ? "normal" : "active_acknowledged" });
  if (action === "shelve") Object.assign(done, { state: "shelved", shelved_until: iso(Date.now() + parseFloat(body.for ?? "30m") * MINUTE) });
  if (action === "unshelve" || action === "return-to-service") Object.assign(done, { state: alert.acknowledged ? "active_acknowledged" : "active_unacknowledged", shelved_until: null });
  if (action === "dismiss") done.state = "dismissed";
  if (action === "out-of-service") done.state = "out_of_service";
  if (action === "respond") Object.assign(done, { responded_at: now, response_s: (Date.now() - Date.parse(alert.raised_at)) / 1000 });
  alerts.set(alert.alert_id, done);
  events.push({ id: events.length, alert_id: alert.alert_id, at: now, action: action.replaceAll("-", "_"), by: "dev", reason: body.reason ?? "" });
  publish("alerts", "alert", { added: { alerts: [done] }, removed: { alerts: [alert] } });
  return done;
}

function rootCause(edge, line, rank, sigmas) {
  const sensor = sensorOf(`${line}.${edge.cause}`);
  const now = Date.now();
  return {
    production_line: line,
    effect: edge.effect,
    incident: iso(Math.floor(now / 900_000) * 900_000),
    rank,
    edge_id: edge.edge_id,
    root_cause_id: `${edge.edge_id}${line}`.padStart(16, "0"),
    cause: edge.cause,
    direction: edge.direction,
    confidence: edge.confidence * (1 - 0.1 * (rank - 1)),
    deviation_sigmas: sigmas,
    sensor_id: sensor.sensor_id,
    evidence_from: iso(now - 24 * MINUTE),
    evidence_to: iso(now - 3 * MINUTE),
    evidence_panes: 18,
    peak: sensor.target + sigmas * sensor.sigma,
    centre: sensor.target,
    effects: 23,
    mechanism: edge.mechanism,
    recommended_action: edge.advice,
    parameter_name: edge.cause,
    deviation_magnitude: sigmas,
    evidence: [
      {
        sensor_id: sensor.sensor_id,
        points: Array.from({ length: 30 }, (_, i) => ({ at: iso(now - (30 - i) * MINUTE), value: valueAt(sensor, now - (30 - i) * MINUTE) })),
      },
    ],
  };
}

const causesOf = (effect, line) =>
  EDGES.filter((edge) => edge.effect === effect && sensorOf(`Line_A.${edge.cause}`))
    .slice(0, 3)
    .map((edge, index) => rootCause(edge, line ?? "Line_B", index + 1, 31.5 - 20 * index));

// --- answers ---------------------------------------------------------------------------------------------

function cards(line) {
  const row = kpi(line, "shift", shiftStart, shiftStart + 8 * 3_600_000, line === "Line_B" ? 0.91 : 0.962);
  const hour = Math.floor(Date.now() / 3_600_000);
  return {
    total_defects: { value: row.defects, previous: Math.round(row.defects * 0.86), trend: 0.16, shift_start: iso(shiftStart) },
    quality_rate: {
      value: row.quality_ratio,
      sparkline: Array.from({ length: 24 }, (_, i) => ({ start: iso((hour - 23 + i) * 3_600_000), value: row.quality_ratio + 0.02 * noise(line, hour - 23 + i) })),
    },
    critical_alerts: { value: [...alerts.values()].filter((a) => a.severity === "CRITICAL" && a.state === "active_unacknowledged").length },
    prediction_accuracy: { value: null, why: "no model is scoring yet" },
    production_rate: { value: row.units_per_hour, target: row.target_units_per_hour },
    response_time: {
      value_s: 412,
      target_s: 600,
      histogram: [60, 120, 300, 600, 1200, 3600, null].map((upto_s, i) => ({ upto_s, count: [1, 4, 9, 6, 3, 1, 0][i] })),
    },
  };
}

const machineState = (line) => ({
  production_line: line,
  start: iso(shiftStart + 47 * MINUTE),
  end: null,
  state: line === "Line_C" ? "setup" : "production",
  product: { Line_A: "bottle_330", Line_B: "bottle_750", Line_C: "jar_500" }[line],
  reason: line === "Line_C" ? "job change" : "running",
});

function lineSummary(line) {
  const open = [...alerts.values()].filter((a) => a.production_line === line && a.state.includes("active"));
  const shift = kpi(line, "shift", shiftStart, shiftStart + 8 * 3_600_000, line === "Line_B" ? 0.91 : 0.962);
  return {
    line,
    clock: iso(Date.now() - 1000),
    state: machineState(line),
    product: machineState(line).product,
    kpi_shift: shift,
    kpi_hour: shift,
    alerts: { ...Object.fromEntries(["CRITICAL", "HIGH", "MEDIUM", "LOW"].map((s) => [s, open.filter((a) => a.severity === s).length])), unacknowledged: open.length },
  };
}

function series(sensor, from, to, points) {
  const now = Date.now();
  const minutes = Math.max(1, Math.round((to - from) / MINUTE));
  const step = Math.max(1, Math.ceil(minutes / points)) * MINUTE;
  const rows = [];
  for (let start = Math.floor(from / step) * step; start < Math.min(to, now); start += step) {
    const row = pane(sensor, start, now);
    if (row) rows.push(row);
  }
  return { resolution_s: step / 1000, points: rows };
}

function investigate(alert) {
  const raised = Date.parse(alert.raised_at);
  const own = alert.sensor_id ? [sensorOf(alert.sensor_id)] : [];
  const others = SENSORS.filter((s) => s.production_line === alert.production_line && s !== own[0]).slice(0, 6);
  return {
    alert,
    events: events.filter((event) => event.alert_id === alert.alert_id),
    signals: [...own, ...others].map((sensor) => ({ sensor: full(sensor), points: series(sensor, raised - 60 * MINUTE, Math.min(Date.now(), raised + 60 * MINUTE), 400).points })),
    root_causes: alert.message.includes("%") || alert.parameter_name === "cooling_rate" ? causesOf("crack", alert.production_line) : [],
    conditions: [],
  };
}

function graph() {
  const names = new Set(EDGES.flatMap(({ cause, effect }) => [cause, effect]));
  for (const defect of DEFECTS) names.add(defect);
  const kind = (id) => (DEFECTS.includes(id) ? "defect" : EQUIPMENT.includes(id) ? "equipment" : "parameter");
  return {
    nodes: [...names].map((name) => ({ id: `${kind(name)}:${name}`, kind: kind(name), label: name })),
    edges: EDGES.map((edge) => ({ ...edge, source: `${kind(edge.cause)}:${edge.cause}`, target: `${kind(edge.effect)}:${edge.effect}` })),
  };
}

const rules = () =>
  RULES.map((rule) => ({
    rule_id: rule.id,
    name: rule.name,
    enabled: rule.enabled ?? true,
    subject: rule.watch,
    condition: rule.limit ? `${rule.check} ${rule.limit}${rule.deadband ? `, deadband ${rule.deadband}` : ""}` : rule.check,
    severity: rule.severity,
    on_delay: rule.on_delay ?? 1,
    off_delay: rule.off_delay ?? 1,
    suppress_when_stopped: rule.suppress_when_stopped ?? false,
    message: rule.message,
    advice: rule.advice,
    parameters: Object.fromEntries(["limit", "deadband", "band", "per_minute", "width", "threshold", "share"].filter((n) => rule[n] !== undefined).map((n) => [n, rule[n]])),
  }));

const TABLES = [
  { name: "latest", doc: "The last reading of each sensor, by event time.", columns: [["sensor_id", "text", "Sensor."], ["at", "time", "When it was measured."], ["value", "float", "The value; null when the pane held bad readings only."], ["status", "text", "What the device said of it."]] },
  { name: "panes", doc: "Readings folded into panes of event time, one minute each.", columns: [["sensor_id", "text", "Sensor."], ["start", "time", "Start of the pane."], ["mean", "float", "Mean."], ["min", "float", "Least value."], ["max", "float", "Greatest value."]] },
  { name: "alerts", doc: "Alerts and their life.", columns: [["alert_id", "text", "Identity."], ["severity", "text", "LOW, MEDIUM, HIGH or CRITICAL."]] },
].map((table) => ({ ...table, columns: table.columns.map(([name, type, doc]) => ({ name, type, doc })) }));

function sql({ query }) {
  if (/\bdrop\b|\bselec\b/i.test(query)) throw Object.assign(new Error("syntax error at 'selec': expected a statement"), { status: 400, code: "syntax" });
  const now = Date.now();
  const lineName = /production_line = '(\w+)'/.exec(query)?.[1];
  const objects = /from panes/i.test(query)
    ? SENSORS.filter((s) => !lineName || s.production_line === lineName).flatMap((s) => Array.from({ length: 31 }, (_, i) => pane(s, Math.floor(now / MINUTE - 31 + i) * MINUTE, now)).filter(Boolean))
    : SENSORS.map((sensor) => latest(sensor, now)).slice(0, 50);
  const names = Object.keys(objects[0]);
  const type = (name) => (["at", "start", "last_reading"].includes(name) ? "time" : typeof objects[0][name] === "number" ? "float" : "text");
  return { columns: names.map((name) => ({ name, type: type(name) })), rows: objects.map((row) => names.map((name) => row[name])), elapsed_ms: 12 };
}

function inject(text) {
  const line = /:(Line_\w)/.exec(text)?.[1] ?? "Line_A";
  const sensor = sensorOf(`${line}.furnace_temperature`);
  injected.push({ id: injected.length, fault: text });
  faults.set(sensor.sensor_id, { from: Date.now(), size: 34, minutes: 1 });
  setTimeout(() => publish("alerts", "alert", { added: { alerts: [raise("furnace over temperature", line, 0)] }, removed: {} }), 1500);
  return { id: injected.length - 1, fault: text };
}

const fail = (status, code, message) => {
  throw Object.assign(new Error(message), { status, code });
};
const known = (value, what) => value ?? fail(404, "not_found", `${what} is not known`);

/** Method and path pattern → answer. */
const ROUTES = [
  ["GET", /^\/api\/me$/, () => ({ name: "dev", role: process.env.ROLE ?? "admin" })],
  ["GET", /^\/api\/lines$/, () => ({ ...answer(), time_zone: "Europe/Berlin", lines: LINES.map(lineSummary) })],
  ["GET", /^\/api\/sensors$/, (_, q) => ({ ...answer(), sensors: SENSORS.filter((s) => !q.get("line") || s.production_line === q.get("line")).map(full) })],
  ["GET", /^\/api\/sensors\/([^/]+)\/series$/, ([id], q) => {
    const sensor = known(sensorOf(id), `sensor ${id}`);
    const found = series(sensor, Date.parse(q.get("from")), Date.parse(q.get("to")), Number(q.get("points") ?? 400));
    return { ...answer(), sensor: full(sensor), ...found, alerts: [...alerts.values()].filter((a) => a.sensor_id === id), setpoints: [], limits: limitsOf(sensor) };
  }],
  ["GET", /^\/api\/kpis\/cards$/, () => ({ ...answer(), cards: cards("all"), by_line: Object.fromEntries(LINES.map((line) => [line, cards(line)])) })],
  ["GET", /^\/api\/alerts$/, (_, q) => {
    const rows = [...alerts.values()].filter((a) => !q.get("line") || a.production_line === q.get("line")).sort((a, b) => b.raised_at.localeCompare(a.raised_at));
    return { ...answer(), alerts: rows.slice(0, 500), total: rows.length };
  }],
  ["GET", /^\/api\/alerts\/([^/]+)$/, ([id]) => ({ ...answer(), ...investigate(known(alerts.get(id), `alert ${id}`)) })],
  ["POST", /^\/api\/alerts\/([^/]+)\/([\w-]+)$/, ([id, action], _, body) => ({ alert: act(known(alerts.get(id), `alert ${id}`), action, body), tick: ++tick })],
  ["GET", /^\/api\/knowledge-graph\/subgraph$/, () => ({ ...answer(), ...graph() })],
  ["GET", /^\/api\/knowledge-graph\/root-cause$/, (_, q) => ({ ...answer(), root_causes: causesOf(q.get("defect_type"), q.get("line")) })],
  ["PUT", /^\/api\/knowledge-graph\/edges\/(\d+)$/, ([id], _, { reason, ...edit }) => Object.assign(EDGES[Number(id)], edit)],
  ["GET", /^\/api\/rules$/, () => ({ ...answer(), rules: rules() })],
  ["PUT", /^\/api\/rules\/(\d+)$/, ([id], _, { reason, ...edit }) => Object.assign(RULES[Number(id)], edit)],
  ["POST", /^\/api\/sql$/, (_, __, body) => ({ ...answer(), ...sql(body) })],
  ["GET", /^\/api\/sql\/tables$/, () => ({ tables: TABLES })],
  ["GET", /^\/api\/sql\/saved$/, () => ({ queries: [{ name: "latest", title: "Last readings", about: "All sensors", sql: "select * from latest" }] })],
  ["GET", /^\/api\/settings$/, () => settings],
  ["PUT", /^\/api\/settings$/, (_, __, body) => (settings = body)],
  ["GET", /^\/api\/predictions$/, (_, q) => {
    const predictions = trained.forecasts(q.get("line"), Date.parse(q.get("from")), Date.parse(q.get("to"))).reverse();
    return { ...answer(), predictions, total: predictions.length };
  }],
  ["GET", /^\/api\/predictions\/sensors$/, (_, q) => ({ ...answer(), sensors: trained.verdicts(q.get("line")) })],
  ["GET", /^\/api\/predictions\/drivers$/, (_, q) => ({ ...answer(), ...known(trained.drivers(q.get("line"), Date.parse(q.get("at"))), "a forecast of that time") })],
  ["GET", /^\/api\/models$/, () => ({ ...answer(), models: trained.models() })],
  ["GET", /^\/api\/models\/performance$/, () => ({ ...answer(), models: trained.performance() })],
  ["GET", /^\/api\/models\/jobs$/, () => ({ jobs: trained.allJobs() })],
  ["DELETE", /^\/api\/models\/jobs\/([^/]+)$/, ([id]) => known(trained.stopJob(id), `training ${id}`)],
  ["POST", /^\/api\/models\/retrain$/, (_, __, body) => trained.retrain(body)],
  ["GET", /^\/api\/models\/([^/]+)\/([^/]+)$/, ([model, version]) => ({ ...answer(), ...known(trained.detail(model, version), `${model} ${version}`) })],
  ["POST", /^\/api\/models\/([^/]+)\/promote$/, ([model], _, { version }) => trained.deploy(model, version)],
  ["POST", /^\/api\/models\/([^/]+)\/rollback$/, ([model]) => trained.deploy(model)],
  ["GET", /^\/api\/faults$/, () => ({ faults: injected })],
  ["POST", /^\/api\/faults$/, (_, __, { fault }) => inject(fault)],
];

const health = () => ({
  ...answer(),
  status: "ok",
  version: "0.1.0",
  wall: iso(Date.now()),
  uptime_s: (Date.now() - started) / 1000,
  lag: { ticks: 0 },
  readings_per_s: 31.5,
  components: ["journal", "dataflow", "sources.plant", "store", "websocket"].map((name) => ({ name, status: "ok", detail: "", behind: 0 })),
});

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

async function handle(request, response) {
  const url = new URL(request.url, `http://127.0.0.1:${PORT}`);
  const send = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  if (!url.pathname.startsWith("/api/")) return serveFile(url.pathname, response);
  if (url.pathname === "/api/health") return send(200, health());
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return send(401, { error: { code: "unauthorized", message: "a token is needed" } });
  const path = decodeURIComponent(url.pathname);
  const route = ROUTES.find(([method, pattern]) => method === request.method && pattern.test(path));
  if (!route) return send(404, { error: { code: "not_found", message: `${request.method} ${path}` } });
  try {
    send(200, route[2](route[1].exec(path).slice(1), url.searchParams, await bodyOf(request)));
  } catch (error) {
    send(error.status ?? 500, { error: { code: error.code ?? "internal", message: error.message } });
  }
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

function serveFile(path, response) {
  const file = join(DIST, normalize(path === "/" ? "/index.html" : path));
  if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
}

// --- frames ----------------------------------------------------------------------------------------------

const server = createServer((request, response) => void handle(request, response));
const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, `http://127.0.0.1:${PORT}`);
  if (url.searchParams.get("token") !== TOKEN) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.channels = (url.searchParams.get("channels") ?? url.pathname.split("/")[2] ?? "").split(",");
    for (const channel of client.channels) client.send(message("snapshot", channel, snapshot(channel)));
  });
});

const message = (type, channel, data) =>
  JSON.stringify({ type, channel, timestamp: iso(Date.now()), tick, data, metadata: { production_line: null, equipment_id: null } });

function publish(channel, type, data) {
  tick += 1;
  const frame = message(type, channel, data);
  for (const client of sockets.clients) if (client.channels.includes(channel)) client.send(frame);
}

const minute = () => Math.floor(Date.now() / MINUTE) * MINUTE;
let frames = 0;
let sent = { latest: new Map(), panes: new Map() };

function snapshot(channel) {
  const now = Date.now();
  if (channel === "sensors") return { latest: SENSORS.map((s) => latest(s, now)), panes: SENSORS.map((s) => pane(s, minute(), now)).filter(Boolean) };
  if (channel === "predictions") return { forecasts: trained.newest(), sensor_verdicts: trained.verdicts() };
  if (channel === "recommendations") return { recommendations: [] };
  if (channel === "alerts") return { alerts: [...alerts.values()].filter((a) => a.state !== "normal"), root_causes: causesOf("crack", "Line_B") };
  return {
    kpis: ["all", ...LINES].map((line) => kpi(line, "shift", shiftStart, shiftStart + 8 * 3_600_000, line === "Line_B" ? 0.91 : 0.962)),
    machine_states: LINES.map(machineState),
    incidents: [],
  };
}

setInterval(() => {
  const now = Date.now();
  const next = { latest: new Map(), panes: new Map() };
  for (const sensor of SENSORS) {
    next.latest.set(sensor.sensor_id, latest(sensor, now));
    const row = pane(sensor, minute(), now);
    if (row) next.panes.set(`${row.sensor_id} ${row.start}`, row);
  }
  const added = { latest: [...next.latest.values()], panes: [...next.panes.values()] };
  const removed = { latest: [...sent.latest.values()], panes: [...next.panes.keys()].flatMap((key) => (sent.panes.has(key) ? [sent.panes.get(key)] : [])) };
  // Late data corrects a pane of ten minutes ago in every second frame.
  frames += 1;
  if (frames % 2 === 0) {
    const old = pane(sensorOf("Line_A.belt_speed"), minute() - 10 * MINUTE, now);
    removed.panes.push(old);
    added.panes.push({ ...old, mean: old.mean + 1.3 + frames / 100, n: old.n + 6 });
  }
  sent = next;
  publish("sensors", "sensor_update", { added, removed });
}, 5000);

setInterval(() => publish("predictions", "prediction_update", { added: { forecasts: trained.newest(), sensor_verdicts: trained.verdicts() }, removed: {} }), 20_000);

setInterval(() => {
  for (const client of sockets.clients) for (const channel of client.channels) client.send(message("heartbeat", channel, {}));
}, 15_000);

server.listen(PORT, "127.0.0.1", () => console.log(`fixture on http://127.0.0.1:${PORT}/?token=${TOKEN}`));
