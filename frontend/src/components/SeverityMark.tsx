import type { Severity } from "../api/types";
import { text } from "../text";

// Each priority has a colour, a shape and a letter, so that none of them is the only signal.
const SHAPES: Record<Severity, { points: string | null; letter: string; dy: number }> = {
  CRITICAL: { points: "7,1 17,1 23,7 23,17 17,23 7,23 1,17 1,7", letter: "C", dy: 16.6 },
  HIGH: { points: "12,1 23.5,22 0.5,22", letter: "H", dy: 19.4 },
  MEDIUM: { points: "12,0.5 23.5,12 12,23.5 0.5,12", letter: "M", dy: 16.2 },
  LOW: { points: null, letter: "L", dy: 16.4 },
};

interface Props {
  severity: Severity;
  /** Only for an alert that is critical and not acknowledged. */
  pulse?: boolean;
  /** Drawn as an outline: no longer active. */
  hollow?: boolean;
  size?: number;
}

export function SeverityMark({ severity, pulse = false, hollow = false, size = 20 }: Props) {
  const shape = SHAPES[severity];
  const paint = hollow
    ? { fill: "none", stroke: "var(--edge)", strokeWidth: 2 }
    : { fill: "var(--severity)", stroke: "var(--edge)", strokeWidth: 1 };
  return (
    <svg
      className={`severity-mark severity-${severity}${pulse ? " pulse" : ""}`}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      role="img"
      aria-label={text.severity[severity]}
    >
      {shape.points === null ? <circle cx="12" cy="12" r="11" {...paint} /> : <polygon points={shape.points} {...paint} />}
      <text x="12" y={shape.dy} textAnchor="middle" fontSize="12.5" fontWeight="700" fill={hollow ? "var(--edge)" : "var(--on)"}>
        {shape.letter}
      </text>
    </svg>
  );
}
