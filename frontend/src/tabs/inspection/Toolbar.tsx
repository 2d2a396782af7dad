// Which pictures are shown, and whether they follow the plant or stand still.

import { setParams } from "../../lib/route";
import { text } from "../../text";

const words = text.inspection;

export const SHOWS = ["all", "found", "differ"] as const;
export type Show = (typeof SHOWS)[number];

export function isShow(name: string | null): name is Show {
  return (SHOWS as readonly string[]).includes(name ?? "");
}

interface ToolbarProps {
  show: Show;
  live: boolean;
  /** How many pictures are shown, in words. */
  count: string;
  /** Where this page ends, if there are older pictures. */
  older: string | null;
  /** Just after the first picture of this page. */
  newest: string | null;
}

export function Toolbar({ show, live, count, older, newest }: ToolbarProps) {
  return (
    <div className="row spread section-head inspection-bar">
      <div className="group" role="group" aria-label={words.show}>
        {SHOWS.map((entry) => (
          <button key={entry} aria-pressed={show === entry} title={words.showHints[entry]} onClick={() => setParams({ show: entry === "all" ? null : entry }, true)}>
            {words.shows[entry]}
          </button>
        ))}
      </div>
      <div className="row">
        <span className="faint small" role="status">
          {count}
        </span>
        <span className={live ? "mode" : "mode fixed"}>{live ? words.live : words.still}</span>
        <button
          title={live ? words.pauseHint : words.goLiveHint}
          disabled={live && newest === null}
          onClick={() => setParams({ before: live ? newest : null })}
        >
          {live ? words.pause : words.goLive}
        </button>
        <button
          disabled={older === null}
          title={words.olderPage}
          onClick={() => {
            setParams({ before: older }, true);
            window.scrollTo({ top: 0 });
          }}
        >
          {words.older} ›
        </button>
      </div>
    </div>
  );
}
