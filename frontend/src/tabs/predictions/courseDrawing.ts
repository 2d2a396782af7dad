// What lies under the course of a probability: when events came, when that is not known yet, from where on events are
// called, and the time that is explained.

import type uPlot from "uplot";
import type { Palette } from "../../components/chartDrawing";
import type { Course, Run } from "./forecast";

/** A forecast stands for the minute that ends with it. */
const MINUTE_S = 60;
const HATCH_PX = 7;

export function drawCourse({ came, open }: Pick<Course, "came" | "open">, threshold: number | null, picked: number | null) {
  return (u: uPlot, colors: Palette): void => {
    const { ctx } = u;
    ctx.save();
    for (const run of came) {
      const [left, width] = extent(u, run);
      ctx.fillStyle = colors.tint.HIGH;
      ctx.fillRect(left, u.bbox.top, width, u.bbox.height);
      ctx.fillStyle = colors.edge.HIGH;
      for (const edge of [left, left + width - scale()]) ctx.fillRect(edge, u.bbox.top, scale(), u.bbox.height);
    }
    for (const run of open) hatch(u, extent(u, run), colors.grid);
    if (threshold !== null) across(u, threshold, colors.setpoint);
    if (picked !== null) upright(u, picked / 1000, colors.ink);
    ctx.restore();
  };
}

const scale = () => window.devicePixelRatio || 1;

/** Left edge and width of a run within the plot. */
function extent(u: uPlot, run: Run): [number, number] {
  const { left, width } = u.bbox;
  const within = (x: number) => Math.min(left + width, Math.max(left, x));
  const start = within(u.valToPos(run.from / 1000 - MINUTE_S, "x", true));
  return [start, within(u.valToPos(run.to / 1000, "x", true)) - start];
}

function hatch(u: uPlot, [left, width]: [number, number], color: string): void {
  const { ctx, bbox } = u;
  if (width <= 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = scale();
  ctx.beginPath();
  // The stripes keep their places while the run moves on.
  const step = HATCH_PX * scale();
  for (let x = Math.floor((left - bbox.height) / step) * step; x < left + width; x += step) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

function across(u: uPlot, value: number, color: string): void {
  const { ctx, bbox } = u;
  const y = u.valToPos(value, "y", true);
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.2 * scale();
  ctx.setLineDash([6 * scale(), 4 * scale()]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

function upright(u: uPlot, at: number, color: string): void {
  const { ctx, bbox } = u;
  const x = u.valToPos(at, "x", true);
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.strokeStyle = color;
  ctx.lineWidth = 2 * scale();
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
}
