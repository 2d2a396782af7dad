// How predictions hold against what came: by day as a chart, and the last day beside the last week.

import { useMemo, useRef, useState } from "react";
import type uPlot from "uplot";
import { usePerformance, type ModelPerformance, type Period } from "../../api/models";
import { ExportButtons } from "../../components/ExportButtons";
import { ShareChart, type LineLook } from "../../components/ShareChart";
import { Empty, Loaded } from "../../components/States";
import { chartPicture } from "../../components/TrendChart";
import { day, number, percent } from "../../lib/format";
import { HORIZONS, horizonName, horizonOf, type Horizon } from "../../lib/horizons";
import { text } from "../../text";
import { axis, byDay, type FigureOfDay } from "./versions";

const words = text.models;
const FIGURES: readonly FigureOfDay[] = ["accuracy", "recall", "precision", "f1", "calibration_error"];
const LOOKS: Record<Horizon, LineLook> = { "1h": "plain", "4h": "dashed", "24h": "dotted" };
const HALF_DAY_MS = 43_200_000;

export function Live() {
  const query = usePerformance(null);
  return (
    <section className="panel live" aria-label={words.live}>
      <Loaded query={query} what={words.live} rows={3} height="5rem">
        {({ models }) => <Held models={models.filter(foretells).filter(({ day, history }) => day !== null || history.length > 0)} />}
      </Loaded>
    </section>
  );
}

/** How an inspector holds is told beside its pictures. */
const foretells = ({ model }: ModelPerformance) => model === "forecaster" || model === "ensemble";

function Held({ models }: { models: readonly ModelPerformance[] }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const [figure, setFigure] = useState<FigureOfDay>("accuracy");
  const name = ({ model, version }: ModelPerformance) => `${words.kinds[model]} ${version}`;
  // What is shown to people is the ensemble's, where one scores.
  const first = models.find(({ model }) => model === "ensemble") ?? models[0];
  const shown = models.find((entry) => name(entry) === chosen) ?? first;
  return (
    <>
      <header className="panel-head section-head">
        <div>
          <h2>{words.live}</h2>
          <p className="faint small">{words.liveHint}</p>
        </div>
        {shown && (
          <div className="row">
            {models.length > 1 && (
              <select aria-label={words.model} value={name(shown)} onChange={(event) => setChosen(event.target.value)}>
                {models.map((entry) => (
                  <option key={name(entry)}>{name(entry)}</option>
                ))}
              </select>
            )}
            <select aria-label={words.figure} value={figure} onChange={(event) => setFigure(event.target.value as FigureOfDay)}>
              {FIGURES.map((entry) => (
                <option key={entry} value={entry}>
                  {words.figures[entry]}
                </option>
              ))}
            </select>
          </div>
        )}
      </header>
      {shown ? (
        <div className="live-body">
          <ByDay performance={shown} figure={figure} name={name(shown)} />
          <Lately performance={shown} figure={figure} />
        </div>
      ) : (
        <Empty title={words.liveNone} hint={words.liveNoneHint} />
      )}
    </>
  );
}

function ByDay({ performance, figure, name }: { performance: ModelPerformance; figure: FigureOfDay; name: string }) {
  const plot = useRef<uPlot | null>(null);
  const days = useMemo(() => byDay(performance.history, figure), [performance, figure]);
  const lines = useMemo(() => days.lines.map(({ horizon, values }) => ({ look: LOOKS[horizon], values })), [days]);
  const [low, high] = useMemo(() => axis(days.lines), [days]);
  if (days.time.length === 0) return <Empty title={words.liveNone} hint={words.liveNoneHint} />;
  const title = words.chartOf(words.figures[figure], name);
  const readout = (index: number) => {
    const values = days.lines.map(({ horizon, values }) => `${horizonName(horizon)} ${percent(values[index] ?? null)}`);
    return [day(days.time[index]! * 1000), ...values].join("   ");
  };
  return (
    <div className="chart-area">
      <div className="row spread">
        <p className="small muted">{words.explained[figure]}</p>
        <ExportButtons
          name={`${performance.model}-${performance.version}.${figure}`}
          disabled={false}
          data={() => ({
            columns: ["day", ...days.lines.map(({ horizon }) => `within_${horizon}`)],
            rows: days.time.map((at, index) => [new Date(at * 1000).toISOString().slice(0, 10), ...days.lines.map(({ values }) => values[index])]),
          })}
          picture={async () => plot.current && chartPicture(plot.current, title)}
        />
      </div>
      <ShareChart
        title={title}
        time={days.time}
        lines={lines}
        from={days.time[0]! * 1000 - HALF_DAY_MS}
        to={days.time.at(-1)! * 1000 + HALF_DAY_MS}
        height={220}
        low={low}
        high={high}
        points
        readout={readout}
        onPlot={(created) => (plot.current = created)}
      />
      <p className="legend small muted">
        {days.lines.map(({ horizon }) => (
          <span key={horizon} className="entry">
            <i className={`key ${LOOKS[horizon]}`} /> {text.predictions.within(horizonName(horizon))}
          </span>
        ))}
      </p>
    </div>
  );
}

/** The last day beside the last week, by horizon. */
function Lately({ performance, figure }: { performance: ModelPerformance; figure: FigureOfDay }) {
  const of = (period: Period | null, horizon: Horizon) => period?.horizons.find(({ horizon_s }) => horizonOf(horizon_s) === horizon);
  return (
    <table className="figures lately">
      <caption className="small muted">
        {words.figures[figure]} <span className="faint">{words.whole}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">{words.ahead}</th>
          <th scope="col">{words.day24}</th>
          <th scope="col">{words.day7}</th>
          <th scope="col">{words.checked}</th>
        </tr>
      </thead>
      <tbody>
        {HORIZONS.map((horizon) => (
          <tr key={horizon}>
            <th scope="row">{horizonName(horizon)}</th>
            <td>
              <strong>{percent(of(performance.day, horizon)?.[figure])}</strong>
            </td>
            <td>{percent(of(performance.week, horizon)?.[figure])}</td>
            <td className="muted">{number(of(performance.week, horizon)?.n)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
