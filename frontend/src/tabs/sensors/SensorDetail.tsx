import { useMemo, useRef } from "react";
import type uPlot from "uplot";
import { useSeries } from "../../api/queries";
import type { Sensor, SeriesPoint } from "../../api/types";
import { Empty, Failed, Skeleton } from "../../components/States";
import { TrendChart, chartPicture } from "../../components/TrendChart";
import { download, toCsv } from "../../lib/csv";
import { decimalsOf, label, lineLabel, number, span, withUnit } from "../../lib/format";
import { limitValues } from "../../lib/limits";
import { goFixed, goLive, resolve, useTimeRange } from "../../lib/range";
import { chartColumns, withLivePanes } from "../../lib/series";
import { useLive, usePlantNow, useThrottled } from "../../live/useLive";
import { text } from "../../text";

/** As many points as a chart of this width can tell apart. */
const POINTS = 800;
const ASK_EVERY_MS = 10_000;

export function SensorDetail({ sensor, onClose }: { sensor: Sensor; onClose: () => void }) {
  const range = useTimeRange();
  const live = useLive();
  const plantNow = usePlantNow();
  // A live range moves by whole minutes: the server's panes do too, and the question stays the same in between.
  const now = Math.ceil((plantNow ?? Date.now()) / 60_000) * 60_000;
  const { from, to } = resolve(range, now);
  // Between questions the stream carries the line on; plant time may run fast, and the server is asked by the wall.
  const asked = resolve(range, useThrottled(now, ASK_EVERY_MS));
  const known = plantNow !== null || !range.live;
  const query = useSeries(known ? sensor.sensor_id : null, asked.from, asked.to, POINTS, range.live);
  const plot = useRef<uPlot | null>(null);
  const title = `${lineLabel(sensor.production_line)} · ${label(sensor.parameter_name)}`;
  const panes = live.panes.get(sensor.sensor_id);
  const limits = useMemo(() => limitValues(sensor.limits), [sensor.limits]);
  const decimals = decimalsOf(sensor.span_low, sensor.span_high);

  const points = useMemo(() => {
    if (!query.data) return null;
    const { points: fetched, resolution_s } = query.data;
    return range.live && panes ? withLivePanes(fetched, panes, resolution_s, from, to) : fetched;
  }, [query.data, panes, range.live, from, to]);
  const columns = useMemo(
    () => (points && query.data ? chartColumns(points, query.data.resolution_s, query.data.setpoints, sensor.target) : null),
    [points, query.data, sensor.target],
  );
  const alerts = useMemo(() => {
    const found = new Map((query.data?.alerts ?? []).map((alert) => [alert.alert_id, alert]));
    for (const alert of live.alerts.values()) if (alert.sensor_id === sensor.sensor_id) found.set(alert.alert_id, alert);
    return [...found.values()];
  }, [query.data, live.alerts, sensor.sensor_id]);

  const savePicture = async () => {
    const picture = plot.current && (await chartPicture(plot.current, `${title}, ${sensor.unit}`));
    if (picture) download(`${sensor.sensor_id}.png`, picture);
  };
  return (
    <section className="panel sensor-detail" aria-label={text.sensors.chart(title)}>
      <header className="panel-head section-head">
        <div>
          <h2>
            {title} <span className="faint">{sensor.unit}</span>
          </h2>
          <p className="faint small">
            {label(sensor.equipment_id)}
            {query.data ? ` · ${text.sensors.resolution(span(query.data.resolution_s))}` : ""}
          </p>
        </div>
        <div className="row">
          <button disabled={!points?.length} title={text.exportCsv} onClick={() => points && saveData(sensor, points)}>
            {text.csv}
          </button>
          <button disabled={!points?.length} title={text.exportPng} onClick={() => void savePicture()}>
            {text.png}
          </button>
          <button className="quiet" aria-label={text.close} onClick={onClose}>
            ✕
          </button>
        </div>
      </header>
      <div className="chart-area">
        {query.error && !query.data ? (
          <Failed title={text.states.failed(title)} error={query.error} retry={() => void query.refetch()} />
        ) : !columns || !points ? (
          <Skeleton rows={1} height="22rem" />
        ) : points.length === 0 ? (
          <Empty title={text.sensors.noData} hint={text.sensors.noDataHint} />
        ) : (
          <TrendChart
            title={title}
            unit={sensor.unit}
            spanLow={sensor.span_low}
            spanHigh={sensor.span_high}
            columns={columns}
            limits={limits}
            alerts={alerts}
            from={from}
            to={to}
            height={380}
            onZoom={(start, end) => end - start >= 60_000 && goFixed(start, end)}
            onReset={() => goLive("4h")}
            onPlot={(created) => (plot.current = created)}
          />
        )}
        <Legend />
      </div>
      <Facts sensor={sensor} newest={panes?.at(-1) ?? points?.at(-1) ?? null} decimals={decimals} />
    </section>
  );
}

const LEGEND = [
  ["mean", text.sensors.mean],
  ["band", text.sensors.minMax],
  ["setpoint", text.sensors.setpoint],
  ["limit", text.sensors.limit],
] as const;

function Legend() {
  return (
    <p className="legend small muted" aria-hidden>
      {LEGEND.map(([key, title]) => (
        <span key={key} className="entry">
          <i className={`key ${key}`} /> {title}
        </span>
      ))}
      <span className="faint">{text.sensors.zoomHint}</span>
    </p>
  );
}

function Facts({ sensor, newest, decimals }: { sensor: Sensor; newest: SeriesPoint | null; decimals: number }) {
  const limits = limitValues(sensor.limits);
  return (
    <dl className="facts small">
      <div>
        <dt>{text.sensors.statistics}</dt>
        <dd>
          {number(newest?.mean, decimals + 1)} ± {number(newest?.std, decimals + 1)} {sensor.unit}
        </dd>
      </div>
      <div>
        <dt>{text.sensors.setpoint}</dt>
        <dd>{withUnit(sensor.setpoint ?? sensor.target, sensor.unit, decimals)}</dd>
      </div>
      <div>
        <dt>{text.sensors.limits}</dt>
        <dd>
          {limits.length === 0 ? text.sensors.noLimits : limits.map(({ side, value }) => `${side === "high" ? "≤" : "≥"} ${number(value, decimals)}`).join(", ")}
        </dd>
      </div>
      <div>
        <dt>{text.sensors.span}</dt>
        <dd>
          {number(sensor.span_low)} – {number(sensor.span_high)} {sensor.unit}
        </dd>
      </div>
      {newest !== null && newest.bad > 0 && (
        <div>
          <dt>{text.quality.ERROR}</dt>
          <dd>{text.sensors.badReadings(newest.bad)}</dd>
        </div>
      )}
    </dl>
  );
}

function saveData(sensor: Sensor, points: readonly SeriesPoint[]): void {
  const columns = ["start", "n", "mean", "min", "max", "std", "bad", "uncertain"] as const;
  download(`${sensor.sensor_id}.csv`, toCsv(columns, points.map((point) => columns.map((name) => point[name]))));
}
