// What was said against what came, for predictions alike in probability. The larger a dot, the more of them.

import { number, percent } from "../../lib/format";
import { horizonName } from "../../lib/horizons";
import type { CurveOf, ReliabilityBin, ReliabilityCurve } from "../../lib/modelMetrics";
import { text } from "../../text";

const words = text.models;

const SIDE = 200;
const PAD = { left: 40, right: 8, top: 8, bottom: 34 };
const DOT_MOST = 7;

function titleOf(of: CurveOf): string | null {
  if (of === null) return null;
  return of === "failure" || of === "anomaly" ? text.predictions[of] : text.predictions.within(horizonName(of));
}

export function Calibration({ curves }: { curves: readonly ReliabilityCurve[] }) {
  return (
    <section className="panel" aria-label={words.calibration}>
      <header className="section-head">
        <h2>{words.calibration}</h2>
        <p className="faint small">{words.calibrationHint}</p>
      </header>
      <div className="calibration">
        {curves.map(({ of, bins }) => (
          <Curve key={of ?? ""} title={titleOf(of)} bins={bins} />
        ))}
      </div>
    </section>
  );
}

function Curve({ title, bins }: { title: string | null; bins: readonly ReliabilityBin[] }) {
  const most = Math.max(...bins.map(({ count }) => count));
  const width = SIDE + PAD.left + PAD.right;
  const height = SIDE + PAD.top + PAD.bottom;
  const x = (share: number) => PAD.left + share * SIDE;
  const y = (share: number) => PAD.top + (1 - share) * SIDE;
  const describe = ({ said, came, count }: ReliabilityBin) => words.binOf(percent(said, 0), percent(came, 0), number(count));
  return (
    <figure>
      {title && <figcaption className="small muted">{title}</figcaption>}
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${words.calibration}: ${bins.map(describe).join("; ")}`}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line x1={x(0)} x2={x(1)} y1={y(share)} y2={y(share)} className="grid" />
            <line x1={x(share)} x2={x(share)} y1={y(0)} y2={y(1)} className="grid" />
            <text x={x(0) - 6} y={y(share)} textAnchor="end" dominantBaseline="middle">
              {percent(share, 0)}
            </text>
            <text x={x(share)} y={y(0) + 14} textAnchor={share === 1 ? "end" : share === 0 ? "start" : "middle"}>
              {percent(share, 0)}
            </text>
          </g>
        ))}
        <text x={x(0.5)} y={height - 4} textAnchor="middle">
          {words.saidAxis}
        </text>
        <text x={x(0) + 6} y={y(1) + 12}>
          {words.cameAxis}
        </text>
        <line x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} className="ideal" />
        <polyline points={bins.map(({ said, came }) => `${x(said)},${y(came)}`).join(" ")} />
        {bins.map((bin) => (
          <circle key={bin.said} cx={x(bin.said)} cy={y(bin.came)} r={Math.max(2, DOT_MOST * Math.sqrt(bin.count / most))}>
            <title>{describe(bin)}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}
