import { useMemo, useState } from "react";
import { ApiError } from "../../api/client";
import { useAlertAction, useInvestigation, useSensors } from "../../api/queries";
import type { AlertRow, Investigation, OperatorEventRow, Sensor, SeriesPoint } from "../../api/types";
import { AlertMark } from "../../components/AlertMark";
import { RootCauses } from "../../components/RootCauses";
import { Empty, Failed, Skeleton } from "../../components/States";
import { TrendChart } from "../../components/TrendChart";
import { When } from "../../components/When";
import { label, lineLabel, parseTime, span } from "../../lib/format";
import { limitValues } from "../../lib/limits";
import { chartColumns } from "../../lib/series";
import { useRoute, hrefOf } from "../../lib/route";
import { isUnacknowledged } from "../../lib/severity";
import { useMay } from "../../lib/roles";
import { useLive, usePlantNow } from "../../live/useLive";
import { useCommand } from "../../shell/Shortcuts";
import { text } from "../../text";
import { ActionBar } from "./actions";
import { peakAndLimit } from "./columns";

/** From an alert to its signals, likely causes, actions and history. */
export function Investigate({ id, known, onClose }: { id: string; known: AlertRow | undefined; onClose: () => void }) {
  const query = useInvestigation(id);
  const live = useLive();
  const may = useMay("operator");
  const acknowledge = useAlertAction();
  const alert = live.alerts.get(id) ?? query.data?.alert ?? known;
  useCommand("acknowledge", () => {
    if (alert && may && isUnacknowledged(alert)) acknowledge.mutate({ id, action: "acknowledge" });
  });
  const gone = query.error instanceof ApiError && query.error.status === 404;
  return (
    <aside className="panel investigate" aria-label={text.alerts.investigate}>
      {alert === undefined ? (
        query.error ? (
          gone ? (
            <Empty title={text.alerts.gone}>
              <button onClick={onClose}>{text.alerts.back}</button>
            </Empty>
          ) : (
            <Failed title={text.states.failed(text.alerts.investigate)} error={query.error} retry={() => void query.refetch()} />
          )
        ) : (
          <Skeleton rows={6} />
        )
      ) : (
        <>
          <Head alert={alert} onClose={onClose} />
          <section className="advice">
            <h3>{text.alerts.recommended}</h3>
            <p>{alert.recommended_action}</p>
            <ActionBar alert={alert} />
          </section>
          {query.data ? (
            <Findings data={query.data} alert={alert} />
          ) : query.error ? (
            <Failed title={text.states.failed(text.alerts.signals)} error={query.error} retry={() => void query.refetch()} />
          ) : (
            <Skeleton rows={4} height="6rem" />
          )}
        </>
      )}
    </aside>
  );
}

function Head({ alert, onClose }: { alert: AlertRow; onClose: () => void }) {
  const now = usePlantNow();
  const ended = parseTime(alert.cleared_at) ?? now;
  const raised = parseTime(alert.raised_at);
  const sensors = useSensors(alert.production_line).data?.sensors;
  const unit = sensors?.find((sensor) => sensor.sensor_id === alert.sensor_id)?.unit ?? "";
  useRoute();
  return (
    <header className={`investigate-head severity-${alert.severity}`}>
      <div className="panel-head">
        <h2 className="row nowrap-row">
          <AlertMark alert={alert} size={26} /> <span>{alert.message}</span>
        </h2>
        <button className="quiet" aria-label={text.close} onClick={onClose}>
          ✕
        </button>
      </div>
      <p className="muted small">
        {lineLabel(alert.production_line)}
        {alert.equipment_id && ` · ${label(alert.equipment_id)}`}
        {alert.sensor_id && (
          <>
            {" · "}
            <a href={hrefOf("sensors", { line: alert.production_line, sensor: alert.sensor_id })}>{label(alert.parameter_name ?? alert.sensor_id)}</a>
          </>
        )}
      </p>
      <dl className="facts small">
        <div>
          <dt>{text.alerts.columns.state}</dt>
          <dd data-testid="alert-state">{text.alertState[alert.state]}</dd>
        </div>
        <div>
          <dt>{text.alerts.columns.raised}</dt>
          <dd>
            <When at={alert.raised_at} />
            {raised !== null && ended !== null && alert.cleared_at !== null && `, ${text.alerts.duration(span((ended - raised) / 1000))}`}
          </dd>
        </div>
        <div>
          <dt>{text.alerts.columns.value}</dt>
          <dd>
            {peakAndLimit(alert)} {alert.peak === null ? "" : unit}
          </dd>
        </div>
        {alert.acknowledged_by !== null && (
          <div>
            <dt>{text.alerts.acknowledged}</dt>
            <dd>
              {alert.acknowledged_by}, <When at={alert.acknowledged_at} />
            </dd>
          </div>
        )}
        {alert.shelved_until !== null && alert.state === "shelved" && (
          <div>
            <dt>{text.alertState.shelved}</dt>
            <dd>
              <When at={alert.shelved_until} />
            </dd>
          </div>
        )}
      </dl>
    </header>
  );
}

function Findings({ data, alert }: { data: Investigation; alert: AlertRow }) {
  return (
    <>
      <section aria-label={text.alerts.rootCauses}>
        <h3>{text.alerts.rootCauses}</h3>
        <RootCauses causes={data.root_causes} empty={text.alerts.noRootCauses} hint={text.alerts.noRootCausesHint} />
      </section>
      <Signals data={data} alert={alert} />
      <History alert={alert} events={data.events} />
    </>
  );
}

/** So many signals before "all": the alert's own and the nearest ones. */
const FIRST_SIGNALS = 4;

function Signals({ data, alert }: { data: Investigation; alert: AlertRow }) {
  const [all, setAll] = useState(false);
  const signals = data.signals.filter(({ points }) => points.length > 0);
  const times = signals.flatMap(({ points }) => [points[0]!, points.at(-1)!].map((point) => Date.parse(point.start)));
  const from = Math.min(...times);
  const to = Math.max(...times) + 60_000;
  return (
    <section aria-label={text.alerts.signals}>
      <h3>{text.alerts.signals}</h3>
      {signals.length === 0 ? (
        <p className="faint small">{text.alerts.noSignals}</p>
      ) : (
        signals.slice(0, all ? undefined : FIRST_SIGNALS).map(({ sensor, points }) => (
          <Signal key={sensor.sensor_id} sensor={sensor} points={points} alert={alert} from={from} to={to} />
        ))
      )}
      {signals.length > FIRST_SIGNALS && !all && (
        <button onClick={() => setAll(true)}>
          {text.all} ({signals.length})
        </button>
      )}
    </section>
  );
}

function Signal(props: { sensor: Sensor; points: readonly SeriesPoint[]; alert: AlertRow; from: number; to: number }) {
  const { sensor, points, alert, from, to } = props;
  const columns = useMemo(() => chartColumns(points, resolutionOf(points), [], sensor.setpoint ?? sensor.target), [points, sensor]);
  const limits = useMemo(() => limitValues(sensor.limits ?? []), [sensor.limits]);
  const marks = useMemo(() => [alert], [alert]);
  return (
    <div className="signal">
      <h4 className="small muted">
        {label(sensor.parameter_name)}, {sensor.unit}
      </h4>
      <TrendChart
        title={label(sensor.parameter_name)}
        unit={sensor.unit}
        spanLow={sensor.span_low}
        spanHigh={sensor.span_high}
        columns={columns}
        limits={limits}
        alerts={marks}
        from={from}
        to={to}
        height={130}
        compact
      />
    </div>
  );
}

/** The least distance of two points, in seconds. */
function resolutionOf(points: readonly SeriesPoint[]): number {
  let least = Infinity;
  for (let at = 1; at < points.length; at += 1) {
    least = Math.min(least, (Date.parse(points[at]!.start) - Date.parse(points[at - 1]!.start)) / 1000);
  }
  return Number.isFinite(least) ? Math.max(1, least) : 60;
}

function History({ alert, events }: { alert: AlertRow; events: readonly OperatorEventRow[] }) {
  const entries = [
    { at: alert.raised_at, what: text.alerts.raisedEvent, who: "", why: "" },
    ...(alert.cleared_at === null ? [] : [{ at: alert.cleared_at, what: text.alerts.clearedEvent, who: "", why: "" }]),
    ...events.map((event) => ({ at: event.at, what: event.action.replaceAll("_", " "), who: event.by, why: event.reason })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  return (
    <section aria-label={text.alerts.history}>
      <h3>{text.alerts.history}</h3>
      <ol className="history small">
        {entries.map((entry, index) => (
          <li key={index}>
            <When at={entry.at} />
            <span>
              <b>{entry.what}</b> {entry.who} {entry.why && <span className="muted">“{entry.why}”</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
