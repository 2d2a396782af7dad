// The probability at one horizon over the time shown, and what really came.

import { useMemo, useRef } from "react";
import type uPlot from "uplot";
import type { ForecastRow } from "../../api/predictions";
import { ExportButtons } from "../../components/ExportButtons";
import { ShareChart } from "../../components/ShareChart";
import { Empty } from "../../components/States";
import { chartPicture } from "../../components/TrendChart";
import { chance, clock, dateTime, lineLabel, parseTime } from "../../lib/format";
import { horizonName, type Horizon } from "../../lib/horizons";
import { goFixed, goLive } from "../../lib/range";
import { text } from "../../text";
import { drawCourse } from "./courseDrawing";
import { course, said, type Thresholds } from "./forecast";

const words = text.predictions;

interface CourseProps {
  line: string;
  rows: readonly ForecastRow[];
  horizon: Horizon;
  thresholds: Thresholds;
  from: number;
  to: number;
  /** The time that is explained below, where it is not the newest. */
  picked: number | null;
  onPick: (at: number) => void;
}

export function Course({ line, rows, horizon, thresholds, from, to, picked, onPick }: CourseProps) {
  const data = useMemo(() => course(rows, horizon, thresholds), [rows, horizon, thresholds]);
  const lines = useMemo(
    () => [
      { look: "plain" as const, values: data.probability },
      { look: "strong" as const, values: data.expected },
    ],
    [data],
  );
  const byTime = useMemo(() => new Map(rows.map((row) => [Date.parse(row.at) / 1000, row])), [rows]);
  const plot = useRef<uPlot | null>(null);
  const threshold = thresholds[horizon];
  const drawUnder = useMemo(() => drawCourse(data, threshold, picked), [data, threshold, picked]);
  const title = words.courseOf(horizonName(horizon));
  const readout = (index: number) => {
    const row = byTime.get(data.time[index]!);
    return row === undefined ? "" : describe(row, horizon, thresholds);
  };
  return (
    <section className="panel" aria-label={words.course}>
      <header className="panel-head section-head">
        <h2>{title}</h2>
        <ExportButtons
          name={`${line}.within_${horizon}`}
          disabled={rows.length === 0}
          data={() => ({ columns: ["at", "probability", "expected", "came"], rows: rows.map((row) => cells(row, horizon, thresholds)) })}
          picture={async () => plot.current && chartPicture(plot.current, `${lineLabel(line)}: ${title}`)}
        />
      </header>
      <div className="chart-area">
        {rows.length === 0 ? (
          <Empty title={words.noCourse} hint={words.noCourseHint} />
        ) : (
          <>
            <ShareChart
              title={title}
              time={data.time}
              lines={lines}
              from={from}
              to={to}
              height={280}
              low={-0.02}
              high={1.03}
              synced
              drawUnder={drawUnder}
              readout={readout}
              onZoom={(start, end) => end - start >= 60_000 && goFixed(start, end)}
              onReset={() => goLive("4h")}
              onPick={onPick}
              onPlot={(created) => (plot.current = created)}
            />
            <Legend horizon={horizon} threshold={threshold} />
          </>
        )}
      </div>
    </section>
  );
}

function cells(row: ForecastRow, horizon: Horizon, thresholds: Thresholds) {
  const { probability, expected } = said(row, horizon, thresholds);
  return [row.at, probability, expected, row[`came_${horizon}`]];
}

function describe(row: ForecastRow, horizon: Horizon, thresholds: Thresholds): string {
  const at = parseTime(row.at);
  const { probability, expected } = said(row, horizon, thresholds);
  const when = at !== null && Math.abs(Date.now() - at) < 20 * 3_600_000 ? clock(at, false) : dateTime(at, false);
  const came = row[`came_${horizon}`];
  const outcome = came === null ? words.readout.open : came ? words.readout.came : words.readout.missed;
  return [when, chance(probability), ...(expected ? [words.readout.expected] : []), outcome].join("   ");
}

function Legend({ horizon, threshold }: { horizon: Horizon; threshold: number | null }) {
  return (
    <p className="legend small muted">
      <span className="entry">
        <i className="key mean" /> {words.keys.probability}
      </span>
      <span className="entry">
        <i className="key expected" /> {words.keys.expected}
      </span>
      <span className="entry">
        <i className="key came" /> {words.keys.came(horizonName(horizon))}
      </span>
      <span className="entry">
        <i className="key open" /> {words.keys.open}
      </span>
      {threshold !== null && (
        <span className="entry">
          <i className="key setpoint" /> {words.keys.threshold}
        </span>
      )}
      <span className="faint">{words.courseHint}</span>
    </p>
  );
}
