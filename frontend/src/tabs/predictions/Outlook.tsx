// The three probabilities of a line, in numbers and words. Choosing one makes it that of the whole view.

import type { ForecastRow } from "../../api/predictions";
import { chance, percent } from "../../lib/format";
import { HORIZONS, horizonName, type Horizon } from "../../lib/horizons";
import { text } from "../../text";
import { outlook, said, type Outlook as Word, type Thresholds } from "./forecast";

const words = text.predictions;

/** The nearer an event, the more it presses. */
const SEVERITY: Record<Horizon, string> = { "1h": "HIGH", "4h": "MEDIUM", "24h": "LOW" };

interface OutlookProps {
  row: ForecastRow;
  thresholds: Thresholds;
  certainFrom: number;
  chosen: Horizon;
  onChoose: (horizon: Horizon) => void;
}

export function Outlook({ row, thresholds, certainFrom, chosen, onChoose }: OutlookProps) {
  return (
    <div className="outlook" role="group" aria-label={words.choose}>
      {HORIZONS.map((horizon) => {
        const now = said(row, horizon, thresholds);
        const word = outlook(now, certainFrom);
        const level = word === "expected" ? ` level severity-${SEVERITY[horizon]}` : "";
        return (
          <button
            key={horizon}
            className={`panel outlook-card ${word}${level}`}
            aria-pressed={chosen === horizon}
            data-testid={`outlook-${horizon}`}
            onClick={() => onChoose(horizon)}
          >
            <span className="card-title">{words.within(horizonName(horizon))}</span>
            <span className="outlook-value">{chance(now.probability)}</span>
            <ProbabilityBar value={now.probability} threshold={thresholds[horizon]} />
            <span className="outlook-word">{words.outlook[word]}</span>
            <span className="outlook-note small">{note(word, thresholds[horizon], certainFrom)}</span>
          </button>
        );
      })}
    </div>
  );
}

/** Why it is put so. */
function note(word: Word, threshold: number | null, certainFrom: number): string {
  if (word === "expected") return words.certain(percent(certainFrom, 0));
  if (word === "possible") return words.uncertain(percent(certainFrom, 0));
  if (word === "unknown" || threshold === null) return "";
  return words.expectedFrom(percent(threshold, 0));
}

/** Where the probability lies between never and surely; the notch is from where events are called. */
function ProbabilityBar({ value, threshold }: { value: number | null; threshold: number | null }) {
  return (
    <span className="probability-bar" aria-hidden>
      {value !== null && <i style={{ width: `${Math.min(1, value) * 100}%` }} />}
      {threshold !== null && <b style={{ left: `${threshold * 100}%` }} />}
    </span>
  );
}
