import { useMemo, useRef } from "react";
import { endOf, useInspections, type InspectionRow } from "../../api/inspections";
import { useModels } from "../../api/models";
import { useSettings } from "../../api/queries";
import { Failed, Skeleton } from "../../components/States";
import { useLine } from "../../lib/line";
import { setParams, useRoute } from "../../lib/route";
import { useNarrow } from "../../lib/useNarrow";
import { text } from "../../text";
import { Card } from "./Card";
import { Detail } from "./Detail";
import { differs } from "./findings";
import { Legend } from "./Legend";
import { Nothing } from "./Nothing";
import { Quality } from "./Quality";
import { Toolbar, isShow, type Show } from "./Toolbar";
import { Watcher } from "./Watcher";
import "./inspection.css";

const words = text.inspection;

/** Pictures of a page. */
const PAGE = 60;
/** On a phone fewer, so that what stands below them is within reach. */
const NARROW_PAGE = 24;
/** Those on which the two differ are few: so many are looked through. */
const LOOKED_THROUGH = 240;

/** The latest pictures of ware with what was found on them, and how the inspector agrees with MIK-1. */
export default function Inspection() {
  const line = useLine(true);
  const everyS = useSettings().data?.update_s.kpi ?? 10;
  const { params } = useRoute();
  const asked = params.get("show");
  const show: Show = isShow(asked) ? asked : "all";
  const before = params.get("before");
  const unit = params.get("unit");
  const narrow = useNarrow(639);
  const limit = show === "differ" ? LOOKED_THROUGH : narrow ? NARROW_PAGE : PAGE;
  const query = useInspections({ line, flawed: show === "found", before, limit }, everyS);
  const rows = query.data?.inspections;
  const shown = useMemo(() => (show === "differ" ? rows?.filter(differs) : rows) ?? [], [rows, show]);
  const models = useModels().data?.models.filter(({ model }) => model === "inspector");
  const watching = models?.find(({ aliases }) => aliases.includes("production")) ?? null;

  // Whether closing the picture goes back to the newest ones: only where opening it made them stand still.
  const wasLive = useRef(false);
  const open = (row: InspectionRow) => {
    wasLive.current = before === null;
    setParams({ unit: row.unit, before: before ?? justAfter(rows) }, true);
  };
  const close = () => {
    setParams({ unit: null, ...(wasLive.current ? { before: null } : {}) });
    wasLive.current = false;
    // The browser gives the focus back to what had it; after a step to another picture that one's card is nearer.
    document.querySelector<HTMLElement>(`main [data-unit="${CSS.escape(unit ?? "")}"]`)?.focus();
  };
  return (
    <div className="inspection">
      {models && <Watcher models={models} watching={watching} />}
      <div className="inspection-pair">
        <section className="panel" aria-label={words.pictures}>
          <Toolbar
            show={show}
            live={before === null}
            count={rows === undefined ? "" : show === "differ" ? words.differ(shown.length, rows.length) : words.count(shown.length)}
            older={rows !== undefined && rows.length >= limit ? endOf(rows.at(-1)!) : null}
            newest={justAfter(rows)}
          />
          <Legend />
          {rows === undefined ? (
            query.error ? (
              <Failed title={text.states.failed(words.pictures)} error={query.error} retry={() => void query.refetch()} />
            ) : (
              <Skeleton rows={3} height="12rem" />
            )
          ) : shown.length === 0 ? (
            <Nothing show={show} line={line} lookedAt={rows.length} live={before === null} />
          ) : (
            <ul className="shots">
              {shown.map((row) => (
                <Card key={row.unit} row={row} onOpen={() => open(row)} />
              ))}
            </ul>
          )}
        </section>
        <Quality inProduction={watching !== null} line={line} />
      </div>
      {unit !== null && rows !== undefined && <Detail rows={shown} unit={unit} onGo={(next) => setParams({ unit: next })} onClose={close} />}
    </div>
  );
}

/** A time from which back the pictures shown are those of now. */
function justAfter(rows: readonly InspectionRow[] | undefined): string | null {
  const newest = rows?.[0];
  return newest === undefined ? null : new Date(Date.parse(newest.taken_at) + 1).toISOString();
}
