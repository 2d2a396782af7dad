// Small things that both the list and the page of a version show.

import type { ModelAlias, ModelRow } from "../../api/models";
import { number, percent } from "../../lib/format";
import { meets, targetsMet, type FigureName, type Target, type TestFigure } from "../../lib/modelMetrics";
import { text } from "../../text";

const words = text.models;

export function Aliases({ aliases }: { aliases: readonly ModelAlias[] }) {
  return (
    <>
      {aliases.map((alias) => (
        <span key={alias} className={`alias ${alias}`}>
          {words.aliases[alias] ?? alias}
        </span>
      ))}
    </>
  );
}

/** Only what is wrong with a file stands out. */
export function FileState({ file }: Pick<ModelRow, "file">) {
  if (file === "ready") return null;
  return (
    <p className="small file-wrong severity-MEDIUM">
      <b>{words.file[file] ?? file}.</b> {words.fileHint[file] ?? ""}
    </p>
  );
}

/** Errors of probability are small numbers and areas are no shares of anything: neither is told in percent. */
const PLAIN: ReadonlySet<FigureName> = new Set<FigureName>(["auc", "edge_auc", "brier", "average_precision"]);

export function figureText(name: FigureName, value: number, decimals = 0): string {
  if (PLAIN.has(name)) return number(value, name === "brier" ? 3 : 2);
  return percent(value, name === "ece" ? 1 : decimals);
}

export function targetText(name: FigureName, { limit, less }: Target): string {
  return `${less ? "<" : ">"}\u202f${figureText(name, limit).replace(".0", "")}`;
}

/** A figure and whether it reaches its target, also without colour. */
export function Reached({ name, value, target }: { name: FigureName; value: number; target: Target | null }) {
  if (target === null) return <span>{figureText(name, value)}</span>;
  const reached = meets(target, value);
  return (
    <span className={reached ? "reached" : "missed severity-MEDIUM"} title={reached ? words.meets : words.misses}>
      {figureText(name, value)}
      <span role="img" aria-label={reached ? words.meets : words.misses} className="mark">
        {reached ? "✓" : "▾"}
      </span>
    </span>
  );
}

/** Those of the figures that have a target, each horizon's beside the other. */
export function FigureLine({ figures }: { figures: readonly TestFigure[] }) {
  const aimed = figures.filter(({ target }) => target !== null);
  if (aimed.length === 0) return <p className="figure-line faint small">{words.noFigures}</p>;
  const { met, all } = targetsMet(aimed);
  return (
    <div className="figure-line">
      <dl>
        {aimed.map(({ name, target, values }) => (
          <div key={name} title={values.length > 1 ? words.horizonsOrder : undefined}>
            <dt>
              {words.figures[name]} <span className="faint">{target && targetText(name, target)}</span>
            </dt>
            <dd>
              {values.map(({ horizon, measured }) => (
                <span key={horizon ?? "all"} className="one">
                  {measured === null ? "–" : <Reached name={name} value={measured.value} target={target} />}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p className="faint small">
        {words.targets(met, all)}
        {aimed[0]!.values.length > 1 ? ` (${words.horizonsOrder})` : ""}
      </p>
    </div>
  );
}
