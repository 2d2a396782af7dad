import type { InspectionRow } from "../../api/inspections";
import { When } from "../../components/When";
import { lineLabel } from "../../lib/format";
import { text } from "../../text";
import { compared, type Comparison } from "./findings";
import { Picture, type Finder } from "./Picture";

const words = text.inspection;
const BOTH: readonly Finder[] = ["mik1", "inspector"];
/** Pixels of the picture; a card is a little smaller than its picture. */
const WORD_SIZE = 14;

export function Card({ row, onOpen }: { row: InspectionRow; onOpen: () => void }) {
  return (
    <li>
      <button className="shot" data-row data-unit={row.unit} onClick={onOpen}>
        <Picture row={row} alt="" shown={BOTH} wordSize={WORD_SIZE} />
        <span className="shot-facts">
          <span className="shot-name">
            <b className="clip" title={words.unit(row.unit)}>
              {words.unit(row.unit)}
            </b>
            <Judged row={row} />
          </span>
          <span className="small muted">
            {lineLabel(row.production_line)} · <When at={row.taken_at} />
          </span>
          <span className="small">
            <Compared row={row} />
          </span>
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

const list = (types: readonly string[]) => types.map((type) => words.types[type] ?? type).join(", ");

/** Who found what, in words. */
function Compared({ row }: { row: InspectionRow }) {
  const found = compared(row);
  if (found === null) return <span className="muted">{row.findings === null ? words.notLookedAt : words.notInspected}</span>;
  const parts = partsOf(found);
  if (parts.length === 0) return <span className="muted">{words.nothingFound}</span>;
  return (
    <>
      {parts.map(([who, types]) => (
        <span key={who} className={who === "both" ? "who" : "who differs"}>
          {words.who[who]} <b>{list(types)}</b>
        </span>
      ))}
    </>
  );
}

function partsOf({ both, inspectorOnly, mik1Only }: Comparison) {
  const all = [
    ["both", both],
    ["inspectorOnly", inspectorOnly],
    ["mik1Only", mik1Only],
  ] as const;
  return all.filter(([, types]) => types.length > 0);
}
