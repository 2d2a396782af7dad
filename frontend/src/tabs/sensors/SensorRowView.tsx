import { memo } from "react";
import { AlertMark } from "../../components/AlertMark";
import type { AlertRow, LatestRow, PaneRow, Sensor } from "../../api/types";
import { LimitBar } from "../../components/LimitBar";
import { Restated } from "../../components/Restated";
import { Spark } from "../../components/Spark";
import { clock, decimalsOf, label, number, parseTime, relative } from "../../lib/format";
import { freshness, type Freshness } from "../../lib/freshness";
import { paneKey } from "../../live/reducer";
import { useLive, useSensorNow } from "../../live/useLive";
import { text } from "../../text";
import { TREND_MIN } from "./Sensors";

interface Props {
  sensor: Sensor;
  chosen: boolean;
  /** The most urgent open alert of the sensor. */
  alert: AlertRow | null;
  onChoose: (id: string) => void;
}

const NO_PANES: readonly PaneRow[] = [];

export function SensorRowView({ sensor, chosen, alert, onChoose }: Props) {
  const live = useLive();
  const now = useSensorNow();
  const latest = live.latest.get(sensor.sensor_id) ?? sensor.latest;
  const state = freshness(latest, sensor.period_s, now);
  // Ages are told by the row only when they matter, so that fresh rows are not drawn again each second.
  return (
    <SensorRowBody
      sensor={sensor}
      latest={latest}
      panes={live.panes.get(sensor.sensor_id) ?? NO_PANES}
      state={state}
      age={state === "stale" || state === "bad" || state === "uncertain" ? relative(parseTime(latest?.at), now) : ""}
      chosen={chosen}
      alert={alert}
      onChoose={onChoose}
    />
  );
}

interface BodyProps extends Props {
  latest: LatestRow | null;
  panes: readonly PaneRow[];
  state: Freshness;
  age: string;
}

const QUALITY: Record<Freshness, string | null> = {
  good: null,
  uncertain: text.quality.WARNING,
  bad: text.quality.ERROR,
  stale: text.quality.stale,
  none: text.quality.none,
};

const SensorRowBody = memo(function SensorRowBody({ sensor, latest, panes, state, age, chosen, alert, onChoose }: BodyProps) {
  const decimals = decimalsOf(sensor.span_low, sensor.span_high);
  const newest = panes.at(-1);
  const end = newest === undefined ? undefined : Date.parse(newest.start);
  const from = end === undefined ? undefined : end - TREND_MIN * 60_000;
  const shown = from === undefined ? [] : panes.filter((pane) => Date.parse(pane.start) >= from);
  const setpoint = sensor.setpoint ?? sensor.target;
  return (
    <li className={`sensor-row ${state}${chosen ? " chosen" : ""}`} data-sensor={sensor.sensor_id}>
      <button
        className="quiet sensor-name"
        data-row
        aria-pressed={chosen}
        onClick={() => onChoose(sensor.sensor_id)}
        title={sensor.sensor_id}
      >
        {alert && <AlertMark alert={alert} size={16} />}
        {label(sensor.parameter_name)}
      </button>
      <span className="sensor-value">
        <b data-testid="value">{number(latest?.value, decimals)}</b> <span className="unit">{sensor.unit}</span>
      </span>
      <LimitBar
        value={state === "none" ? null : (latest?.value ?? null)}
        low={sensor.span_low}
        high={sensor.span_high}
        limits={sensor.limits}
        setpoint={setpoint}
        decimals={decimals}
      />
      <span className="sensor-state small">
        {QUALITY[state] !== null ? (
          <span title={latest ? `${QUALITY[state]}, ${text.sensors.ago(clock(parseTime(latest.at)))}` : undefined}>
            {QUALITY[state]} <span className="faint">{age}</span>
          </span>
        ) : (
          <>
            {setpoint !== null && (
              <span className="faint setpoint" title={text.sensors.setpoint}>
                {text.sensors.setpointShort} {number(setpoint, decimals)}
              </span>
            )}{" "}
            {newest && <RestatedOf panes={shown} decimals={decimals} />}
          </>
        )}
      </span>
      <Spark
        points={shown.map((pane) => ({ at: Date.parse(pane.start), value: pane.mean }))}
        width={110}
        height={26}
        from={from}
        to={end}
        gapMs={90_000}
        least={6 * (sensor.sigma ?? 0)}
      />
    </li>
  );
});

/** The newest restated pane among those of the trend. */
function RestatedOf({ panes, decimals }: { panes: readonly PaneRow[]; decimals: number }) {
  const { restated } = useLive();
  const hit = panes.findLast((pane) => restated.has(paneKey(pane)));
  return hit ? <Restated of={paneKey(hit)} format={(value) => number(value, decimals + 1)} /> : null;
}
