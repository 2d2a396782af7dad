// Training a new version: what, for how long, why; and what is under way.

import { useState } from "react";
import { MODELS_ROLE, MODEL_KINDS, MODEL_REASON_MOST, useRetrain, type ModelKind } from "../../api/models";
import { withField } from "../../components/FormEnd";
import { useMay } from "../../lib/roles";
import { text } from "../../text";
import { Jobs } from "./Jobs";

const words = text.models;
const BUDGETS = ["30m", "2h", "8h"] as const;

export function Retrain() {
  const may = useMay(MODELS_ROLE);
  return (
    <div className="training">
      <section className="panel" aria-label={words.retrain}>
        <header className="section-head">
          <h2>{words.retrain}</h2>
          <p className="faint small">{words.retrainHint}</p>
        </header>
        {may ? <Form /> : <p className="faint none">{words.needsEngineer}</p>}
      </section>
      <Jobs may={may} />
    </div>
  );
}

function Form() {
  const mutation = useRetrain();
  const [model, setModel] = useState<ModelKind>("forecaster");
  const [budget, setBudget] = useState<string>(BUDGETS[1]);
  const [reason, setReason] = useState("");
  const missing = reason.trim() === "";
  return (
    <form
      className="retrain"
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing) mutation.mutate({ model, budget, reason: reason.trim() }, { onSuccess: () => setReason("") });
      }}
    >
      <label className="field">
        <span>{words.model}</span>
        <select value={model} onChange={(event) => setModel(event.target.value as ModelKind)}>
          {MODEL_KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {words.kinds[kind]}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{words.budget}</span>
        <select value={budget} onChange={(event) => setBudget(event.target.value)}>
          {BUDGETS.map((span) => (
            <option key={span} value={span}>
              {words.budgets[span]}
            </option>
          ))}
        </select>
      </label>
      <label className="field wide">
        <span>{text.reason}</span>
        <input type="text" maxLength={MODEL_REASON_MOST} value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <button className="primary" disabled={missing || mutation.isPending} title={missing ? text.reasonNeeded : undefined}>
        {words.start}
      </button>
      {mutation.error && <p role="alert">{withField(mutation.error)}</p>}
      {mutation.isSuccess && missing && (
        <p role="status" className="small muted">
          {words.started}
        </p>
      )}
    </form>
  );
}
