// How the inspector agrees with MIK-1, defect by defect.

import { useInspectionQuality, type QualityRow } from "../../api/inspections";
import { Empty, Loaded } from "../../components/States";
import { lineLabel, number, percent } from "../../lib/format";
import { text } from "../../text";
import { SEEN, agreement, figures, lately, picturesOf } from "./findings";

const words = text.inspection;
const DAYS = 7;

/** `version`: of the inspector in production. */
export function Quality({ version, line }: { version: string | null; line: string | null }) {
  const query = useInspectionQuality();
  return (
    <section className="panel inspection-quality" aria-label={words.quality}>
      <header className="section-head">
        <h2>
          {words.quality} {line !== null && <span className="faint">{lineLabel(line)}</span>}
        </h2>
        <p className="faint small">{words.qualityHint}</p>
      </header>
      {version === null ? (
        <Empty title={words.noInspector} />
      ) : (
        <Loaded query={query} what={words.quality} rows={7}>
          {(rows) => <Table rows={lately(rows, version, line, DAYS)} version={version} />}
        </Loaded>
      )}
    </section>
  );
}

function Table({ rows, version }: { rows: readonly QualityRow[]; version: string }) {
  if (rows.length === 0) return <Empty title={words.noQuality(version)} hint={words.noQualityHint} />;
  const types = SEEN.map((type) => ({ name: words.types[type] ?? type, sums: agreement(rows, type) })).filter(({ sums }) => picturesOf(sums) > 0);
  const all = agreement(rows, null);
  const pictures = Math.max(...types.map(({ sums }) => picturesOf(sums)));
  return (
    <div className="quality-body">
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">{words.defect}</th>
            <th scope="col" title={words.recallHint}>{words.recall}</th>
            <th scope="col" title={words.precisionHint}>{words.precision}</th>
            <th scope="col" title={words.who.both}>{words.foundBy.both}</th>
            <th scope="col" title={words.who.inspectorOnly}>{words.foundBy.inspectorOnly}</th>
            <th scope="col" title={words.who.mik1Only}>{words.foundBy.mik1Only}</th>
          </tr>
        </thead>
        <tbody>
          {[...types, { name: words.allTypes, sums: all }].map(({ name, sums }) => (
            <tr key={name} className={sums === all ? "all" : ""}>
              <th scope="row">{name}</th>
              <td>{percent(figures(sums).recall, 0)}</td>
              <td>{percent(figures(sums).precision, 0)}</td>
              <td>{number(sums.both)}</td>
              <td>{number(sums.inspectorOnly)}</td>
              <td>{number(sums.mik1Only)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="small">{words.agree(percent(figures(all).accuracy, 1))}</p>
      <p className="faint small">{words.of(version, number(pictures))}</p>
    </div>
  );
}
