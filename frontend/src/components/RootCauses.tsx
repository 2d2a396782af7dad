import type { EvidencePoint, RootCause } from "../api/types";
import { clock, label, loose, number, parseTime, percent } from "../lib/format";
import { hrefOf, useRoute } from "../lib/route";
import { text } from "../text";
import { Spark } from "./Spark";
import { Empty } from "./States";

/** Likely causes, the likeliest first, each with what proves it and what to do. */
export function RootCauses({ causes, empty, hint }: { causes: readonly RootCause[]; empty: string; hint: string }) {
  useRoute();
  if (causes.length === 0) return <Empty title={empty} hint={hint} />;
  return (
    <ol className="root-causes">
      {causes.map((cause, index) => (
        <li key={cause.root_cause_id} className="root-cause">
          <span className="rank" aria-hidden>
            {cause.rank || index + 1}
          </span>
          <div>
            <p>
              <a href={hrefOf("sensors", { line: cause.production_line, sensor: cause.sensor_id })}>
                <b>{label(cause.parameter_name)}</b>
              </a>{" "}
              {text.graph.directions[cause.direction]} → {label(cause.effect)}
            </p>
            <p className="small muted">
              {text.alerts.sigmas(number(cause.deviation_magnitude, 1))} · {loose(cause.peak)}, {text.alerts.should(loose(cause.centre))} ·{" "}
              {text.alerts.evidence(clock(parseTime(cause.evidence_from), false), clock(parseTime(cause.evidence_to), false))}
            </p>
            <p className="small muted">{cause.mechanism}</p>
            <p className="small">{cause.recommended_action}</p>
          </div>
          <div className="proof">
            <div className="confidence" title={text.alerts.confidence}>
              <i style={{ width: `${Math.min(1, cause.confidence) * 100}%` }} />
            </div>
            <span className="small">{percent(cause.confidence, 0)}</span>
            <Evidence cause={cause} />
          </div>
        </li>
      ))}
    </ol>
  );
}

function Evidence({ cause }: { cause: RootCause }) {
  const points: EvidencePoint[] = cause.evidence[0]?.points ?? [];
  if (points.length === 0) return null;
  return (
    <Spark
      points={points.map((point) => ({ at: Date.parse(point.at), value: point.value }))}
      width={96}
      height={32}
      reference={cause.direction === "variation" ? null : cause.centre}
      label={cause.sensor_id}
    />
  );
}
