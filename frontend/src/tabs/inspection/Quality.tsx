// How the inspector in production agrees with MIK-1, defect by defect.

import { usePerformance, type InspectedPeriod } from "../../api/models";
import { Empty, Loaded } from "../../components/States";
import { dateTime, lineLabel, number, parseTime, percent } from "../../lib/format";
import { text } from "../../text";
import { figures, picturesOf, summed } from "./findings";

const words = text.inspection;

export function Quality({ inProduction, line }: { inProduction: boolean; line: string | null }) {
  const query = usePerformance(line);
  return (
    <section className="panel inspection-quality" aria-label={words.quality}>
      <header className="section-head">
        <h2>
          {words.quality} {line !== null && <span className="faint">{lineLabel(line)}</span>}
        </h2>
        <p className="faint small">{words.qualityHint}</p>
      </header>
      {!inProduction ? (
        <Empty title={words.noInspector} />
      ) : (
        <Loaded query={query} what={words.quality} rows={7}>
          {({ models }) => {
            const own = models.find(({ model }) => model === "inspector");
            const week = own?.inspection?.week;
            return own && week && picturesOf(summed(week.defects)) > 0 ? (
              <Table week={week} version={own.version} />
            ) : (
              <Empty title={words.noQuality} hint={words.noQualityHint} />
            );
          }}
        </Loaded>
      )}
    </section>
  );
}

function Table({ week, version }: { week: InspectedPeriod; version: string }) {
  const all = summed(week.defects);
  const pictures = Math.max(...week.defects.map(picturesOf));
  const rows = [
    ...week.defects.map((of) => ({ name: words.types[of.defect_type] ?? of.defect_type, of, whole: false })),
    { name: words.allTypes, of: all, whole: true },
  ];
  return (
    <div className="quality-body">
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">{words.defect}</th>
            <th scope="col" title={words.recallHint}>
              {words.recall}
            </th>
            <th scope="col" title={words.precisionHint}>
              {words.precision}
            </th>
            <th scope="col">{words.foundBy.both}</th>
            <th scope="col">{words.foundBy.inspectorOnly}</th>
            <th scope="col">{words.foundBy.mik1Only}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, of, whole }) => (
            <tr key={name} className={whole ? "all" : ""}>
              <th scope="row">{name}</th>
              <td>{percent(figures(of).recall, 0)}</td>
              <td>{percent(figures(of).precision, 0)}</td>
              <td>{number(of.both)}</td>
              <td>{number(of.inspector_only)}</td>
              <td>{number(of.mik1_only)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="small">{words.agree(percent(figures(all).accuracy, 1))}</p>
      <p className="faint small">{words.of(version, number(pictures), dateTime(parseTime(week.from), false))}</p>
    </div>
  );
}
