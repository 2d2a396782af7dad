import type { ModelRow } from "../../api/models";
import { hrefOf } from "../../lib/route";
import { text } from "../../text";

const words = text.inspection;

/** Says so where no inspector looks at the pictures, and what to do. One that looks is named by its figures. */
export function Watcher({ models, watching }: { models: readonly ModelRow[]; watching: ModelRow | null }) {
  if (watching?.file === "ready") return null;
  const why =
    watching !== null ? words.noFile(watching.version) : models.length > 0 ? words.noneInProduction : words.noneRegistered;
  return (
    <section className="panel watcher" role="status">
      <p>
        <b>{watching === null ? words.noInspector : words.blind}</b> <span className="muted">{why}</span>
      </p>
      <a className="button" href={hrefOf("models")}>
        {text.predictions.toModels}
      </a>
    </section>
  );
}
