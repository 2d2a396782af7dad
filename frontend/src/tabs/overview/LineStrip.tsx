import { useLines } from "../../api/queries";
import type { AlertRow, KpiRow, LineSummary, MachineStateRow } from "../../api/types";
import { Restated } from "../../components/Restated";
import { SeverityMark } from "../../components/SeverityMark";
import { Empty, Loaded } from "../../components/States";
import { When } from "../../components/When";
import { label, lineLabel, parseTime, percent, relative } from "../../lib/format";
import { hrefOf } from "../../lib/route";
import { SEVERITIES, countOpen, isUnacknowledged } from "../../lib/severity";
import { kpiKey, type LiveState } from "../../live/reducer";
import { useLive, usePlantNow } from "../../live/useLive";
import { text } from "../../text";

/** What each line does: machine state, product, OEE of the shift, open alerts. */
export function LineStrip({ chosen }: { chosen: string | null }) {
  const lines = useLines();
  const live = useLive();
  return (
    <section aria-label={text.overview.lines}>
      <Loaded query={lines} what={text.overview.lines} rows={1} height="9rem">
        {(answer) =>
          answer.lines.length === 0 ? (
            <Empty title={text.overview.noLines} />
          ) : (
            <div className="lines">
              {answer.lines.map((line) => (
                <LineCard key={line.line} line={line} live={live} chosen={chosen === line.line} />
              ))}
            </div>
          )
        }
      </Loaded>
    </section>
  );
}

/** The newest row of a line among the live ones, which are fresher than the fetched. */
function currentState(live: LiveState, line: string): MachineStateRow | null {
  let found: MachineStateRow | null = null;
  for (const row of live.machineStates.values()) {
    if (row.production_line === line && row.end === null && (found === null || row.start > found.start)) found = row;
  }
  return found;
}

function currentShift(live: LiveState, line: string): KpiRow | null {
  let found: KpiRow | null = null;
  for (const row of live.kpis.values()) {
    const fits = row.production_line === line && row.scope === "shift" && row.product === "all";
    if (fits && (found === null || row.start > found.start)) found = row;
  }
  return found;
}

function LineCard({ line, live, chosen }: { line: LineSummary; live: LiveState; chosen: boolean }) {
  const now = usePlantNow();
  const state = currentState(live, line.line) ?? line.state;
  const shift = currentShift(live, line.line) ?? line.kpi_shift;
  const alerts = [...live.alerts.values()].filter((alert) => alert.production_line === line.line);
  return (
    <article className={chosen ? "panel line-card chosen" : "panel line-card"} aria-label={lineLabel(line.line)}>
      <header className="row spread">
        <h2>{lineLabel(line.line)}</h2>
        <span className={`machine-state ${state?.state ?? "unknown"}`}>
          {state ? text.machineState[state.state] : text.unknown}
        </span>
      </header>
      <p className="small muted state-line">
        {label(state?.product ?? line.product ?? "–")} ·{" "}
        {state?.reason && state.state !== "production" ? `${label(state.reason)}, ` : ""}
        {state ? text.since(relative(parseTime(state.start), now).replace(" ago", "")) : ""}
      </p>
      <dl className="factors">
        <div className="wide">
          <dt>{text.overview.oee}</dt>
          <dd className="oee">
            {percent(shift?.oee)}{" "}
            {shift && <Restated of={kpiKey(shift)} format={(value) => percent(value)} />}
          </dd>
        </div>
        <div>
          <dt>{text.overview.availability}</dt>
          <dd>{percent(shift?.availability, 0)}</dd>
        </div>
        <div>
          <dt>{text.overview.performance}</dt>
          <dd>{percent(shift?.performance, 0)}</dd>
        </div>
        <div>
          <dt>{text.overview.qualityFactor}</dt>
          <dd>{percent(shift?.quality_ratio, 1)}</dd>
        </div>
      </dl>
      <LineAlerts alerts={alerts} />
      <footer className="row spread small">
        <span className="faint">
          {text.overview.clock} <When at={line.clock} />
        </span>
        <span className="row">
          <a href={hrefOf("sensors", { line: line.line })}>{text.overview.seeSensors}</a>
          <a href={hrefOf("alerts", { line: line.line })}>{text.overview.seeAlerts}</a>
        </span>
      </footer>
    </article>
  );
}

function LineAlerts({ alerts }: { alerts: readonly AlertRow[] }) {
  const counts = countOpen(alerts);
  if (counts.open === 0) return <p className="line-alerts faint small">{text.overview.noAlerts}</p>;
  return (
    <ul className="line-alerts row" aria-label={text.overview.openAlerts}>
      {SEVERITIES.filter((severity) => counts[severity] > 0).map((severity) => {
        const waiting = alerts.some((alert) => alert.severity === severity && isUnacknowledged(alert));
        return (
          <li key={severity} className="row">
            <SeverityMark severity={severity} size={18} hollow={!waiting} /> {counts[severity]}
          </li>
        );
      })}
    </ul>
  );
}
