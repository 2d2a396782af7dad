import { describe, expect, it } from "vitest";
import type { AlertRow, AlertState, Severity } from "../src/api/types";
import { SEVERITIES, byUrgency, countOpen, isOpen, isUnacknowledged, severityRank } from "../src/lib/severity";
import { filterAlerts, mergeAlerts, sortAlerts, type Filter } from "../src/tabs/alerts/list";

let serial = 0;
function alert(severity: Severity, state: AlertState, raised = "2026-01-31T06:00:00.000Z", more: Partial<AlertRow> = {}): AlertRow {
  serial += 1;
  const base = { alert_id: String(serial).padStart(4, "0"), severity, state, raised_at: raised, cleared_at: null, production_line: "Line_A", message: "m" };
  return { ...base, ...more } as AlertRow;
}

const everything: Filter = { line: null, severities: null, openOnly: false, search: "", from: null, to: null };
const table = (rows: AlertRow[]) => new Map(rows.map((row) => [row.alert_id, row]));

it("severities go from critical to low", () => {
  expect([...SEVERITIES].sort((a, b) => severityRank(b) - severityRank(a))).toEqual(["CRITICAL", "HIGH", "MEDIUM", "LOW"]);
});

describe("urgency", () => {
  it("puts what nobody acknowledged before what somebody did, then the worst, then the newest", () => {
    const rows = [
      alert("CRITICAL", "active_acknowledged"),
      alert("LOW", "active_unacknowledged"),
      alert("HIGH", "active_unacknowledged", "2026-01-31T05:00:00.000Z"),
      alert("HIGH", "returned_unacknowledged", "2026-01-31T07:00:00.000Z"),
      alert("CRITICAL", "active_unacknowledged"),
    ];
    const order = [...rows].sort(byUrgency).map((row) => `${row.severity} ${row.state.includes("unack")}`);
    expect(order).toEqual(["CRITICAL true", "HIGH true", "HIGH true", "LOW true", "CRITICAL false"]);
    expect([...rows].sort(byUrgency)[1]!.state).toBe("returned_unacknowledged");
  });

  it("is a total order: any start gives the same list", () => {
    const rows = Array.from({ length: 40 }, (_, i) => alert(SEVERITIES[i % 4]!, i % 3 === 0 ? "active_acknowledged" : "active_unacknowledged"));
    const wanted = [...rows].sort(byUrgency);
    expect([...rows].reverse().sort(byUrgency)).toEqual(wanted);
  });
});

it("only annunciated states are open", () => {
  const open = (["active_unacknowledged", "active_acknowledged", "returned_unacknowledged"] as const).map((state) => alert("LOW", state));
  const shut = (["normal", "shelved", "suppressed", "out_of_service", "dismissed", "withdrawn"] as const).map((state) => alert("LOW", state));
  expect(open.every(isOpen)).toBe(true);
  expect(shut.some(isOpen) || shut.some(isUnacknowledged)).toBe(false);
  expect(countOpen([...open, ...shut])).toMatchObject({ open: 3, unacknowledged: 2, LOW: 3, CRITICAL: 0 });
});

describe("the list", () => {
  it("lets live rows hold over fetched ones", () => {
    const old = alert("HIGH", "active_unacknowledged");
    const live = { ...old, state: "active_acknowledged" as const };
    expect(mergeAlerts([old], table([live])).get(old.alert_id)?.state).toBe("active_acknowledged");
  });

  it("filters by line, severity, text and openness", () => {
    const rows = [
      alert("HIGH", "active_unacknowledged", undefined, { production_line: "Line_B", message: "furnace pressure high" }),
      alert("LOW", "normal", undefined, { message: "drift" }),
    ];
    const ids = (filter: Partial<Filter>) => filterAlerts(table(rows), { ...everything, ...filter }).map((row) => row.severity);
    expect(ids({})).toEqual(["HIGH", "LOW"]);
    expect(ids({ line: "Line_B" })).toEqual(["HIGH"]);
    expect(ids({ severities: ["LOW"] })).toEqual(["LOW"]);
    expect(ids({ openOnly: true })).toEqual(["HIGH"]);
    expect(ids({ search: " PRESSURE " })).toEqual(["HIGH"]);
  });

  it("shows an alert in every range during which it was on", () => {
    const row = alert("HIGH", "normal", "2026-01-31T06:00:00.000Z", { cleared_at: "2026-01-31T07:00:00.000Z" });
    const shown = (from: string, to: string) => filterAlerts(table([row]), { ...everything, from: Date.parse(from), to: Date.parse(to) }).length === 1;
    expect(shown("2026-01-31T06:30:00Z", "2026-01-31T06:40:00Z")).toBe(true);
    expect(shown("2026-01-31T07:30:00Z", "2026-01-31T08:00:00Z")).toBe(false);
    expect(shown("2026-01-31T05:00:00Z", "2026-01-31T05:59:00Z")).toBe(false);
  });

  it("sorts by a column both ways, ties by urgency", () => {
    const rows = [alert("LOW", "active_unacknowledged"), alert("CRITICAL", "active_unacknowledged"), alert("LOW", "active_acknowledged")];
    const order = (descending: boolean) => sortAlerts(rows, { column: "severity", descending }).map((row) => `${row.severity[0]}${row.state.includes("unack")}`);
    expect(order(true)).toEqual(["Ctrue", "Ltrue", "Lfalse"]);
    expect(order(false)).toEqual(["Ltrue", "Lfalse", "Ctrue"]);
  });
});
