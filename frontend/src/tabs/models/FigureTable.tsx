import { horizonName } from "../../lib/horizons";
import type { TestFigure } from "../../lib/modelMetrics";
import { text } from "../../text";
import { Reached, intervalText, targetText } from "./parts";

const words = text.models;

/** Each figure with its target, its 95 % interval, and whether it reaches it. */
export function FigureTable({ figures }: { figures: readonly TestFigure[] }) {
  const horizons = figures[0]!.values.map(({ horizon }) => horizon);
  const intervals = figures.some(({ values }) => values.some(({ measured }) => measured?.low != null));
  return (
    <div className="figure-table">
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">{words.figure}</th>
            <th scope="col" className="wide">{words.target}</th>
            {horizons.map((horizon) => (
              <th key={horizon ?? "all"} scope="col">
                {horizon === null ? words.reached : text.predictions.within(horizonName(horizon))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {figures.map(({ name, target, values }) => (
            <tr key={name}>
              <th scope="row">
                {words.figures[name]} <span className="faint small narrow">{target ? targetText(name, target) : ""}</span>
              </th>
              <td className="muted nowrap wide">{target ? targetText(name, target) : ""}</td>
              {values.map(({ horizon, measured }) => (
                <td key={horizon ?? "all"}>
                  {measured === null ? "–" : <Reached name={name} value={measured.value} target={target} />}
                  {measured?.low != null && measured.high != null && (
                    <span className="faint small interval">{intervalText(name, measured.low, measured.high)}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {intervals && <p className="faint small">{words.intervalHint}</p>}
    </div>
  );
}
