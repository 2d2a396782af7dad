// Scenarios that somebody keeps, answered side by side from the present state on.

import { useState } from "react";
import { useKeepScenario, useRemoveScenario, useScenarioAnswers, useScenarios } from "../../api/queries";
import type { Scenario, TwinEstimate, TwinSetting } from "../../api/types";
import { share } from "../../lib/figures";
import { number, percent, signed, span } from "../../lib/format";
import { useMay } from "../../lib/roles";
import { text } from "../../text";
import { settingsOf } from "./controls";

const { kept } = text.twin;

/** What was moved, kept under a name. */
export function Keep({ line, duration, settings }: { line: string; duration: string; settings: readonly TwinSetting[] }) {
  const may = useMay("operator");
  const [name, setName] = useState("");
  const mutation = useKeepScenario();
  if (!may) return <p className="faint small">{kept.needsOperator}</p>;
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        mutation.mutate({ name: name.trim(), line, duration, settings: [...settings] }, { onSuccess: () => setName("") });
      }}
    >
      <input type="text" aria-label={kept.name} placeholder={kept.name} maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      <button disabled={name.trim() === "" || settings.length === 0 || mutation.isPending}>{kept.keep}</button>
      {mutation.error && (
        <span role="alert" className="small">
          {mutation.error.message}
        </span>
      )}
    </form>
  );
}

interface KeptProps {
  line: string;
  onTake: (settings: readonly TwinSetting[]) => void;
}

export function Kept({ line, onTake }: KeptProps) {
  const may = useMay("operator");
  const scenarios = useScenarios(line).data?.scenarios ?? [];
  const answers = useScenarioAnswers(scenarios.map(({ scenario_id }) => scenario_id));
  const remove = useRemoveScenario();
  if (scenarios.length === 0) return null;
  const answerOf = ({ scenario_id }: Scenario) => answers.data?.answers.find((answer) => answer.scenario_id === scenario_id);
  const change = (estimate: TwinEstimate | undefined, format: (value: number | null) => string) =>
    estimate === undefined ? "–" : <span title={`${format(estimate.low)} … ${format(estimate.high)}`}>{format(estimate.value)}</span>;
  return (
    <section className="panel kept" aria-label={kept.title}>
      <header className="panel-head section-head">
        <div>
          <h2>{kept.title}</h2>
          <p className="faint small">{kept.hint}</p>
        </div>
      </header>
      <div className="kept-table">
        <table className="outcome">
          <thead>
            <tr>
              <th scope="col">{kept.name}</th>
              <th scope="col">{kept.settings}</th>
              <th scope="col">{text.twin.over}</th>
              <th scope="col">{text.twin.figures.defect_rate}</th>
              <th scope="col">{kept.change}</th>
              <th scope="col">{text.twin.figures.rate_per_h}</th>
              <th scope="col">{text.twin.figures.energy_kw}</th>
              <th aria-label={kept.actions} />
            </tr>
          </thead>
          <tbody>
            {scenarios.map((scenario) => {
              const answer = answerOf(scenario);
              return (
                <tr key={scenario.scenario_id}>
                  <th scope="row" title={scenario.by}>
                    {scenario.name}
                  </th>
                  <td className="muted">{scenario.settings}</td>
                  <td>{span(scenario.duration_s)}</td>
                  <td>{percent(answer?.scenario.defect_rate, 2)}</td>
                  <td>{change(answer?.changes.defect_rate, share)}</td>
                  <td>{change(answer?.changes.rate_per_h, (value) => signed(value, 1))}</td>
                  <td>{change(answer?.changes.energy_kw, (value) => signed(value))}</td>
                  <td>
                    <button className="quiet" onClick={() => onTake(settingsOf(scenario.settings))}>
                      {kept.take}
                    </button>
                    {may && (
                      <button className="quiet" disabled={remove.isPending} onClick={() => remove.mutate(scenario.scenario_id)}>
                        {kept.remove}
                      </button>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {(answers.error ?? remove.error) && (
        <p role="alert" className="small">
          {(answers.error ?? remove.error)?.message}
        </p>
      )}
      {answers.data && <p className="faint small tick">{kept.asOf(number(answers.data.tick))}</p>}
    </section>
  );
}
