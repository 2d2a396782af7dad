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

/** Areas, squares and overlaps are no shares that people count: they are not told in percent. */
const PLAIN: ReadonlySet<FigureName> = new Set<FigureName>([
  "auc",
  "edge_auc",
  "brier",
  "average_precision",
  "map",
  "map_visible",
  "mask_iou",
  "box_iou",
]);

export function figureText(name: FigureName, value: number): string {
  return PLAIN.has(name) ? number(value, 3) : percent(value, 1);
}

/** An interval, in the unit of its figure, which stands above it. */
export function intervalText(name: FigureName, low: number, high: number): string {
  const end = (value: number) => (PLAIN.has(name) ? number(value, 3) : number(value * 100, 1));
  return words.interval(end(low), end(high));
}

export function targetText(name: FigureName, { limit, less }: Target): string {
  return `${less ? "<" : ">"}\u202f${PLAIN.has(name) ? number(limit, 2) : percent(limit, 0)}`;
}

/** A figure; one that misses its target is marked, also without colour. */
export function Reached({ name, value, target }: { name: FigureName; value: number; target: Target | null }) {
  if (target === null || meets(target, value)) return <span>{figureText(name, value)}</span>;
  return (
    <span className="missed severity-MEDIUM" title={words.misses}>
      {figureText(name, value)}
      <span role="img" aria-label={words.misses} className="mark">
        ▾
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
        {aimed[0]!.values.length > 1 ? `, ${words.horizonsOrder}` : ""}
      </p>
    </div>
  );
}
