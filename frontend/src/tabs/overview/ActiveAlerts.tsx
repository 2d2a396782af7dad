import { useSettings } from "../../api/queries";
import type { AlertRow } from "../../api/types";
import { AlertMark } from "../../components/AlertMark";
import { Empty, Skeleton } from "../../components/States";
import { When } from "../../components/When";
import { label, lineLabel } from "../../lib/format";
import { hrefOf } from "../../lib/route";
import { byUrgency, isOpen, isUnacknowledged, severityRank } from "../../lib/severity";
import { useLive } from "../../live/useLive";
import { text } from "../../text";
import { AcknowledgeButton } from "../alerts/actions";

/** The overview shows the most urgent ones; the alerts view has them all. */
const SHOWN = 12;

export function ActiveAlerts({ line }: { line: string | null }) {
  const { alerts, ticks } = useLive();
  const least = useSettings().data?.alerts.min_severity ?? "LOW";
  const open = [...alerts.values()]
    .filter((alert) => isOpen(alert) && (line === null || alert.production_line === line))
    .filter((alert) => severityRank(alert.severity) >= severityRank(least))
    .sort(byUrgency);
  return (
    <section className="panel" aria-label={text.overview.activeAlerts}>
      <header className="row spread section-head">
        <h2>{text.overview.activeAlerts}</h2>
        <a href={hrefOf("alerts", { line })}>{text.overview.allAlerts(open.length)}</a>
      </header>
      {ticks.alerts === null ? (
        <Skeleton rows={3} />
      ) : open.length === 0 ? (
        <Empty title={text.overview.noAlerts} hint={text.overview.noAlertsHint} />
      ) : (
        <ol className="active-alerts">
          {open.slice(0, SHOWN).map((alert) => (
            <Item key={alert.alert_id} alert={alert} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Item({ alert }: { alert: AlertRow }) {
  const waiting = isUnacknowledged(alert);
  return (
    <li className={`alert-item severity-${alert.severity}${waiting ? " waiting" : ""}`}>
      <AlertMark alert={alert} />
      <a data-row href={hrefOf("alerts", { alert: alert.alert_id })} className="alert-text">
        <span className="alert-message">{alert.message}</span>
        <span className="small muted">
          {lineLabel(alert.production_line)}
          {alert.parameter_name ? ` · ${label(alert.parameter_name)}` : ""} · {alert.recommended_action}
        </span>
      </a>
      <span className="small muted alert-state">{text.alertState[alert.state]}</span>
      <span className="small">
        <When at={alert.raised_at} stacked />
      </span>
      <AcknowledgeButton alert={alert} />
    </li>
  );
}
