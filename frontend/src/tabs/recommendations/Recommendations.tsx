import { useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { useRecommendations } from "../../api/queries";
import type { Recommendation, Recommendations as Listed } from "../../api/types";
import { Empty, Loaded } from "../../components/States";
import { useLine } from "../../lib/line";
import { hrefOf } from "../../lib/route";
import { useLive } from "../../live/useLive";
import { text } from "../../text";
import { Proposal } from "./Proposal";
import { divided } from "./list";
import "./recommendations.css";

const words = text.recommendations;

/** Changes of set-points that were proposed: what waits for a decision, and what was decided. */
export default function Recommendations() {
  const line = useLine(true);
  const query = useRecommendations(line);
  useRenewal();
  return (
    <div className="recommendations">
      <p className="panel by-hand small">{words.byHand}</p>
      <Loaded query={query} what={words.title} rows={4} height="8rem">
        {(listed) => <List listed={listed} />}
      </Loaded>
    </div>
  );
}

/** Asks again when the stream says that a recommendation came, was decided or left. */
function useRenewal(): void {
  const client = useQueryClient();
  const tick = useLive().ticks.recommendations;
  useEffect(() => {
    if (tick !== null) void client.invalidateQueries({ queryKey: ["recommendations"] });
  }, [client, tick]);
}

function List({ listed }: { listed: Listed }) {
  const { waiting, decided } = divided(listed.recommendations);
  if (listed.total === 0) {
    return (
      <section className="panel">
        <Empty title={words.empty} hint={words.emptyHint}>
          <a className="button" href={hrefOf("twin")}>
            {words.toTwin}
          </a>
        </Empty>
      </section>
    );
  }
  return (
    <>
      <Part title={words.waiting} rows={waiting} none={words.noneWaiting} count={`${waiting.length}`} />
      {decided.length > 0 && (
        <Part title={words.decided} rows={decided} none="" count={words.shown(decided.length, listed.total - waiting.length)} />
      )}
    </>
  );
}

/** So many are shown before somebody asks for more. */
const SHOWN_FIRST = 20;

function Part({ title, rows, none, count }: { title: string; rows: readonly Recommendation[]; none: string; count: string }) {
  const [all, setAll] = useState(false);
  const shown = all ? rows : rows.slice(0, SHOWN_FIRST);
  return (
    <section aria-label={title} className="proposals">
      <h2>
        {title} <span className="faint small">{count}</span>
      </h2>
      {rows.length === 0 && <p className="muted">{none}</p>}
      {shown.map((row) => (
        <Proposal key={row.recommendation_id} recommendation={row} />
      ))}
      {shown.length < rows.length && <button onClick={() => setAll(true)}>{words.more(rows.length - shown.length)}</button>}
    </section>
  );
}
