import { useEffect, useRef } from "react";
import { useLines } from "../api/queries";
import { SeverityMark } from "../components/SeverityMark";
import { clock, day, lineLabel, zoneName } from "../lib/format";
import { hrefOf, useParam, useRoute } from "../lib/route";
import { useLine } from "../lib/line";
import { SEVERITIES, countOpen, isUnacknowledged } from "../lib/severity";
import { useLive, usePlantNow } from "../live/useLive";
import { TABS, type Tab } from "../tabs";
import { text } from "../text";
import { TimeRangeControl } from "./TimeRangeControl";

export function Header({ tab, onHelp }: { tab: Tab; onHelp: () => void }) {
  useRoute();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab]);
  return (
    <header className="top">
      <div className="bar">
        <strong className="brand">{text.product}</strong>
        <nav ref={nav} aria-label={text.navigation}>
          <ul>
            {TABS.map((entry) => (
              <li key={entry.id}>
                <a href={hrefOf(entry.id)} aria-current={entry.id === tab.id ? "page" : undefined}>
                  {entry.title}
                  {entry.id === "alerts" && <AlertBadge />}
                  {entry.id === "recommendations" && <OpenBadge />}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <PlantClock />
        <button className="quiet help" onClick={onHelp} aria-label={text.shortcuts.open} title={text.shortcuts.open}>
          ?
        </button>
      </div>
      {(tab.line !== "none" || tab.time) && (
        <div className="bar controls">
          {tab.line !== "none" && <LineChoice plant={tab.line === "plant or line"} />}
          {tab.time && <TimeRangeControl />}
        </div>
      )}
    </header>
  );
}

/** The worst severity that is not acknowledged, and how many alerts are open. */
function AlertBadge() {
  const { alerts } = useLive();
  const counts = countOpen(alerts.values());
  if (counts.open === 0) return null;
  const waiting = [...alerts.values()].filter(isUnacknowledged);
  const worst = SEVERITIES.find((severity) => waiting.some((alert) => alert.severity === severity));
  return (
    <span className="badge" aria-label={text.overview.unacknowledged(counts.unacknowledged)}>
      {worst && <SeverityMark severity={worst} size={14} pulse={worst === "CRITICAL"} />}
      {counts.unacknowledged > 0 ? counts.unacknowledged : counts.open}
    </span>
  );
}

/** How many recommendations wait for a decision. */
function OpenBadge() {
  const { recommendations } = useLive();
  const open = [...recommendations.values()].filter(({ state }) => state === "proposed").length;
  if (open === 0) return null;
  return (
    <span className="badge" aria-label={text.recommendations.open(open)}>
      {open}
    </span>
  );
}

function PlantClock() {
  const now = usePlantNow();
  return (
    <div className="plant-clock" title={text.time.plantTime}>
      <span className="faint">{day(now)}</span> <span>{clock(now)}</span> <span className="faint">{now === null ? "" : zoneName(now)}</span>
    </div>
  );
}

function LineChoice({ plant }: { plant: boolean }) {
  const lines = useLines().data?.lines ?? [];
  const line = useLine(plant);
  const [, setLine] = useParam("line");
  return (
    <div className="group" role="group" aria-label={text.lineChoice}>
      {plant && (
        <button aria-pressed={line === null} onClick={() => setLine(null, true)}>
          {text.plant}
        </button>
      )}
      {lines.map((entry) => (
        <button key={entry.line} aria-pressed={line === entry.line} onClick={() => setLine(entry.line, true)}>
          {lineLabel(entry.line)}
        </button>
      ))}
    </div>
  );
}
