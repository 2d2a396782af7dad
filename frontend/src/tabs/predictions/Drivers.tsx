// What drives a prediction: how far each sensor moves it, and which minutes the model looked at.

import { useState } from "react";
import { useDrivers, type Driver, type Drivers as Answer } from "../../api/predictions";
import { Empty, Loaded } from "../../components/States";
import { chance, dateTime, label, parseTime, signed } from "../../lib/format";
import { horizonName, type Horizon } from "../../lib/horizons";
import { hrefOf } from "../../lib/route";
import { text } from "../../text";
import { Attention } from "./Attention";
import { strongest } from "./forecast";

const words = text.predictions;

/** So many are shown before somebody asks for more. */
const SHOWN_FIRST = 8;
const STEP_MS = 10 * 60_000;

interface DriversProps {
  line: string;
  /** The time that is explained: a picked one, or that of the newest forecast. */
  at: string;
  picked: boolean;
  horizon: Horizon;
  onPick: (at: number | null) => void;
}

export function Drivers({ line, at, picked, horizon, onPick }: DriversProps) {
  const query = useDrivers(line, at);
  const ms = parseTime(at) ?? 0;
  return (
    <section className="panel drivers" aria-label={words.drivers}>
      <header className="panel-head section-head">
        <div>
          <h2>
            {words.drivers} <span className="faint">{horizonName(horizon)}</span>
          </h2>
          <p className="faint small">{words.driversHint}</p>
        </div>
        <div className="group" role="group" aria-label={words.moment}>
          <button aria-label={words.earlier} title={words.earlier} onClick={() => onPick(ms - STEP_MS)}>
            ‹
          </button>
          <button aria-pressed={!picked} onClick={() => onPick(null)}>
            {picked ? words.now : dateTime(ms, false)}
          </button>
          <button aria-label={words.later} title={words.later} disabled={!picked} onClick={() => onPick(ms + STEP_MS)}>
            ›
          </button>
        </div>
      </header>
      {picked && <p className="picked small">{dateTime(ms, false)}</p>}
      <Loaded query={query} what={words.drivers} rows={6}>
        {(answer) => (answer === null ? <Empty title={words.driversGone} hint={words.driversGoneHint} /> : <Body answer={answer} horizon={horizon} />)}
      </Loaded>
    </section>
  );
}

function Body({ answer, horizon }: { answer: Answer; horizon: Horizon }) {
  const [all, setAll] = useState(false);
  const found = strongest(answer.sensors, horizon);
  const shown = all ? found : found.slice(0, SHOWN_FIRST);
  const most = Math.abs(found[0]?.effect ?? 1);
  return (
    <div className="drivers-body">
      <p className="small muted">
        {words.by.forecaster(answer.version)}: {chance(answer.probability[horizon])}
      </p>
      {found.length === 0 ? (
        <p className="muted">{words.noDrivers}</p>
      ) : (
        <ol className="effects">
          {shown.map(({ driver, effect }) => (
            <Effect key={driver.parameter_name} driver={driver} effect={effect} most={most} line={answer.line} />
          ))}
        </ol>
      )}
      {found.length > SHOWN_FIRST && (
        <button className="quiet" onClick={() => setAll(!all)}>
          {all ? words.fewerDrivers : words.allDrivers(found.length - SHOWN_FIRST)}
        </button>
      )}
      <Attention shares={answer.attention} end={parseTime(answer.at)} />
    </div>
  );
}

/** A bar from the middle: to the right what raises the probability, to the left what lowers it. */
function Effect({ driver, effect, most, line }: { driver: Driver; effect: number; most: number; line: string }) {
  const width = `${(Math.abs(effect) / most) * 50}%`;
  const { sensor_id: sensor, parameter_name: name } = driver;
  const parts = (
    <>
      <span className="effect-name">{label(name)}</span>
      <span className="effect-bar" aria-hidden>
        <i className={effect > 0 ? "raises" : "lowers"} style={effect > 0 ? { left: "50%", width } : { right: "50%", width }} />
      </span>
      <span className="number">{words.effect(signed(effect * 100, 1))}</span>
    </>
  );
  const title = effect > 0 ? words.more : words.less;
  return (
    <li>
      {sensor === null ? (
        <span className="effect" title={title}>
          {parts}
        </span>
      ) : (
        <a data-row href={hrefOf("sensors", { line, sensor })} className="effect" title={title}>
          {parts}
        </a>
      )}
    </li>
  );
}
