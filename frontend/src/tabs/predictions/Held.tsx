// How predictions of a line held: in the time shown, as people count events, and as figures of the last day.

import { useMemo } from "react";
import type { ModelPerformance } from "../../api/models";
import type { ForecastRow } from "../../api/predictions";
import { dateTime, number, parseTime, percent } from "../../lib/format";
import { horizonS, type Horizon } from "../../lib/horizons";
import { text } from "../../text";
import { held, type Held as Counts, type Thresholds } from "./forecast";

const words = text.predictions;

interface HeldProps {
  rows: readonly ForecastRow[];
  horizon: Horizon;
  thresholds: Thresholds;
  /** Of the model whose predictions are shown, on this line. */
  performance: ModelPerformance | undefined;
}

export function Held({ rows, horizon, thresholds, performance }: HeldProps) {
  const counts = useMemo(() => held(rows, horizon, thresholds), [rows, horizon, thresholds]);
  const day = performance?.day ?? null;
  const figures = day?.horizons.find(({ horizon_s }) => horizon_s === horizonS(horizon));
  return (
    <section className="panel" aria-label={words.held}>
      <header className="section-head">
        <h2>{words.held}</h2>
      </header>
      <div className="held-body">
        <h3>{words.heldHere}</h3>
        {rows.length === 0 ? <p className="muted small">{words.noCourse}</p> : <Here counts={counts} />}
        <h3>{day ? words.heldSince(dateTime(parseTime(day.from), false)) : words.heldLately}</h3>
        {figures && figures.n > 0 ? (
          <>
            <dl className="held">
              {(["accuracy", "recall", "precision", "calibration_error"] as const).map((name) => (
                <div key={name} title={text.models.explained[name]}>
                  <dt>{words.heldFigures[name]}</dt>
                  <dd>{percent(figures[name], name === "calibration_error" ? 1 : 0)}</dd>
                </div>
              ))}
            </dl>
            <p className="faint small">{words.checked(number(figures.n))}</p>
          </>
        ) : (
          <p className="muted small">{words.noChecked}</p>
        )}
      </div>
    </section>
  );
}

function Here({ counts }: { counts: Counts }) {
  const { came, foretold, missed, falseAlarms, open } = counts;
  if (came + falseAlarms + open === 0) return <p className="muted small">{words.heldNothing}</p>;
  return (
    <dl className="held">
      <div>
        <dt>{words.heldRows.came}</dt>
        <dd>{came}</dd>
      </div>
      <div className="part">
        <dt>{words.heldRows.foretold}</dt>
        <dd>{foretold}</dd>
      </div>
      <div className={missed > 0 ? "part bad" : "part"}>
        <dt>{words.heldRows.missed}</dt>
        <dd>{missed}</dd>
      </div>
      <div className={falseAlarms > 0 ? "bad" : ""}>
        <dt>{words.heldRows.falseAlarms}</dt>
        <dd>{falseAlarms}</dd>
      </div>
      {open > 0 && (
        <div>
          <dt>{words.heldRows.open}</dt>
          <dd>{open}</dd>
        </div>
      )}
    </dl>
  );
}
