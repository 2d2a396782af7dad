import { number } from "../../lib/format";
import { text } from "../../text";

const words = text.models;

/** How well an inspector finds each type of defect. */
export function ByDefect({ kinds }: { kinds: readonly { type: string; precision: number }[] }) {
  return (
    <section className="panel" aria-label={words.byDefect}>
      <header className="section-head">
        <h2>{words.byDefect}</h2>
        <p className="faint small">{words.byDefectHint}</p>
      </header>
      <table className="figures by-defect">
        <thead>
          <tr>
            <th scope="col">{text.inspection.defect}</th>
            <th scope="col" colSpan={2}>
              {words.averagePrecision}
            </th>
          </tr>
        </thead>
        <tbody>
          {kinds.map(({ type, precision }) => (
            <tr key={type}>
              <th scope="row">{text.inspection.types[type] ?? type}</th>
              <td>{number(precision, 3)}</td>
              <td className="share" aria-hidden>
                <i style={{ width: `${Math.min(1, Math.max(0, precision)) * 100}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
