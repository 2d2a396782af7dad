import { clock, dateTime, parseTime, relative } from "../lib/format";
import { usePlantNow } from "../live/useLive";

/** An instant of event time, absolute and relative. */
export function When({ at, stacked = false }: { at: string | null; stacked?: boolean }) {
  const now = usePlantNow();
  const ms = parseTime(at);
  const today = ms !== null && now !== null && Math.abs(now - ms) < 20 * 3_600_000;
  return (
    <time dateTime={at ?? undefined} className={stacked ? "when stacked" : "when"} title={dateTime(ms)}>
      <span>{today ? clock(ms) : dateTime(ms, false)}</span> <span className="faint">{relative(ms, now)}</span>
    </time>
  );
}
