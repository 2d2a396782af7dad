import { useEffect, useRef } from "react";
import { tokenColor, useDevice } from "../lib/device";

export interface SparkPoint {
  at: number;
  value: number | null;
}

interface Props {
  points: readonly SparkPoint[];
  width?: number;
  height?: number;
  /** Instants at the two ends; default: of the points. */
  from?: number | undefined;
  to?: number | undefined;
  /** A thin reference line, for instance the set-point. */
  reference?: number | null | undefined;
  /** A longer distance between points than this is a gap. */
  gapMs?: number;
  /** Least extent of the value axis, so that noise does not look like movement. */
  least?: number;
  label?: string;
}

/** A small line without axes. Gaps are gaps; a dot marks the end. */
export function Spark(props: Props) {
  const { points, width = 120, height = 28, from, to, reference, gapMs = Infinity, least = 0, label } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const { dark } = useDevice();
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const scale = window.devicePixelRatio || 1;
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const values = points.flatMap((point) => (point.value === null ? [] : [point.value]));
    if (values.length === 0) return;
    const start = from ?? points[0]!.at;
    const end = to ?? points.at(-1)!.at;
    const all = reference === null || reference === undefined ? values : [...values, reference];
    const middle = (Math.min(...all) + Math.max(...all)) / 2;
    const half = Math.max(Math.max(...all) - Math.min(...all), least, 1e-9) / 2;
    const pad = 3;
    const x = (at: number) => pad + ((at - start) / Math.max(1, end - start)) * (width - 2 * pad);
    const y = (value: number) => height / 2 - ((value - middle) / half) * (height / 2 - pad);
    if (reference !== null && reference !== undefined) {
      context.strokeStyle = tokenColor("line-strong");
      context.lineWidth = 1;
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(0, y(reference));
      context.lineTo(width, y(reference));
      context.stroke();
      context.setLineDash([]);
    }
    context.strokeStyle = tokenColor("data");
    context.fillStyle = tokenColor("data");
    context.lineWidth = 1.4;
    context.lineJoin = "round";
    context.beginPath();
    let before: SparkPoint | null = null;
    for (const point of points) {
      if (point.value === null) {
        before = null;
        continue;
      }
      if (before === null || point.at - before.at > gapMs) context.moveTo(x(point.at), y(point.value));
      else context.lineTo(x(point.at), y(point.value));
      before = point;
    }
    context.stroke();
    if (before !== null && before.value !== null) {
      context.beginPath();
      context.arc(x(before.at), y(before.value), 2, 0, 2 * Math.PI);
      context.fill();
    }
  }, [points, width, height, from, to, reference, gapMs, least, dark]);
  const named = label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label };
  return <canvas ref={canvas} className="spark" style={{ width, height }} {...named} />;
}
