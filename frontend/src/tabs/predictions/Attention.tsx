// Which of the two hours before the model looked at most.

import { clock, percent } from "../../lib/format";
import { text } from "../../text";
import { busiest } from "./forecast";

const words = text.predictions;

const WIDTH = 480;
const HEIGHT = 56;
const MINUTE_MS = 60_000;
/** Minutes of the stretch that is named in words. */
const STRETCH = 15;

/** `end`: when the last of the minutes ended. */
export function Attention({ shares, end }: { shares: readonly number[]; end: number | null }) {
  const stretch = busiest(shares, STRETCH);
  if (stretch === null || end === null) return null;
  const at = (minute: number) => end - (shares.length - minute) * MINUTE_MS;
  const most = Math.max(...shares);
  const x = (minute: number) => (minute / shares.length) * WIDTH;
  const y = (share: number) => HEIGHT - (share / most) * (HEIGHT - 2);
  const steps = shares.map((share, minute) => `L ${x(minute)} ${y(share)} L ${x(minute + 1)} ${y(share)}`).join(" ");
  const sentence = words.attentionMost(clock(at(stretch.from), false), clock(at(stretch.to), false), percent(stretch.share, 0));
  return (
    <figure className="attention">
      <figcaption>
        <h3>{words.attention}</h3>
        <p className="small muted">{sentence}</p>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${words.attentionLabel}: ${sentence}`}>
        <rect x={x(stretch.from)} width={x(stretch.to) - x(stretch.from)} y="0" height={HEIGHT} className="stretch" />
        <path d={`M 0 ${HEIGHT} ${steps} L ${WIDTH} ${HEIGHT} Z`} />
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      </svg>
      <p className="attention-axis small faint" aria-hidden>
        {[0, 0.5, 1].map((part) => (
          <span key={part}>{clock(at(part * shares.length), false)}</span>
        ))}
      </p>
    </figure>
  );
}
