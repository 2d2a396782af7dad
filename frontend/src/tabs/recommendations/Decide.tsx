// What people can decide. Each decision says what it means before it is made; its result shows in place.

import { useState } from "react";
import { RECOMMENDATION_REASON_MOST, useDecide, useMe, type DecisionName } from "../../api/queries";
import type { Recommendation } from "../../api/types";
import { Dialog } from "../../components/Dialog";
import { FormEnd } from "../../components/FormEnd";
import { text } from "../../text";
import { possible, stepText } from "./list";

const words = text.recommendations;

export function Decisions({ recommendation }: { recommendation: Recommendation }) {
  const me = useMe().data;
  const [asking, setAsking] = useState<DecisionName | null>(null);
  const choices = possible(recommendation, me);
  const needs = choices.find((choice) => choice.needs !== null)?.needs;
  const why = { operator: words.needsOperator, engineer: words.needsEngineer };
  return (
    <div className="row">
      {choices.map(({ decision, needs }) => (
        <button key={decision} disabled={needs !== null} title={needs ? why[needs] : words.explain[decision]} onClick={() => setAsking(decision)}>
          {words[decision]}
        </button>
      ))}
      {needs && <span className="faint small">{why[needs]}</span>}
      {asking && <DecisionDialog recommendation={recommendation} decision={asking} onClose={() => setAsking(null)} />}
    </div>
  );
}

function DecisionDialog({ recommendation, decision, onClose }: { recommendation: Recommendation; decision: DecisionName; onClose: () => void }) {
  const mutation = useDecide();
  const [reason, setReason] = useState("");
  const missing = decision === "reject" && reason.trim() === "";
  return (
    <Dialog title={`${words[decision]}: ${recommendation.changes.map(stepText).join(", ")}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (missing) return;
          mutation.mutate({ id: recommendation.recommendation_id, decision, reason: reason.trim() }, { onSuccess: onClose });
        }}
      >
        <p className="muted">{words.explain[decision]}</p>
        <label className="field">
          <span>{decision === "reject" ? text.reason : words.optional}</span>
          <textarea rows={3} maxLength={RECOMMENDATION_REASON_MOST} autoFocus value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        {missing && <p className="faint small">{text.reasonNeeded}</p>}
        <FormEnd confirm={words[decision]} disabled={missing || mutation.isPending} error={mutation.error?.message} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
