// The small figures of the key-figure cards.

import { number, percent, span } from "../../lib/format";
import { text } from "../../text";

/** A half-circle gauge of a share. */
export function Gauge({ value }: { value: number | null }) {
  const angle = Math.PI * (1 - Math.min(1, Math.max(0, value ?? 0)));
  const point = (a: number) => `${30 + 26 * Math.cos(a)} ${32 - 26 * Math.sin(a)}`;
  return (
    <svg width="60" height="36" viewBox="0 0 60 36" role="img" aria-label={percent(value)}>
      <path d={`M ${point(Math.PI)} A 26 26 0 0 1 ${point(0)}`} fill="none" stroke="var(--line)" strokeWidth="6" />
      {value !== null && <path d={`M ${point(Math.PI)} A 26 26 0 0 1 ${point(angle)}`} fill="none" stroke="var(--data)" strokeWidth="6" />}
    </svg>
  );
}

/** A share of a target: the target is the notch at 100 %, the bar ends at 120 %. */
export function Bar({ value }: { value: number | null }) {
  const most = 1.2;
  return (
    <div className="target-bar" role="img" aria-label={percent(value, 0)}>
      {value !== null && <i style={{ width: `${(Math.min(most, value) / most) * 100}%` }} />}
      <b style={{ left: `${100 / most}%` }} />
    </div>
  );
}

interface Bin {
  upto_s: number | null;
  count: number;
}

/** How long it took to begin a corrective action; bins past the target are hollow. */
export function Histogram({ bins, target }: { bins: readonly Bin[]; target: number }) {
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const width = 170 / Math.max(1, bins.length);
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  return (
    <svg width="170" height="34" viewBox="0 0 170 34" role="img" aria-label={`${text.overview.responseTime}: ${number(total)}`}>
      <line x1="0" x2="170" y1="33.5" y2="33.5" stroke="var(--line-strong)" />
      {bins.map((bin, index) => {
        const height = (bin.count / most) * 30;
        const late = bin.upto_s === null || bin.upto_s > target;
        return (
          <rect
            key={index}
            x={index * width + 1.5}
            y={33 - height}
            width={Math.max(1, width - 3)}
            height={height}
            fill={late ? "none" : "var(--data)"}
            stroke="var(--data)"
          >
            <title>{bin.upto_s === null ? `> ${span(bins.at(-2)?.upto_s ?? target)}: ${bin.count}` : text.overview.upTo(span(bin.upto_s), bin.count)}</title>
          </rect>
        );
      })}
    </svg>
  );
}
