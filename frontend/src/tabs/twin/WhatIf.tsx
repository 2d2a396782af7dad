import { useEffect, useState } from "react";
import { useWhatIf } from "../../api/queries";
import type { TwinControl, TwinEstimate, TwinSetting, WhatIfAnswer, WhatIfBody } from "../../api/types";
import { SeverityMark } from "../../components/SeverityMark";
import { Failed, Skeleton } from "../../components/States";
import { dateTime, label, number, parseTime, percent, span } from "../../lib/format";
import { FIGURES, share } from "../../lib/figures";
import { text } from "../../text";
import { Keep, Kept } from "./Kept";
import { Propose } from "./Propose";
import { decimalsFor, proposable, rangeAround, searched } from "./controls";

/** What is moved first; the others come when asked for. */
const MAIN = ["furnace_temperature", "belt_speed", "mold_temperature", "forming_pressure", "cooling_rate"];
const DURATIONS = ["1h", "6h", "24h"] as const;
/** A slider that is being pulled asks once it rests. */
const RESTS_MS = 250;

type Moved = Record<string, number>;
/** A question without what is told beside its answer. */
type Question = WhatIfBody extends infer Body ? (Body extends WhatIfBody ? Omit<Body, "consequences"> : never) : never;

export function WhatIf({ line, controls }: { line: string; controls: readonly TwinControl[] }) {
  const [moved, setMoved] = useState<Moved>({});
  const [last, setLast] = useState<string | null>(null);
  const [duration, setDuration] = useState<string>("6h");
  const [all, setAll] = useState(false);
  const [alarmed, setAlarmed] = useState(false);
  const [body, setBody] = useState<Question | null>(null);
  const query = useWhatIf(body && { ...body, consequences: alarmed });
  const settings: TwinSetting[] = Object.entries(moved).map(([parameter, value]) => ({ parameter, value }));
  const asked = JSON.stringify(settings);
  useEffect(() => {
    const timer = setTimeout(() => {
      const settings = JSON.parse(asked) as TwinSetting[];
      setBody(settings.length === 0 ? null : { line, duration, mode: "several", settings });
    }, RESTS_MS);
    return () => clearTimeout(timer);
  }, [line, duration, asked]);
  const move = (parameter: string, value: number) => {
    setMoved({ ...moved, [parameter]: value });
    setLast(parameter);
  };
  const shown = controls.filter(({ parameter }) => all || MAIN.includes(parameter) || parameter in moved);
  const pulled = controls.find(({ parameter }) => parameter === last && parameter in moved);
  const take = (found: readonly TwinSetting[]) => setMoved(Object.fromEntries(found.map(({ parameter, value }) => [parameter, value])));
  return (
    <>
      <section className="panel what-if" aria-label={text.twin.whatIf}>
        <header className="panel-head section-head">
          <div>
            <h2>{text.twin.whatIf}</h2>
            <p className="faint small">{text.twin.whatIfHint}</p>
          </div>
          <div className="group" role="group" aria-label={text.twin.over}>
            {DURATIONS.map((entry) => (
              <button key={entry} aria-pressed={entry === duration} onClick={() => setDuration(entry)}>
                {text.twin.durations[entry]}
              </button>
            ))}
          </div>
        </header>
        <div className="what-if-body">
          <div className="sliders">
            {shown.map((control) => (
              <Slider key={control.parameter} control={control} value={moved[control.parameter]} onMove={(value) => move(control.parameter, value)} />
            ))}
            <div className="row">
              <button className="quiet" onClick={() => setAll(!all)}>
                {all ? text.twin.fewer : text.twin.more}
              </button>
              <button disabled={settings.length === 0} onClick={() => setMoved({})}>
                {text.twin.reset}
              </button>
              <button
                disabled={settings.length === 0}
                title={text.twin.findBestHint}
                onClick={() => setBody({ line, duration, mode: "best", ranges: searched(controls, moved) })}
              >
                {text.twin.findBest}
              </button>
              <button
                disabled={!pulled}
                title={text.twin.toFailureHint}
                onClick={() => {
                  if (!pulled) return;
                  const up = (moved[pulled.parameter] ?? pulled.setpoint) >= pulled.setpoint;
                  setBody({ line, duration, mode: "stress", parameter: pulled.parameter, until: up ? pulled.high : pulled.low });
                }}
              >
                {text.twin.toFailure}
              </button>
            </div>
            {settings.length > 0 && <Keep line={line} duration={duration} settings={settings} />}
          </div>
          <div className="what-if-side">
            <div className={query.isPlaceholderData ? "what-if-answer waits" : "what-if-answer"} aria-live="polite" aria-busy={query.isFetching}>
              {body === null ? (
                <p className="faint">{text.twin.nothingMoved}</p>
              ) : query.error ? (
                <Failed title={text.twin.failed} error={query.error} />
              ) : query.data ? (
                <AnswerView
                  answer={query.data}
                  mode={body.mode}
                  controls={controls}
                  alarmed={alarmed}
                  onAlarmed={setAlarmed}
                  onTake={take}
                />
              ) : (
                <Skeleton rows={5} height="1.6rem" />
              )}
            </div>
            {body !== null && body.mode !== "stress" && query.data && (
              <Propose line={line} duration={duration} settings={proposable(query.data.settings, controls)} waits={query.isPlaceholderData} />
            )}
          </div>
        </div>
      </section>
      <Kept line={line} onTake={take} />
    </>
  );
}

function Slider({ control, value, onMove }: { control: TwinControl; value: number | undefined; onMove: (value: number) => void }) {
  const { parameter, unit, setpoint, low, high } = control;
  const decimals = decimalsFor(control);
  const range = rangeAround(control);
  const step = 10 ** -decimals;
  const shown = Number((value ?? setpoint).toFixed(decimals));
  const name = `${label(parameter)}, ${unit}`;
  return (
    <label className={value === undefined ? "slider" : "slider moved"}>
      <span>
        {label(parameter)} <span className="faint small">{text.twin.now(`${number(setpoint, decimals)} ${unit}`)}</span>
      </span>
      <input
        type="range"
        aria-label={name}
        min={Math.min(range.low, shown)}
        max={Math.max(range.high, shown)}
        step={step}
        value={shown}
        onChange={(event) => onMove(Number(event.target.value))}
      />
      <input
        type="number"
        aria-label={name}
        min={low}
        max={high}
        step={step}
        value={shown}
        onChange={(event) => event.target.value !== "" && onMove(Number(event.target.value))}
      />
    </label>
  );
}

/** The alerts that a scenario would raise, in the order in which they come. */
function Alarmed({ baseline, scenario }: NonNullable<WhatIfAnswer["consequences"]>) {
  const now = new Set(baseline.alerts.map(({ alert_id }) => alert_id));
  const alerts = [...scenario.alerts].sort((one, other) => one.raised_at.localeCompare(other.raised_at));
  if (alerts.length === 0) return <p className="small">{text.twin.nothingAlarmed}</p>;
  return (
    <ol className="alarmed small">
      {alerts.map((alert) => (
        <li key={alert.alert_id} className="row">
          <SeverityMark severity={alert.severity} size={16} />
          <span className="nowrap">{dateTime(parseTime(alert.raised_at), false)}</span>
          <span>{alert.message}</span>
          {now.has(alert.alert_id) && <span className="faint">{text.twin.alsoNow}</span>}
        </li>
      ))}
    </ol>
  );
}

interface AnswerProps {
  answer: WhatIfAnswer;
  mode: WhatIfBody["mode"];
  controls: readonly TwinControl[];
  alarmed: boolean;
  onAlarmed: (shown: boolean) => void;
  onTake: (settings: readonly TwinSetting[]) => void;
}

function AnswerView({ answer, mode, controls, alarmed, onAlarmed, onTake }: AnswerProps) {
  const { baseline, scenario, changes, failure, time_to_effect_min: effect } = answer;
  const minutes = (value: number | null) => span(value === null ? null : value * 60);
  const of = (parameter: string) => controls.find((control) => control.parameter === parameter);
  const shown = ({ parameter, value }: TwinSetting) => {
    const control = of(parameter);
    return `${label(parameter)} ${number(value, control ? decimalsFor(control) : 2)} ${control?.unit ?? ""}`;
  };
  const defects = Object.keys(changes.defect_rates).filter((defect) => Math.abs(changes.defect_rates[defect]?.value ?? 0) >= 5e-5);
  const row = (name: string, before: string, after: string, change: TwinEstimate, format: (value: number | null) => string, part: boolean) => (
    <tr key={name} className={part ? "part" : ""}>
      <th scope="row">{name}</th>
      <td>{before}</td>
      <td>{after}</td>
      <td>
        <strong>{format(change.value)}</strong>
      </td>
      <td className="muted">
        {format(change.low)} … {format(change.high)}
      </td>
    </tr>
  );
  return (
    <>
      {mode !== "several" && (
        <p className="row">
          <strong>{text.twin.best}:</strong> {answer.settings.map(shown).join(", ")}
          <button onClick={() => onTake(answer.settings)}>{text.twin.take}</button>
        </p>
      )}
      {failure && (
        <p>
          {text.twin.failure(failure.mode, number(failure.at, 1), number(failure.earliest, 1), number(failure.latest, 1))}
        </p>
      )}
      {mode === "stress" && !failure && <p>{text.twin.noFailure}</p>}
      <table className="outcome">
        <thead>
          <tr>
            <th aria-label={text.twin.answer} />
            <th scope="col">{text.twin.outcome.baseline}</th>
            <th scope="col">{text.twin.outcome.scenario}</th>
            <th scope="col">{text.twin.outcome.change}</th>
            <th scope="col">{text.twin.outcome.band}</th>
          </tr>
        </thead>
        <tbody>
          {FIGURES.flatMap(({ id, show, change }) => {
            const figure = row(text.twin.figures[id], show(baseline[id]), show(scenario[id]), changes[id], change, false);
            if (id !== "defect_rate") return [figure];
            const parts = defects.map((defect) => {
              const estimate = changes.defect_rates[defect] ?? { value: null, low: null, high: null };
              const rates = [baseline, scenario].map((outcome) => percent(outcome.defect_rates[defect], 2));
              return row(label(defect), rates[0] ?? "", rates[1] ?? "", estimate, share, true);
            });
            return [figure, ...parts];
          })}
        </tbody>
      </table>
      <p className="small">
        {effect ? text.twin.effectAfter(minutes(effect.value), minutes(effect.low), minutes(effect.high)) : text.twin.noEffect}
      </p>
      {answer.unseen.length > 0 && (
        <ul className="unseen small severity-MEDIUM">
          {answer.unseen.map(({ parameter, seen_low, seen_high }) => (
            <li key={parameter}>{text.twin.unseen(label(parameter), number(seen_low, 1), number(seen_high, 1))}</li>
          ))}
        </ul>
      )}
      <label className="row small" title={text.twin.alarmedHint}>
        <input type="checkbox" checked={alarmed} onChange={(event) => onAlarmed(event.target.checked)} /> {text.twin.alarmed}
      </label>
      {alarmed && answer.consequences && <Alarmed {...answer.consequences} />}
      <details className="small muted">
        <summary>{text.twin.assumptions}</summary>
        <ul>
          {answer.assumptions.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </details>
      <p className="faint small">{text.twin.elapsed(number(answer.elapsed_ms, 1), answer.tick)}</p>
    </>
  );
}
