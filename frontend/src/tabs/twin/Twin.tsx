import { useShadowState } from "../../api/queries";
import type { TwinLine } from "../../api/types";
import { Empty, Loaded } from "../../components/States";
import { dateTime, label, number, parseTime, percent } from "../../lib/format";
import { useLine } from "../../lib/line";
import { text } from "../../text";
import { Accuracy } from "./Accuracy";
import { Findings } from "./Findings";
import { Margins, Stages } from "./Stages";
import { WhatIf } from "./WhatIf";
import "./twin.css";

/** A line as its twin believes it to be, how far that is to be trusted, and what would be otherwise. */
export default function Twin() {
  const line = useLine(false);
  const query = useShadowState(line);
  return (
    <Loaded query={query} what={text.twin.title} rows={8}>
      {({ lines: [state] }) => (state ? <Body key={state.line} state={state} /> : <Empty title={text.twin.empty} hint={text.twin.emptyHint} />)}
    </Loaded>
  );
}

function Body({ state }: { state: TwinLine }) {
  return (
    <div className="twin">
      <Standing state={state} />
      <Stages state={state} />
      <Findings findings={state.findings} />
      <WhatIf line={state.line} controls={state.controls} />
      <div className="twin-pair">
        <Accuracy state={state} />
        <Margins margins={state.quality.margins} values={state.values} />
      </div>
    </div>
  );
}

/** When, how well learned, and whether something departs. Only what departs has a colour. */
function Standing({ state }: { state: TwinLine }) {
  const { deviation } = state;
  return (
    <section className={deviation ? "panel standing severity-MEDIUM departs" : "panel standing"} aria-label={text.twin.title}>
      <div>
        {deviation ? (
          <p>
            <strong>
              {text.twin.deviation[deviation.kind] ?? label(deviation.kind)}: {label(deviation.equipment_id)}
            </strong>{" "}
            <span className="muted">
              {label(deviation.parameter)}, {text.twin.confidence(percent(deviation.confidence, 0))}
            </span>
          </p>
        ) : (
          <p>{text.twin.well}</p>
        )}
        {deviation && (
          <p className="small muted">
            {text.twin.evidence}:{" "}
            {deviation.evidence.map(({ parameter, sigmas }) => `${label(parameter)} ${text.twin.sigmas(number(sigmas, 1))}`).join(", ")}
          </p>
        )}
      </div>
      <p className="small faint">
        {text.twin.asOf} {dateTime(parseTime(state.at), false)}, {text.twin.learned(percent(state.learned, 0))}
      </p>
    </section>
  );
}
