import type { TwinFinding } from "../../api/types";
import { dateTime, label, number, parseTime, percent } from "../../lib/format";
import { text } from "../../text";

/** What departed, when, and what the likelier cause was; the newest first. */
export function Findings({ findings }: { findings: readonly TwinFinding[] }) {
  return (
    <section className="panel findings" aria-label={text.twin.findings}>
      <header className="panel-head section-head">
        <div>
          <h2>{text.twin.findings}</h2>
          <p className="faint small">{text.twin.findingsHint}</p>
        </div>
      </header>
      {findings.length === 0 ? (
        <p className="muted finding">{text.twin.noFindings}</p>
      ) : (
        <ul>
          {findings.map((finding) => (
            <li key={`${finding.start} ${finding.kind} ${finding.equipment}`} className="finding">
              <p>
                <strong>{label(finding.equipment)}</strong> {text.twin.deviation[finding.kind] ?? label(finding.kind)}
              </p>
              <p className="small muted">
                {dateTime(parseTime(finding.start), false)} – {finding.end ? dateTime(parseTime(finding.end), false) : text.twin.lasts}
                {finding.parameter_name && <>, {label(finding.parameter_name)}</>} {text.twin.sigmas(number(finding.strength, 1))},{" "}
                {text.twin.confidence(percent(finding.confidence, 0))}
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
