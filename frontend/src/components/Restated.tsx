import { useLive } from "../live/useLive";
import { clock, parseTime } from "../lib/format";
import { text } from "../text";

interface Props {
  /** The key of the row that is shown. */
  of: string;
  format: (value: number | null) => string;
}

/** A small mark beside a value that late data changed: what it was, what it is, when. */
export function Restated({ of, format }: Props) {
  const entry = useLive().restated.get(of);
  if (entry === undefined) return null;
  const before = format(entry.before);
  const after = format(entry.after);
  if (before === after) return null;
  const title = text.restated.title(before, after, clock(parseTime(entry.at)));
  return (
    <abbr className="restated" title={title} tabIndex={0} aria-label={title}>
      {text.restated.mark}
    </abbr>
  );
}
