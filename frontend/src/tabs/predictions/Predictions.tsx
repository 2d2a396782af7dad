import { useMemo } from "react";
import { useModels, usePerformance, type ModelRow } from "../../api/models";
import { useForecasts, type ForecastRow } from "../../api/predictions";
import { useHealth, useLines, useSettings } from "../../api/queries";
import { Empty, Failed, Skeleton } from "../../components/States";
import { HORIZONS, isHorizon, type Horizon } from "../../lib/horizons";
import { useLine } from "../../lib/line";
import { thresholdsOf } from "../../lib/modelMetrics";
import { resolve, useTimeRange, type TimeRange } from "../../lib/range";
import { hrefOf, useParam } from "../../lib/route";
import { useLive, usePlantNow, useThrottled } from "../../live/useLive";
import { useCommand } from "../../shell/Shortcuts";
import { text } from "../../text";
import { Course } from "./Course";
import { Drivers } from "./Drivers";
import { NO_THRESHOLDS, merged, newestOf, said } from "./forecast";
import { Held } from "./Held";
import { Outlook } from "./Outlook";
import { Source } from "./Source";
import { Verdicts } from "./Verdicts";
import "./predictions.css";

const words = text.predictions;

/** The stream carries rows on; the server is asked anew about a live range this often, by the wall. */
const ASK_EVERY_MS = 30_000;
/** Plant time may run fast; drivers cost the server work. */
const EXPLAIN_EVERY_MS = 15_000;

/** What is foretold of a line, how that went before, and what drives it. */
export default function Predictions() {
  const line = useLine(false);
  const lines = useLines().data?.lines;
  const range = useTimeRange();
  const plantNow = usePlantNow();
  if (lines?.length === 0) return <Empty title={text.overview.noLines} />;
  // A live range is of plant time, which may be far from that of this device.
  if (line === null || (range.live && plantNow === null)) return <Skeleton rows={6} height="5rem" />;
  return <OfLine line={line} range={range} plantNow={plantNow ?? 0} />;
}

function OfLine({ line, range, plantNow }: { line: string; range: TimeRange; plantNow: number }) {
  // Forecasts are minutes: a live range ends with the one that is under way.
  const now = Math.ceil(plantNow / 60_000) * 60_000;
  const { from, to } = resolve(range, now);
  const asked = resolve(range, useThrottled(now, ASK_EVERY_MS));
  const query = useForecasts(line, asked.from, asked.to);
  const live = useLive().forecasts;
  const fetched = query.data?.predictions;
  const rows = useMemo(
    () => (fetched === undefined ? null : merged(fetched, range.live ? live.values() : [], line, from, to)),
    [fetched, live, line, range.live, from, to],
  );
  if (query.error && fetched === undefined) {
    return <Failed title={text.states.failed(words.title)} error={query.error} retry={() => void query.refetch()} />;
  }
  if (rows === null) return <Skeleton rows={6} height="5rem" />;
  // What is foretold now stands on top, whatever range is shown.
  const newest = newestOf([...live.values(), ...rows], line);
  if (newest === null) return range.live ? <Nothing line={line} /> : <Empty title={words.noCourse} hint={words.noCourseHint} />;
  return <Body key={line} line={line} rows={rows} newest={newest} from={from} to={to} live={range.live} />;
}

interface BodyProps {
  line: string;
  rows: readonly ForecastRow[];
  newest: ForecastRow;
  from: number;
  to: number;
  live: boolean;
}

function Body({ line, rows, newest, from, to, live }: BodyProps) {
  const certainFrom = useSettings().data?.confidence ?? 0.7;
  const [ahead, setAhead] = useParam("ahead");
  const horizon: Horizon = isHorizon(ahead) ? ahead : HORIZONS[0];
  const [at, setAt] = useParam("at");
  const picked = at !== null && !Number.isNaN(Date.parse(at)) ? Date.parse(at) : null;
  const pick = (ms: number | null) => setAt(ms === null || ms >= Date.parse(newest.at) ? null : new Date(ms).toISOString());
  useCommand("close", () => setAt(null));
  const explained = useThrottled(newest.at, EXPLAIN_EVERY_MS);
  const models = useModels().data?.models;
  const thresholds = useMemo(() => thresholdsFor(newest, models), [newest.version, newest.ensemble_version, models]);
  const by = said(newest, horizon).by;
  const performance = usePerformance(line).data?.models.find(({ model }) => model === by);
  return (
    <div className="predictions">
      <Outlook row={newest} thresholds={thresholds} certainFrom={certainFrom} chosen={horizon} onChoose={setAhead} />
      <Source row={newest} live={live} />
      <div className="predictions-pair">
        <Course line={line} rows={rows} horizon={horizon} thresholds={thresholds} from={from} to={to} picked={picked} onPick={pick} />
        <Held rows={rows} horizon={horizon} thresholds={thresholds} performance={performance} />
      </div>
      <div className="predictions-pair">
        <Drivers line={line} at={picked === null ? explained : new Date(picked).toISOString()} picked={picked !== null} horizon={horizon} onPick={pick} />
        <Verdicts line={line} certainFrom={certainFrom} />
      </div>
    </div>
  );
}

/** From where on the model that speaks calls an event, as its training chose. */
function thresholdsFor(row: ForecastRow, models: readonly ModelRow[] | undefined) {
  const { by } = said(row, "1h");
  const version = by === "ensemble" ? row.ensemble_version : row.version;
  const found = models?.find((entry) => entry.model === by && entry.version === version);
  return found ? thresholdsOf(found.metrics) : NO_THRESHOLDS;
}

/** Why there is nothing to see, and what to do. */
function Nothing({ line }: { line: string }) {
  const scoring = useModels().data?.models.find(({ model, aliases }) => model === "forecaster" && aliases.includes("production"));
  const health = useHealth().data?.components.find(({ name }) => name === "models");
  const trouble = health && health.status !== "ok" ? health.detail : undefined;
  return (
    <div className="predictions">
      <section className="panel" aria-label={words.title}>
        <Empty title={scoring ? words.waiting(scoring.version) : words.none} hint={scoring ? (trouble ?? words.waitingHint) : words.noneHint}>
          {!scoring && <code className="command">{words.command}</code>}
          <a className="button" href={hrefOf("models", { line })}>
            {words.toModels}
          </a>
        </Empty>
      </section>
    </div>
  );
}
