// What people can do about an alert. Each action says what it does before it is done; its result shows in place.

import { useState } from "react";
import { useAlertAction, type AlertAction } from "../../api/queries";
import type { AlertRow } from "../../api/types";
import { Dialog } from "../../components/Dialog";
import { FormEnd } from "../../components/FormEnd";
import { useMay } from "../../lib/roles";
import { isUnacknowledged } from "../../lib/severity";
import { text } from "../../text";

const TITLES: Record<AlertAction, string> = {
  acknowledge: text.alerts.acknowledge,
  shelve: text.alerts.shelve,
  unshelve: text.alerts.unshelve,
  dismiss: text.alerts.dismiss,
  note: text.alerts.note,
  respond: text.alerts.respond,
  "out-of-service": text.alerts.outOfService,
  "return-to-service": text.alerts.returnToService,
};

/** The actions that make sense in the state that the alert is in. */
export function possibleActions(alert: AlertRow): AlertAction[] {
  switch (alert.state) {
    case "shelved":
      return ["unshelve", "respond", "note"];
    case "out_of_service":
      return ["return-to-service", "note"];
    case "dismissed":
    case "withdrawn":
    case "normal":
      return ["note"];
    default:
      return [
        ...(isUnacknowledged(alert) ? (["acknowledge"] as const) : []),
        ...(alert.responded_at === null ? (["respond"] as const) : []),
        "shelve",
        "dismiss",
        "out-of-service",
        "note",
      ];
  }
}

/** One click: acknowledging needs no reason and hides nothing. */
export function AcknowledgeButton({ alert, long = false }: { alert: AlertRow; long?: boolean }) {
  const action = useAlertAction();
  const may = useMay("operator");
  if (!isUnacknowledged(alert)) return <span />;
  return (
    <button
      disabled={!may || action.isPending}
      title={action.error ? action.error.message : may ? text.alerts.explain.acknowledge : text.alerts.needsOperator}
      aria-label={`${text.alerts.acknowledge}: ${alert.message}`}
      data-testid="acknowledge"
      onClick={() => action.mutate({ id: alert.alert_id, action: "acknowledge" })}
    >
      {action.error ? `! ${text.retry}` : long ? text.alerts.acknowledge : text.alerts.acknowledgeShort}
    </button>
  );
}

export function ActionBar({ alert }: { alert: AlertRow }) {
  const may = useMay("operator");
  const [asking, setAsking] = useState<AlertAction | null>(null);
  return (
    <div className="row action-bar">
      {possibleActions(alert).map((action) =>
        action === "acknowledge" ? (
          <AcknowledgeButton key={action} alert={alert} long />
        ) : (
          <button key={action} disabled={!may} title={may ? text.alerts.explain[action] : text.alerts.needsOperator} onClick={() => setAsking(action)}>
            {TITLES[action]}
          </button>
        ),
      )}
      {!may && <span className="faint small">{text.alerts.needsOperator}</span>}
      {asking && <ActionDialog alert={alert} action={asking} onClose={() => setAsking(null)} />}
    </div>
  );
}

/** How long an alert may be shelved; the longest is a shift. */
const SHELVE_CHOICES = ["15m", "30m", "1h", "4h", "8h"] as const;

const NEEDS_REASON: ReadonlySet<AlertAction> = new Set<AlertAction>(["shelve", "dismiss", "out-of-service", "note"]);

function ActionDialog({ alert, action, onClose }: { alert: AlertRow; action: AlertAction; onClose: () => void }) {
  const mutation = useAlertAction();
  const [reason, setReason] = useState("");
  const [span, setSpan] = useState<string>("30m");
  const [oneShot, setOneShot] = useState(false);
  const missing = NEEDS_REASON.has(action) && reason.trim() === "";
  const reasonTitle = action === "dismiss" ? text.alerts.justification : action === "note" ? text.alerts.noteText : text.reason;
  return (
    <Dialog title={`${TITLES[action]}: ${alert.message}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (missing) return;
          const shelving = action === "shelve" ? { for: span, one_shot: oneShot } : {};
          mutation.mutate({ id: alert.alert_id, action, reason: reason.trim(), ...shelving }, { onSuccess: onClose });
        }}
      >
        <p className="muted">{text.alerts.explain[action]}</p>
        {action === "shelve" && (
          <>
            <label className="field">
              <span>
                {text.alerts.shelveFor} ({text.alerts.shelveLimit})
              </span>
              <select value={span} onChange={(event) => setSpan(event.target.value)}>
                {SHELVE_CHOICES.map((choice) => (
                  <option key={choice} value={choice}>
                    {choice.replace("m", " min").replace("h", " h")}
                  </option>
                ))}
              </select>
            </label>
            <label className="row">
              <input type="checkbox" checked={oneShot} onChange={(event) => setOneShot(event.target.checked)} />
              {text.alerts.oneShot}
            </label>
          </>
        )}
        <label className="field">
          <span>{reasonTitle}</span>
          <textarea rows={3} maxLength={500} autoFocus value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        {missing && <p className="faint small">{text.reasonNeeded}</p>}
        <FormEnd confirm={TITLES[action]} disabled={missing || mutation.isPending} error={mutation.error?.message} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
