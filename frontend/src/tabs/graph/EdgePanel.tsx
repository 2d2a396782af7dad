import { useState } from "react";
import { useEdgeEdit } from "../../api/queries";
import type { GraphEdge } from "../../api/types";
import { FormEnd, withField } from "../../components/FormEnd";
import { loose, percent, span } from "../../lib/format";
import { useMay } from "../../lib/roles";
import { text } from "../../text";
import { edgeTitle } from "./Canvas";

/** One edge: what it says, and for engineers a form that changes it. */
export function EdgePanel({ edge, onClose }: { edge: GraphEdge; onClose: () => void }) {
  const may = useMay("engineer");
  const [editing, setEditing] = useState(false);
  return (
    <>
      <header className="panel-head section-head">
        <h2>{edgeTitle(edge)}</h2>
        <button className="quiet" aria-label={text.close} onClick={onClose}>
          ✕
        </button>
      </header>
      <div className="side-body">
        <dl className="edge-facts">
          <dt>{text.alerts.confidence}</dt>
          <dd>{percent(edge.confidence, 0)}</dd>
          <dt>{text.graph.threshold}</dt>
          <dd>{edge.threshold === null ? "–" : loose(edge.threshold)}</dd>
          <dt>{text.graph.lag}</dt>
          <dd>
            {span(edge.lag_min_s)} – {span(edge.lag_max_s)}
          </dd>
          <dt>{text.graph.mechanism}</dt>
          <dd>{edge.mechanism}</dd>
          <dt>{text.graph.advice}</dt>
          <dd>{edge.advice}</dd>
        </dl>
        {editing ? (
          <EdgeForm edge={edge} onDone={() => setEditing(false)} />
        ) : may ? (
          <button onClick={() => setEditing(true)}>{text.graph.edit}</button>
        ) : (
          <p className="faint small">{text.graph.needsEngineer}</p>
        )}
      </div>
    </>
  );
}

/** Texts as typed; numbers are read when the form is sent. */
interface Draft {
  threshold: string;
  confidence: string;
  lag_min_s: string;
  lag_max_s: string;
  reason: string;
}

function EdgeForm({ edge, onDone }: { edge: GraphEdge; onDone: () => void }) {
  const mutation = useEdgeEdit();
  const [draft, setDraft] = useState<Draft>({
    threshold: edge.threshold === null ? "" : String(edge.threshold),
    confidence: String(edge.confidence),
    lag_min_s: String(edge.lag_min_s),
    lag_max_s: String(edge.lag_max_s),
    reason: "",
  });
  const set = (name: keyof Draft) => (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value });
  const bad = draft.reason.trim() === "" || Number(draft.lag_min_s) > Number(draft.lag_max_s);
  const field = (name: Exclude<keyof Draft, "reason">, title: string, was: number | null, extra: object = {}) => (
    <label className="field">
      <span>
        {title} <span className="faint">({text.settings.before} {was === null ? "–" : loose(was)})</span>
      </span>
      <input type="number" step="any" value={draft[name]} onChange={set(name)} {...extra} />
    </label>
  );
  return (
    <form
      className="edge-form"
      onSubmit={(event) => {
        event.preventDefault();
        const { cause, effect, direction, mechanism, advice } = edge;
        mutation.mutate(
          {
            id: edge.edge_id,
            edit: {
              cause,
              effect,
              direction,
              mechanism,
              advice,
              threshold: draft.threshold === "" ? null : Number(draft.threshold),
              confidence: Number(draft.confidence),
              lag_min_s: Number(draft.lag_min_s),
              lag_max_s: Number(draft.lag_max_s),
              reason: draft.reason.trim(),
            },
          },
          { onSuccess: onDone },
        );
      }}
    >
      <p className="faint small">{text.graph.editHint}</p>
      <div className="two">
        {field("confidence", text.graph.confidence, edge.confidence, { min: 0, max: 1, required: true })}
        {field("threshold", text.graph.threshold, edge.threshold)}
        {field("lag_min_s", text.graph.lagMin, edge.lag_min_s, { min: 0, required: true })}
        {field("lag_max_s", text.graph.lagMax, edge.lag_max_s, { min: 0, required: true })}
      </div>
      <label className="field">
        <span>{text.reason}</span>
        <textarea rows={2} required maxLength={500} value={draft.reason} onChange={set("reason")} />
      </label>
      <FormEnd confirm={text.save} disabled={bad || mutation.isPending} error={withField(mutation.error)} onCancel={onDone} />
    </form>
  );
}
