import type { AlertRow } from "../../api/types";
import { AlertMark } from "../../components/AlertMark";
import type { TableColumn } from "../../components/VirtualTable";
import { When } from "../../components/When";
import { label, lineLabel, loose, percent } from "../../lib/format";
import { text } from "../../text";
import { AcknowledgeButton } from "./actions";

const columns = text.alerts.columns;

/** Of a line's rules the limits are shares, but for counts above one. */
export function peakAndLimit(alert: AlertRow): string {
  if (alert.peak === null) return "–";
  const share = alert.sensor_id === null && alert.limit !== null && alert.limit > 0 && alert.limit < 1;
  if (share) return `${percent(alert.peak)} / ${percent(alert.limit)}`;
  return alert.limit === null ? loose(alert.peak) : `${loose(alert.peak)} / ${loose(alert.limit)}`;
}

const severity: TableColumn<AlertRow> = { id: "severity", title: columns.severity, width: "5.75rem", sortable: true, cell: (row) => <AlertMark alert={row} /> };
const raised: TableColumn<AlertRow> = { id: "raised", title: columns.raised, width: "7.5rem", sortable: true, cell: (row) => <When at={row.raised_at} stacked /> };
const line: TableColumn<AlertRow> = { id: "line", title: columns.line, width: "4.5rem", sortable: true, cell: (row) => lineLabel(row.production_line) };
const equipment: TableColumn<AlertRow> = {
  id: "equipment",
  title: columns.equipment,
  width: "minmax(8rem, 0.8fr)",
  sortable: true,
  cell: (row) => (
    <span className="two-lines">
      <span>{row.equipment_id === null ? "–" : label(row.equipment_id)}</span>
      <span className="faint small">{row.parameter_name === null ? "" : label(row.parameter_name)}</span>
    </span>
  ),
};
const message: TableColumn<AlertRow> = {
  id: "message",
  title: columns.message,
  width: "minmax(10rem, 2fr)",
  sortable: true,
  cell: (row) => (
    <span className="two-lines" title={`${row.message}. ${row.recommended_action}`}>
      <span>
        {row.message} {row.chattering && <span className="restated">{text.alerts.chattering}</span>}
      </span>
      <span className="faint small">{row.recommended_action}</span>
    </span>
  ),
};
const value: TableColumn<AlertRow> = { id: "value", title: columns.value, width: "8.5rem", numeric: true, cell: peakAndLimit };
const state: TableColumn<AlertRow> = {
  id: "state",
  title: columns.state,
  width: "minmax(7rem, 0.8fr)",
  sortable: true,
  cell: (row) => (
    <span className="two-lines small" title={row.note ?? undefined}>
      <span>{text.alertState[row.state]}</span>
      <span className="faint">{row.acknowledged_by ?? ""}</span>
    </span>
  ),
};
const actions: TableColumn<AlertRow> = { id: "actions", title: columns.actions, width: "4.5rem", cell: (row) => <AcknowledgeButton alert={row} /> };

const all = [severity, raised, line, equipment, message, value, state, actions];
const beside = [severity, raised, line, message, actions];

export function alertColumns(besideDetail: boolean): readonly TableColumn<AlertRow>[] {
  return besideDetail ? beside : all;
}

/** One cell that holds what a phone can show. */
export const compactColumn: readonly TableColumn<AlertRow>[] = [
  {
    id: "alert",
    title: columns.message,
    width: "minmax(0, 1fr)",
    cell: (row) => (
      <span className="compact-alert">
        <AlertMark alert={row} />
        <span className="two-lines">
          <span className="clip">{row.message}</span>
          <span className="faint small clip">
            {lineLabel(row.production_line)}
            {row.parameter_name === null ? "" : ` · ${label(row.parameter_name)}`}
            {row.peak === null ? "" : ` · ${peakAndLimit(row)}`}
          </span>
          <span className="small clip">
            <When at={row.raised_at} /> · <span className="faint">{text.alertState[row.state]}</span>
          </span>
        </span>
        <AcknowledgeButton alert={row} />
      </span>
    ),
  },
];
