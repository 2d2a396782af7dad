// What the charts draw beyond their lines: limits, alert marks, axis texts.

import type uPlot from "uplot";
import type { AlertRow, Severity } from "../api/types";
import { tokenColor } from "../lib/device";
import { clock, day, number } from "../lib/format";
import type { LimitValue } from "../lib/limits";
import type { ChartColumns } from "../lib/series";

export interface Palette {
  ink: string;
  grid: string;
  data: string;
  band: string;
  setpoint: string;
  panel: string;
  font: string;
  severity: Record<Severity, string>;
  edge: Record<Severity, string>;
  on: Record<Severity, string>;
  tint: Record<Severity, string>;
}

export function palette(): Palette {
  const of = (suffix: string) => ({
    CRITICAL: tokenColor(`critical${suffix}`),
    HIGH: tokenColor(`high${suffix}`),
    MEDIUM: tokenColor(`medium${suffix}`),
    LOW: tokenColor(`low${suffix}`),
  });
  return {
    ink: tokenColor("ink-2"),
    grid: tokenColor("line"),
    data: tokenColor("data"),
    band: tokenColor("data-band"),
    setpoint: tokenColor("setpoint"),
    panel: tokenColor("panel"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    severity: of(""),
    edge: of("-edge"),
    on: of("-on"),
    tint: of("-tint"),
  };
}

/** A limit farther away than this many extents of the data is named at the edge instead of stretching the axis. */
const LIMIT_REACH = 1.2;

export function valueRange(
  chart: { columns: ChartColumns; limits: readonly LimitValue[]; spanLow: number; spanHigh: number },
  decimals: number,
): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const column of [chart.columns.min, chart.columns.max, chart.columns.setpoint]) {
    for (const value of column) {
      if (value === null || value === undefined) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [chart.spanLow, chart.spanHigh];
  const extent = Math.max(high - low, 4 * 10 ** -decimals);
  for (const { value } of chart.limits) {
    if (value > high && value - high < LIMIT_REACH * extent) high = value;
    if (value < low && low - value < LIMIT_REACH * extent) low = value;
  }
  const pad = Math.max(high - low, extent) * 0.1;
  return [low - pad, high + pad];
}

export function drawLimits(u: uPlot, limits: readonly LimitValue[], colors: Palette, decimals: number): void {
  const { ctx, bbox } = u;
  const scale = window.devicePixelRatio || 1;
  const { min, max } = u.scales.y!;
  if (min === undefined || max === undefined || min === null || max === null) return;
  ctx.save();
  ctx.font = colors.font.replace(/^\d+px/, `${11 * scale}px`);
  const edges = { high: 0, low: 0 };
  for (const { side, value, severity } of limits) {
    const y = u.valToPos(value, "y", true);
    ctx.fillStyle = colors.tint[severity];
    ctx.strokeStyle = colors.edge[severity];
    if (side === "high" ? value < max : value > min) {
      const top = side === "high" ? bbox.top : Math.max(bbox.top, y);
      const bottom = side === "high" ? Math.min(y, bbox.top + bbox.height) : bbox.top + bbox.height;
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
      if (value > min && value < max) {
        ctx.lineWidth = scale;
        ctx.setLineDash([4 * scale, 3 * scale]);
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
    } else {
      // Out of view: named at the edge with an arrow.
      ctx.fillStyle = colors.ink;
      ctx.textAlign = "right";
      const row = edges[side]++;
      const line = side === "high" ? bbox.top + (16 + 13 * row) * scale : bbox.top + bbox.height - (5 + 13 * row) * scale;
      ctx.fillText(`${side === "high" ? "↑" : "↓"} ${number(value, decimals)}`, bbox.left + bbox.width - 4 * scale, line);
    }
  }
  ctx.restore();
}

export function drawAlerts(u: uPlot, alerts: readonly AlertRow[], colors: Palette): void {
  const { ctx, bbox } = u;
  const scale = window.devicePixelRatio || 1;
  ctx.save();
  ctx.font = `700 ${8.5 * scale}px sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const alert of alerts) {
    const x = u.valToPos(Date.parse(alert.raised_at) / 1000, "x", true);
    const end = alert.cleared_at === null ? u.scales.x!.max! : Date.parse(alert.cleared_at) / 1000;
    const right = Math.min(bbox.left + bbox.width, u.valToPos(end, "x", true));
    if (right < bbox.left || x > bbox.left + bbox.width) continue;
    const left = Math.max(bbox.left, x);
    ctx.fillStyle = colors.edge[alert.severity];
    ctx.fillRect(left, bbox.top, Math.max(scale, right - left), 3 * scale);
    if (x < bbox.left) continue;
    ctx.strokeStyle = colors.edge[alert.severity];
    ctx.lineWidth = scale;
    ctx.setLineDash([2 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    drawShape(ctx, alert.severity, x, bbox.top + 2 * scale, 7 * scale, colors);
  }
  ctx.restore();
}

function drawShape(ctx: CanvasRenderingContext2D, severity: Severity, x: number, y: number, r: number, colors: Palette): void {
  const corners: Record<Severity, [number, number]> = { CRITICAL: [8, Math.PI / 8], HIGH: [3, 0], MEDIUM: [4, 0], LOW: [24, 0] };
  const [count, turn] = corners[severity];
  ctx.setLineDash([]);
  ctx.fillStyle = colors.severity[severity];
  ctx.beginPath();
  for (let i = 0; i < count; i += 1) {
    const angle = -Math.PI / 2 + turn + (i * 2 * Math.PI) / count;
    ctx.lineTo(x + r * 1.1 * Math.cos(angle), y + r * 1.1 * Math.sin(angle));
  }
  ctx.closePath();
  ctx.fill();
  ctx.fillStyle = colors.on[severity];
  ctx.fillText(severity.charAt(0), x, y + (severity === "HIGH" ? r * 0.1 : 0));
}

const DAY_S = 86_400;

/** Clock times; the day where the axis spans more than one. */
export function axisValues(u: uPlot, ticks: number[]): string[] {
  const wide = (u.scales.x!.max ?? 0) - (u.scales.x!.min ?? 0) > 2 * DAY_S;
  const fine = ticks.length > 1 && ticks[1]! - ticks[0]! < 60;
  let before = "";
  return ticks.map((tick) => {
    const ms = tick * 1000;
    const date = day(ms);
    const first = date !== before;
    before = date;
    if (wide) return ticks[1]! - ticks[0]! >= DAY_S ? date : first ? `${date} ${clock(ms, false)}` : clock(ms, false);
    return clock(ms, fine);
  });
}
