// Shares of 0 to 1 over time as lines: probabilities, figures of models. Drawn on canvas by uPlot; what is drawn under and
// over the lines is the view's own.

import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useDevice } from "../lib/device";
import { percent, timeZone } from "../lib/format";
import { axisValues, palette, type Palette } from "./chartDrawing";

/** How lines are told apart without colour. */
export type LineLook = "plain" | "dashed" | "dotted" | "strong";

export interface ShareLine {
  look: LineLook;
  values: readonly (number | null)[];
}

export interface ShareChartProps {
  title: string;
  /** Seconds, ascending. */
  time: readonly number[];
  lines: readonly ShareLine[];
  from: number;
  to: number;
  height: number;
  /** Ends of the axis of shares. */
  low?: number;
  high?: number;
  /** A dot for each value: where they are few. */
  points?: boolean;
  /** Whether its cursor is that of the other charts of the page. */
  synced?: boolean;
  drawUnder?: (u: uPlot, colors: Palette) => void;
  /** What is written of the place under the cursor. */
  readout: (index: number) => string;
  onZoom?: (from: number, to: number) => void;
  onReset?: () => void;
  onPick?: (at: number) => void;
  /** Receives the plot for an export of the picture. */
  onPlot?: (plot: uPlot | null) => void;
}

export function ShareChart(props: ShareChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { dark, zone } = useDevice();
  const looks = props.lines.map(({ look }) => look).join();

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
    const forget = listenTo(created, latest);
    return () => {
      observer.disconnect();
      forget();
      latest.current.onPlot?.(null);
      plot.current = null;
      created.destroy();
    };
  }, [dark, zone, props.title, props.height, looks]);

  useEffect(() => {
    plot.current?.setData(dataOf(props), true);
  }, [props.time, props.lines, props.from, props.to, props.low, props.high, props.drawUnder]);

  return (
    <figure className="trend" aria-label={props.title}>
      <div ref={readout} className="readout small" aria-hidden />
      <div ref={host} style={{ minHeight: props.height }} />
    </figure>
  );
}

function dataOf({ time, lines }: ShareChartProps): uPlot.AlignedData {
  return [time as number[], ...lines.map(({ values }) => values as (number | null)[])];
}

/** A press that moves farther than this is a zoom. */
const CLICK_PX = 4;

function listenTo(plot: uPlot, latest: { current: ShareChartProps }): () => void {
  let pressed = 0;
  const press = (event: MouseEvent) => {
    pressed = event.clientX;
  };
  const click = (event: MouseEvent) => {
    const index = plot.cursor.idx;
    const at = index === null || index === undefined ? undefined : plot.data[0][index];
    if (at !== undefined && Math.abs(event.clientX - pressed) < CLICK_PX) latest.current.onPick?.(at * 1000);
  };
  const reset = () => latest.current.onReset?.();
  plot.over.addEventListener("mousedown", press);
  plot.over.addEventListener("click", click);
  plot.over.addEventListener("dblclick", reset);
  return () => {
    plot.over.removeEventListener("mousedown", press);
    plot.over.removeEventListener("click", click);
    plot.over.removeEventListener("dblclick", reset);
  };
}

function seriesOf(look: LineLook, colors: Palette, points: boolean): uPlot.Series {
  const dash = { plain: [], dashed: [7, 4], dotted: [2, 3], strong: [] }[look];
  const stroke = look === "strong" ? colors.edge.HIGH : colors.data;
  return { stroke, width: look === "strong" ? 4 : 1.6, dash, spanGaps: false, points: { show: points, size: 5, stroke, fill: stroke } };
}

function options(
  element: HTMLElement,
  latest: { current: ShareChartProps },
  readout: { current: HTMLDivElement | null },
  colors: Palette,
): uPlot.Options {
  const { height, lines, points = false, synced = false } = latest.current;
  const axis = { stroke: colors.ink, grid: { stroke: colors.grid, width: 1 }, ticks: { show: false }, font: colors.font };
  return {
    width: Math.max(100, element.clientWidth),
    height,
    padding: [16, 20, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => (timeZone() ? uPlot.tzDate(new Date(seconds * 1000), timeZone()!) : new Date(seconds * 1000)),
    cursor: {
      ...(synced ? { sync: { key: "lehr-time", scales: ["x", null] as [string, null] } } : {}),
      drag: { x: latest.current.onZoom !== undefined, y: false, setScale: false },
      points: { size: 6 },
    },
    scales: {
      x: { time: true, range: () => [latest.current.from / 1000, latest.current.to / 1000] },
      y: { range: () => [latest.current.low ?? 0, latest.current.high ?? 1] },
    },
    axes: [
      { ...axis, size: 28, space: 64, values: axisValues },
      { ...axis, size: 56, space: 32, values: (_, ticks) => ticks.map((tick) => percent(tick, 0)) },
    ],
    series: [{}, ...lines.map(({ look }) => seriesOf(look, colors, points))],
    hooks: {
      drawAxes: [(u) => latest.current.drawUnder?.(u, colors)],
      setSelect: [
        (u) => {
          if (u.select.width < 8) return;
          latest.current.onZoom?.(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000);
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [
        (u) => {
          const index = u.cursor.idx;
          if (readout.current) readout.current.textContent = index === null || index === undefined ? "" : latest.current.readout(index);
        },
      ],
    },
  };
}
