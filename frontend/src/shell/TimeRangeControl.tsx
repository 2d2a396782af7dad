import { useState } from "react";
import { Dialog } from "../components/Dialog";
import { dateTime } from "../lib/format";
import { RANGES, goFixed, goLive, useTimeRange, type RangeName } from "../lib/range";
import { stream } from "../live/stream";
import { text } from "../text";

/** The one control of time: live with a length, or fixed between two instants. Which of the two is always told. */
export function TimeRangeControl() {
  const range = useTimeRange();
  const [choosing, setChoosing] = useState(false);
  return (
    <div className="row time-range" role="group" aria-label={text.time.range}>
      <span className={range.live ? "mode live" : "mode fixed"} title={range.live ? text.time.liveHint : text.time.fixedHint}>
        {range.live ? text.time.live : text.time.fixed}
      </span>
      <div className="group">
        {RANGES.map((name) => (
          <button key={name} aria-pressed={range.live && range.name === name} onClick={() => goLive(name)}>
            {name.replace(/(\d+)(\w)/, "$1\u202f$2")}
          </button>
        ))}
        <button aria-pressed={!range.live} onClick={() => setChoosing(true)}>
          {range.live ? text.time.custom : `${dateTime(range.from, false)} – ${dateTime(range.to, false)}`}
        </button>
      </div>
      {!range.live && <button onClick={() => goLive("4h")}>{text.time.live}</button>}
      {choosing && <ChooseRange onClose={() => setChoosing(false)} />}
    </div>
  );
}

/** What an input of type `datetime-local` holds: local time without a zone. */
function localText(ms: number): string {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function ChooseRange({ onClose }: { onClose: () => void }) {
  const range = useTimeRange();
  const now = stream.plantNow() ?? Date.now();
  const [from, setFrom] = useState(localText(range.live ? now - 4 * 3_600_000 : range.from));
  const [to, setTo] = useState(localText(range.live ? now : range.to));
  const backwards = !(Date.parse(from) < Date.parse(to));
  return (
    <Dialog title={text.time.range} onClose={onClose}>
      <form
        method="dialog"
        onSubmit={() => {
          if (!backwards) goFixed(Date.parse(from), Date.parse(to));
        }}
      >
        <label className="field">
          <span>{text.time.from}</span>
          <input type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />
        </label>
        <label className="field">
          <span>{text.time.to}</span>
          <input type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />
        </label>
        <p className="faint small">{Intl.DateTimeFormat().resolvedOptions().timeZone}</p>
        {backwards && <p role="alert">{text.time.backwards}</p>}
        <div className="row">
          <button className="primary" disabled={backwards}>
            {text.time.apply}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The next length of a live range, for the keyboard. */
export function nextRange(name: RangeName): RangeName {
  return RANGES[(RANGES.indexOf(name) + 1) % RANGES.length]!;
}
