import { useMemo, useState } from "react";
import { useAlerts } from "../../api/queries";
import type { AlertRow, Severity } from "../../api/types";
import { SeverityMark } from "../../components/SeverityMark";
import { Empty, Failed, Skeleton } from "../../components/States";
import { VirtualTable } from "../../components/VirtualTable";
import { download, toCsv } from "../../lib/csv";
import { useLine } from "../../lib/line";
import { useTimeRange, resolve } from "../../lib/range";
import { useParam } from "../../lib/route";
import { SEVERITIES } from "../../lib/severity";
import { useNarrow } from "../../lib/useNarrow";
import { useLive, usePlantNow } from "../../live/useLive";
import { useCommand } from "../../shell/Shortcuts";
import { text } from "../../text";
import { Investigate } from "./Investigate";
import { alertColumns, compactColumn } from "./columns";
import { filterAlerts, mergeAlerts, sortAlerts, type Filter } from "./list";
import "./alerts.css";

export function Alerts() {
  const line = useLine(true);
  const range = useTimeRange();
  const [severities, setSeverities] = useParam("severity");
  const [scope, setScope] = useParam("show");
  const [chosen, choose] = useParam("alert");
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<{ column: string; descending: boolean } | null>(null);
  const narrow = useNarrow(760);
  const live = useLive();
  const now = usePlantNow();
  useCommand("close", () => choose(null));

  const everything = scope === "all";
  const query = useAlerts({
    line: line ?? undefined,
    time_range: range.live ? range.name : backTo(range.from, now),
  });
  const filter: Filter = {
    line,
    severities: severities === null ? null : (severities.split(",") as Severity[]),
    openOnly: !everything,
    search,
    ...(range.live || now === null ? { from: everything && now !== null ? resolve(range, now).from : null, to: null } : { from: range.from, to: range.to }),
  };
  const merged = useMemo(() => mergeAlerts(query.data?.alerts ?? [], live.alerts), [query.data, live.alerts]);
  const rows = sortAlerts(filterAlerts(merged, filter), sort);

  const toggle = (severity: Severity) => {
    const before = new Set(severities === null ? [] : severities.split(","));
    if (!before.delete(severity)) before.add(severity);
    const next = SEVERITIES.filter((entry) => before.has(entry)).join(",");
    setSeverities(next === "" || before.size === SEVERITIES.length ? null : next);
  };
  const sortBy = (column: string) =>
    setSort((old) => (old?.column !== column ? { column, descending: true } : old.descending ? { column, descending: false } : null));

  return (
    <div className={chosen ? "alerts with-detail" : "alerts"}>
      <section className="panel alert-list" aria-label={text.alerts.title}>
        <div className="row filters">
          <div className="group" role="group" aria-label={text.alerts.state}>
            <button aria-pressed={!everything} onClick={() => setScope(null)}>
              {text.alerts.openOnly}
            </button>
            <button aria-pressed={everything} onClick={() => setScope("all")}>
              {text.alerts.everything}
            </button>
          </div>
          <div className="group" role="group" aria-label={text.alerts.severity}>
            {SEVERITIES.map((severity) => (
              <button key={severity} aria-pressed={severities?.split(",").includes(severity) ?? false} onClick={() => toggle(severity)} title={text.severity[severity]}>
                <SeverityMark severity={severity} size={16} />
              </button>
            ))}
          </div>
          <input type="search" data-filter aria-label={text.alerts.filter} placeholder={text.alerts.filter} value={search} onChange={(event) => setSearch(event.target.value)} />
          <span className="faint small" role="status">
            {text.alerts.shown(rows.length, everything ? (query.data?.total ?? 0) : 0)}
          </span>
          <button disabled={rows.length === 0} title={text.exportCsv} onClick={() => save(rows)}>
            {text.csv}
          </button>
        </div>
        {live.ticks.alerts === null && !query.data ? (
          query.error ? (
            <Failed title={text.states.failed(text.alerts.title)} error={query.error} retry={() => void query.refetch()} />
          ) : (
            <Skeleton rows={10} />
          )
        ) : rows.length === 0 ? (
          severities === null && search === "" && !everything && range.live ? (
            <Empty title={text.alerts.allCalm} hint={text.overview.noAlertsHint} />
          ) : (
            <Empty title={text.alerts.none} hint={text.alerts.noneHint} />
          )
        ) : (
          <VirtualTable<AlertRow>
            label={text.alerts.title}
            columns={narrow ? compactColumn : alertColumns(chosen !== null)}
            rows={rows}
            rowKey={(row) => row.alert_id}
            rowHeight={narrow ? 76 : 44}
            selected={chosen}
            rowClass={(row) => `severity-${row.severity}${row.state.endsWith("unacknowledged") ? " waiting" : ""}`}
            onOpen={(row) => choose(row.alert_id, true)}
            sort={sort}
            onSort={sortBy}
            hideHead={narrow}
          />
        )}
      </section>
      {chosen && <Investigate key={chosen} id={chosen} known={merged.get(chosen)} onClose={() => choose(null)} />}
    </div>
  );
}

/** The API counts back from now: whole hours, so that the question stays the same for a while. */
function backTo(from: number, now: number | null): string {
  return `${Math.max(1, Math.ceil(((now ?? Date.now()) - from) / 3_600_000))}h`;
}

function save(rows: readonly AlertRow[]): void {
  const columns = Object.keys(rows[0]!) as (keyof AlertRow)[];
  download("alerts.csv", toCsv(columns, rows.map((row) => columns.map((name) => row[name]))));
}
