// Mirrors of the causal graph: what people edited there, and taking it over.

import { type FormEvent, useState } from "react";
import { useImport, useMirrorEdits, useMirrors } from "../../api/queries";
import type { MirrorEdit } from "../../api/types";
import { withField } from "../../components/FormEnd";
import { Loaded } from "../../components/States";
import { number } from "../../lib/format";
import { useMay } from "../../lib/roles";
import { text } from "../../text";

const words = text.mirrors;

/** Edits of one request. */
const IMPORTED_MOST = 100;

/** Nothing where no store mirrors the graph. */
export function Mirrors() {
  const mirrors = useMirrors().data?.mirrors ?? [];
  if (mirrors.length === 0) return null;
  return (
    <section className="panel" aria-label={words.title}>
      <header className="section-head">
        <h2>{words.title}</h2>
        <p className="faint small">{words.hint}</p>
      </header>
      {mirrors.map(({ name }) => (
        <Edits key={name} mirror={name} />
      ))}
    </section>
  );
}

function Edits({ mirror }: { mirror: string }) {
  const query = useMirrorEdits(mirror);
  return (
    <Loaded query={query} what={mirror} rows={2}>
      {({ edits, total }) => (
        <div className="mirror">
          <h3>
            {mirror}: {words.differ(total)}
          </h3>
          {/* An answer that is shown may be old when the mirror is away. */}
          {query.isError && <p className="small peer-error">{query.error.message}</p>}
          {edits.length > 0 && <EditTable edits={edits} mirror={mirror} />}
        </div>
      )}
    </Loaded>
  );
}

function canTake({ edit }: MirrorEdit): boolean {
  return edit === "changed" || edit === "added" || edit === "removed";
}

function EditTable({ edits, mirror }: { edits: MirrorEdit[]; mirror: string }) {
  const may = useMay("engineer");
  const taking = useImport(mirror);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [reason, setReason] = useState("");
  const chosen = edits.filter((edit) => canTake(edit) && !left.has(edit.id)).slice(0, IMPORTED_MOST);
  const toggle = (id: string) => {
    const others = new Set(left);
    if (!others.delete(id)) others.add(id);
    setLeft(others);
  };
  const take = (event: FormEvent) => {
    event.preventDefault();
    taking.mutate({ edits: chosen.map(({ id }) => id), reason: reason.trim() });
  };
  const outcomes = new Map(taking.data?.results.map((result) => [result.id, result]));
  return (
    <form onSubmit={take}>
      <div className="scroll-x mapping-variables">
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">{words.edit}</th>
              <th scope="col">{words.edge}</th>
            </tr>
          </thead>
          <tbody>
            {edits.map((edit) => (
              <tr key={edit.id}>
                <td className="nowrap">
                  <label>
                    <input
                      type="checkbox"
                      aria-label={words.take(titleOf(edit))}
                      disabled={!may || !canTake(edit)}
                      checked={canTake(edit) && !left.has(edit.id)}
                      onChange={() => toggle(edit.id)}
                    />{" "}
                    {words.kinds[edit.edit]}
                  </label>
                </td>
                <th scope="row">
                  {titleOf(edit)}
                  <p className="faint small">
                    {edit.edge ? words.says(edit.edge.direction, number(edit.edge.confidence, 3)) : edit.why}
                  </p>
                  {outcomes.get(edit.id)?.message && <p className="small peer-error">{outcomes.get(edit.id)?.message}</p>}
                </th>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {may ? (
        <div className="row">
          <label className="field">
            {words.reason}
            <input required pattern=".*\S.*" maxLength={900} size={36} value={reason} onChange={(event) => setReason(event.target.value)} />
          </label>
          <button className="primary" disabled={taking.isPending || chosen.length === 0}>
            {taking.isPending ? words.importing : words.import(chosen.length)}
          </button>
        </div>
      ) : (
        <p className="faint">{words.notAllowed}</p>
      )}
      {taking.data && <p role="status">{words.done(taking.data.imported, taking.data.results.length - taking.data.imported)}</p>}
      {taking.isError && <p role="alert">{withField(taking.error)}</p>}
    </form>
  );
}

function titleOf({ edge, edge_id }: MirrorEdit): string {
  if (edge) return `${edge.cause} → ${edge.effect}`;
  return edge_id === null ? "–" : words.numbered(edge_id);
}
