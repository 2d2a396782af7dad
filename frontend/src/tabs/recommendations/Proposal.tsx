// One recommendation: what would change, what the twin expects of it, who proposed it and what became of it.

import type { Recommendation } from "../../api/types";
import { When } from "../../components/When";
import { FIGURES } from "../../lib/figures";
import { label, lineLabel, number, signed, span, withUnit } from "../../lib/format";
import { text } from "../../text";
import { Decisions } from "./Decide";
import { expected, stepDecimals, stepText } from "./list";

const words = text.recommendations;

export function Proposal({ recommendation }: { recommendation: Recommendation }) {
  const { state, production_line: line, large, changes, reason } = recommendation;
  const title = `${words.states[state]}: ${lineLabel(line)}, ${changes.map(stepText).join(", ")}`;
  return (
    <article className={`panel proposal ${state}`} data-row data-id={recommendation.recommendation_id} tabIndex={0} aria-label={title}>
      <header className="row spread">
        <h3>
          {lineLabel(line)}: {changes.map(({ parameter }) => label(parameter)).join(", ")}
        </h3>
        <span className="row small">
          {large && (
            <span className="large" title={words.largeHint}>
              {words.large}
            </span>
          )}
          <strong className="state">{words.states[state]}</strong>
        </span>
      </header>
      <div className="proposal-tables">
        <Changes changes={changes} />
        <Expected recommendation={recommendation} />
      </div>
      <p>
        <span className="muted">{words.why}:</span> {reason}
      </p>
      <p className="small muted">
        {words.proposedBy(recommendation.by, words.origins[recommendation.origin])}, <When at={recommendation.made_at} />
      </p>
      {state === "proposed" ? <Decisions recommendation={recommendation} /> : <Outcome recommendation={recommendation} />}
    </article>
  );
}

function Changes({ changes }: Pick<Recommendation, "changes">) {
  return (
    <table className="figures">
      <thead>
        <tr>
          <th scope="col">{words.change}</th>
          <th scope="col">{words.from}</th>
          <th scope="col">{words.to}</th>
          <th scope="col">{words.step}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((step) => {
          const decimals = stepDecimals(step);
          return (
            <tr key={step.parameter}>
              <th scope="row">{label(step.parameter)}</th>
              <td className="nowrap">{number(step.from, decimals)}</td>
              <td className="nowrap">
                <strong>{withUnit(step.to, step.unit, decimals)}</strong>
              </td>
              <td className={step.large ? "nowrap large" : "nowrap muted"} title={step.large ? words.largeHint : undefined}>
                {signed(step.to - step.from, decimals)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Expected({ recommendation }: { recommendation: Recommendation }) {
  const minutes = (value: number | null) => span(value === null ? null : value * 60);
  const { effect_min: effect, effect_min_low: low, effect_min_high: high } = recommendation;
  return (
    <div>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col" colSpan={2}>
              {words.expected(span(recommendation.duration_s))}
            </th>
            <th scope="col">{words.band}</th>
          </tr>
        </thead>
        <tbody>
          {FIGURES.map(({ id, change }) => (
            <tr key={id}>
              <th scope="row">{text.twin.figures[id]}</th>
              <td className="nowrap">
                <strong>{change(expected(recommendation, id, "change"))}</strong>
              </td>
              <td className="muted">
                <span className="nowrap">{change(expected(recommendation, id, "low"))}</span> …{" "}
                <span className="nowrap">{change(expected(recommendation, id, "high"))}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="small muted">{effect === null ? words.noEffect : words.effectAfter(minutes(effect), minutes(low), minutes(high))}</p>
      {recommendation.unseen && <p className="unseen-note small severity-MEDIUM">{words.unseen}</p>}
    </div>
  );
}

/** Who decided what, when and why; and what is left to do. */
function Outcome({ recommendation }: { recommendation: Recommendation }) {
  const { state, decided_at, decided_by, decision_reason } = recommendation;
  return (
    <p className="small">
      {words.decidedBy(words.states[state], decided_by ?? "–")}, <When at={decided_at} />
      {decision_reason ? `: ${decision_reason}` : ""} {state === "approved" && <strong>{words.carryOut}</strong>}
    </p>
  );
}
