// The large chart: mean as a line inside its min/max band, set-point, limits as bands, alerts as marks. Drawn on
// canvas by uPlot; all charts of a page share cursor and time range.

import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { AlertRow } from "../api/types";
import { useDevice } from "../lib/device";
import { clock, dateTime, decimalsOf, number, timeZone } from "../lib/format";
import type { LimitValue } from "../lib/limits";
import type { ChartColumns } from "../lib/series";
import { text } from "../text";
import { axisValues, drawAlerts, drawLimits, valueRange, type Palette, palette } from "./chartDrawing";

/** Every chart with this key shows the same instant under the cursor. */
const SYNC = "lehr-time";

export interface TrendProps {
  title: string;
  unit: string;
  spanLow: number;
  spanHigh: number;
  columns: ChartColumns;
  limits: readonly LimitValue[];
  alerts: readonly AlertRow[];
  from: number;
  to: number;
  height: number;
  compact?: boolean;
  onZoom?: (from: number, to: number) => void;
  onReset?: () => void;
  /** Receives the plot for an export of the picture. */
  onPlot?: (plot: uPlot | null) => void;
}

export function TrendChart(props: TrendProps) {
  const host = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { dark, zone } = useDevice();

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const created = new uPlot(options(element, latest, readout, palette()), dataOf(latest.current), element);
    plot.current = created;
    latest.current.onPlot?.(created);
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) created.setSize({ width: element.clientWidth, height: latest.current.height });
    });
    observer.observe(element);
    const reset = () => latest.current.onReset?.();
    created.over.addEventListener("dblclick", reset);
    return () => {
      observer.disconnect();
      created.over.removeEventListener("dblclick", reset);
      latest.current.onPlot?.(null);
      plot.current = null;
      created.destroy();
    };
  }, [dark, zone, props.title, props.unit, props.height, props.compact]);

  useEffect(() => {
    plot.current?.setData(dataOf(props), true);
  }, [props.columns, props.from, props.to, props.limits, props.alerts]);

  return (
    <figure className="trend" aria-label={props.title}>
      <div ref={readout} className="readout small" aria-hidden />
      <div ref={host} style={{ minHeight: props.height }} />
    </figure>
  );
}

function dataOf({ columns }: TrendProps): uPlot.AlignedData {
  return [columns.time, columns.mean, columns.min, columns.max, columns.setpoint];
}

function options(
  element: HTMLElement,
  latest: { current: TrendProps },
  readout: { current: HTMLDivElement | null },
  colors: Palette,
): uPlot.Options {
  const { compact = false, spanLow, spanHigh, unit, height } = latest.current;
  const decimals = decimalsOf(spanLow, spanHigh);
  const axis = { stroke: colors.ink, grid: { stroke: colors.grid, width: 1 }, ticks: { show: false }, font: colors.font };
  return {
    width: Math.max(100, element.clientWidth),
    height,
    padding: [compact ? 8 : 16, 12, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => (timeZone() ? uPlot.tzDate(new Date(seconds * 1000), timeZone()!) : new Date(seconds * 1000)),
    cursor: {
      sync: { key: SYNC, scales: ["x", null] },
      drag: { x: latest.current.onZoom !== undefined, y: false, setScale: false },
      points: { size: 6 },
    },
    scales: {
      x: { time: true, range: () => [latest.current.from / 1000, latest.current.to / 1000] },
      y: { range: () => valueRange(latest.current, decimals) },
    },
    axes: [
      { ...axis, size: 28, space: 64, values: axisValues },
      { ...axis, size: 62, space: compact ? 24 : 36, values: (_, ticks) => ticks.map((tick) => number(tick, tickDecimals(ticks, decimals))) },
    ],
    series: [
      {},
      { stroke: colors.data, width: 1.6, points: { show: false }, spanGaps: false },
      { stroke: "transparent", points: { show: false }, spanGaps: false },
      { stroke: "transparent", points: { show: false }, spanGaps: false },
      { stroke: colors.setpoint, width: 1.2, dash: [6, 4], points: { show: false }, spanGaps: true, paths: uPlot.paths.stepped!({ align: 1 }) },
    ],
    bands: [{ series: [3, 2], fill: colors.band }],
    hooks: {
      drawAxes: [(u) => drawLimits(u, latest.current.limits, colors, decimals)],
      draw: [(u) => drawAlerts(u, latest.current.alerts, colors)],
      setSelect: [
        (u) => {
          if (u.select.width < 8) return;
          latest.current.onZoom?.(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000);
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [(u) => writeReadout(u, readout.current, unit, decimals)],
    },
  };
}

function tickDecimals(ticks: readonly number[], decimals: number): number {
  const step = ticks.length > 1 ? Math.abs(ticks[1]! - ticks[0]!) : 1;
  return Math.max(Math.min(decimals, 1), step < 1 ? Math.ceil(-Math.log10(step) - 1e-9) : 0);
}

function writeReadout(u: uPlot, element: HTMLElement | null, unit: string, decimals: number): void {
  if (!element) return;
  const index = u.cursor.idx;
  const time = index === null || index === undefined ? undefined : u.data[0][index];
  const mean = index === null || index === undefined ? undefined : u.data[1]?.[index];
  if (time === undefined) {
    element.textContent = "";
    return;
  }
  const at = time * 1000;
  const when = Math.abs(Date.now() - at) < 20 * 3_600_000 ? clock(at, false) : dateTime(at, false);
  const low = u.data[2]?.[index as number];
  const high = u.data[3]?.[index as number];
  element.textContent =
    mean === null || mean === undefined
      ? when
      : `${when}  ${text.sensors.mean} ${number(mean, decimals + 1)} ${unit}   ${number(low, decimals)} … ${number(high, decimals)}`;
}

/** The picture of a chart on its background, with its title. */
export function chartPicture(plot: uPlot, title: string): Promise<Blob | null> {
  const source = plot.ctx.canvas;
  const scale = window.devicePixelRatio || 1;
  const colors = palette();
  const picture = document.createElement("canvas");
  picture.width = source.width;
  picture.height = source.height + 32 * scale;
  const context = picture.getContext("2d")!;
  context.fillStyle = colors.panel;
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = colors.ink;
  context.font = `${14 * scale}px sans-serif`;
  context.fillText(title, 12 * scale, 21 * scale);
  context.drawImage(source, 0, 32 * scale);
  return new Promise((done) => picture.toBlob(done, "image/png"));
}
