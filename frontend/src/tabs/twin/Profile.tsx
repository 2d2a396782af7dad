// A temperature profile along a stage: what is believed, and what it ought to be.

import { number } from "../../lib/format";
import { text } from "../../text";

type Point = readonly [number, number];

const WIDTH = 240;
const HEIGHT = 90;
const PAD = { left: 34, right: 6, top: 6, bottom: 4 };

export function Profile({ title, points, ideal = [] }: { title: string; points: readonly Point[]; ideal?: readonly Point[] }) {
  const all = [...points, ...ideal].filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return null;
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (value: number) => PAD.left + ((value - left) / (right - left || 1)) * (WIDTH - PAD.left - PAD.right);
  const y = (value: number) => HEIGHT - PAD.bottom - ((value - low) / (high - low || 1)) * (HEIGHT - PAD.top - PAD.bottom);
  const path = (line: readonly Point[]) => line.map(([px, py], index) => `${index ? "L" : "M"} ${x(px)} ${y(py)}`).join(" ");
  return (
    <figure className="profile">
      <figcaption className="small muted">{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${points.map(([, value]) => number(value)).join(", ")}`}>
        {[low, high].map((value) => (
          <g key={value}>
            <line x1={PAD.left} x2={WIDTH - PAD.right} y1={y(value)} y2={y(value)} className="grid" />
            <text x={PAD.left - 4} y={y(value)} textAnchor="end" dominantBaseline={value === low ? "auto" : "hanging"}>
              {number(value)}
            </text>
          </g>
        ))}
        {ideal.length > 0 && <path d={path(ideal)} className="ideal" />}
        <path d={path(points)} className="believed" />
        {points.map(([px, py]) => (
          <circle key={px} cx={x(px)} cy={y(py)} r="2.5" className="believed-point">
            <title>{number(py, 1)}</title>
          </circle>
        ))}
      </svg>
      {ideal.length > 0 && (
        <p className="legend small muted" aria-hidden>
          <span className="entry">
            <i className="key mean" /> {text.twin.believed}
          </span>
          <span className="entry">
            <i className="key setpoint" /> {text.twin.ideal}
          </span>
        </p>
      )}
    </figure>
  );
}
