// One picture, large, with what was found on it by whom. The arrow keys go on to the next.

import { useEffect, useState } from "react";
import type { Finding, InspectionRow } from "../../api/inspections";
import { Dialog } from "../../components/Dialog";
import { When } from "../../components/When";
import { lineLabel, percent } from "../../lib/format";
import { text } from "../../text";
import { Judged } from "./Card";
import { bySurety, onPicture, overlap, paired, type Pair } from "./findings";
import { Picture, type Finder } from "./Picture";

const words = text.inspection;
const FINDERS: readonly Finder[] = ["inspector", "mik1"];

interface DetailProps {
  rows: readonly InspectionRow[];
  unit: string;
  onGo: (unit: string) => void;
  onClose: () => void;
}

export function Detail({ rows, unit, onGo, onClose }: DetailProps) {
  const [hidden, setHidden] = useState<readonly Finder[]>([]);
  const at = rows.findIndex((row) => row.unit === unit);
  const go = (by: number) => {
    const next = rows[at + by];
    if (at >= 0 && next !== undefined) onGo(next.unit);
  };
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      go(by);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  });
  const row = rows[at];
  const toggle = (finder: Finder) => setHidden((old) => (old.includes(finder) ? old.filter((entry) => entry !== finder) : [...old, finder]));
  return (
    <Dialog title={words.unit(unit)} wide onClose={onClose}>
      {row === undefined ? (
        <p className="muted">{words.notAmong}</p>
      ) : (
        <div className="inspect">
          <Picture key={row.content} row={row} alt={words.pictureOf(unit)} shown={FINDERS.filter((finder) => !hidden.includes(finder))} large />
          <div className="inspect-side">
            <nav className="row spread" aria-label={words.pictures}>
              <button disabled={at === 0} onClick={() => go(-1)} title={words.newerHint}>
                ‹ {words.newer}
              </button>
              <span className="small muted" aria-live="polite">
                {words.place(at + 1, rows.length)}
              </span>
              <button disabled={at === rows.length - 1} onClick={() => go(1)} title={words.olderHint}>
                {words.older} ›
              </button>
            </nav>
            <Facts row={row} />
            <fieldset className="row box-choice">
              <legend className="visually-hidden">{words.boxes}</legend>
              {FINDERS.map((finder) => (
                <label key={finder} className="row">
                  <input type="checkbox" checked={!hidden.includes(finder)} onChange={() => toggle(finder)} />
                  <i className={`key box-key ${finder}`} aria-hidden /> {words.boxesOf[finder]}
                </label>
              ))}
            </fieldset>
            <Findings row={row} />
          </div>
        </div>
      )}
    </Dialog>
  );
}

function Facts({ row }: { row: InspectionRow }) {
  return (
    <dl className="facts small">
      <div>
        <dt>{text.lineChoice}</dt>
        <dd>{lineLabel(row.production_line)}</dd>
      </div>
      <div>
        <dt>{words.taken}</dt>
        <dd>
          <When at={row.taken_at} />
        </dd>
      </div>
      <div>
        <dt>{words.verdict}</dt>
        <dd>
          <Judged row={row} />
        </dd>
      </div>
      <div>
        <dt>{words.inspector}</dt>
        <dd>{row.version ?? "–"}</dd>
      </div>
    </dl>
  );
}

/** What both found, each beside the other. */
function Findings({ row }: { row: InspectionRow }) {
  const { findings, inspected } = row;
  const mik1 = inspected?.defects ?? [];
  const unseen = bySurety(mik1.filter((finding) => !onPicture([finding]).length));
  const pairs = paired(findings ?? [], onPicture(mik1));
  return (
    <>
      {findings === null && <p className="small muted">{words.notLookedAt}</p>}
      {inspected === null && <p className="small muted">{words.notInspected}</p>}
      {pairs.length > 0 ? (
        <Table row={row} pairs={pairs} />
      ) : (
        <p className="muted">{findings !== null && inspected !== null ? words.nothingFound : words.nothingKnown}</p>
      )}
      {unseen.map(({ type, score }, index) => (
        <p key={index} className="small muted">
          {words.unseen(words.types[type] ?? type, percent(score, 0))}
        </p>
      ))}
    </>
  );
}

function Table({ row, pairs }: { row: InspectionRow; pairs: readonly Pair[] }) {
  return (
    <div>
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">{words.defect}</th>
            <th scope="col">{words.inspector}</th>
            <th scope="col">{words.mik1}</th>
            <th scope="col" title={words.overlapHint}>
              {words.overlap}
            </th>
          </tr>
        </thead>
        <tbody>
          {pairs.map(({ type, inspector, mik1 }, index) => (
            <tr key={index}>
              <th scope="row">{words.types[type] ?? type}</th>
              <Found finding={inspector} unknown={row.findings === null} />
              <Found finding={mik1} unknown={row.inspected === null} />
              <td>{inspector && mik1 ? percent(overlap(inspector.box, mik1.box), 0) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="faint small">{words.boxHint}</p>
    </div>
  );
}

function Found({ finding, unknown }: { finding: Finding | null; unknown: boolean }) {
  if (finding === null) return <td className="muted">{unknown ? "–" : words.notFound}</td>;
  const [x, y, width, height] = finding.box;
  return (
    <td>
      {percent(finding.score, 0)} <span className="faint small found-box">{words.boxAt(`${width} × ${height}`, `${x}, ${y}`)}</span>
    </td>
  );
}
