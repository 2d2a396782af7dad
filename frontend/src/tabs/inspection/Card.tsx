import type { InspectionRow } from "../../api/inspections";
import { When } from "../../components/When";
import { lineLabel } from "../../lib/format";
import { text } from "../../text";
import { compared, onPicture, types } from "./findings";
import { Picture, type Finder } from "./Picture";

const words = text.inspection;
const BOTH: readonly Finder[] = ["inspector", "mik1"];

export function Card({ row, onOpen }: { row: InspectionRow; onOpen: () => void }) {
  return (
    <li>
      <button className="shot" data-row data-unit={row.unit} onClick={onOpen}>
        <Picture row={row} alt="" shown={BOTH} />
        <span className="shot-facts small">
          <span className="shot-name">
            <b>{lineLabel(row.production_line)}</b> <Judged row={row} />
          </span>
          <span className="faint clip" title={words.unit(row.unit)}>
            {words.unit(row.unit)}
          </span>
          <span className="muted">
            <When at={row.taken_at} />
          </span>
          <Found row={row} />
        </span>
      </button>
    </li>
  );
}

/** What became of the unit. */
export function Judged({ row }: { row: InspectionRow }) {
  const verdict = row.inspected?.verdict;
  return <span className={`judged ${verdict ?? "unknown"}`}>{verdict ? words.verdicts[verdict] : words.noVerdict}</span>;
}

/** Who found what, in words. */
function Found({ row }: { row: InspectionRow }) {
  const found = compared(row);
  if (found !== null) {
    const { both, inspectorOnly, mik1Only } = found;
    if (both.length + inspectorOnly.length + mik1Only.length === 0) return <span className="muted">{words.nothingFound}</span>;
    return (
      <>
        <Types who={words.who.both} of={both} />
        <Types who={words.who.inspectorOnly} of={inspectorOnly} differs />
        <Types who={words.who.mik1Only} of={mik1Only} differs />
      </>
    );
  }
  const { findings, inspected } = row;
  return (
    <>
      {findings !== null && <Types who={words.who.inspector} of={types(findings)} />}
      {inspected !== null && <Types who={words.who.mik1} of={types(onPicture(inspected.defects))} />}
      <span className="muted">{findings === null ? words.notLookedAt : words.notInspected}</span>
    </>
  );
}

function Types({ who, of, differs = false }: { who: string; of: readonly string[]; differs?: boolean }) {
  if (of.length === 0) return null;
  return (
    <span className={differs ? "who differs" : "who"}>
      {who} <b>{of.map((type) => words.types[type] ?? type).join(", ")}</b>
    </span>
  );
}
