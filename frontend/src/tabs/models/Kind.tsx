// The versions of one kind of model, the highest first, and what may be done with them.

import { MODELS_ROLE, type ModelKind, type ModelRow } from "../../api/models";
import { When } from "../../components/When";
import { testFigures } from "../../lib/modelMetrics";
import { useMay } from "../../lib/roles";
import { hrefOf } from "../../lib/route";
import { text } from "../../text";
import { Promote, RollBack } from "./Deploy";
import { Aliases, FigureLine, FileState } from "./parts";
import { ofKind, withAlias } from "./versions";

const words = text.models;

export function Kind({ kind, models }: { kind: ModelKind; models: readonly ModelRow[] }) {
  const may = useMay(MODELS_ROLE);
  const versions = ofKind(models, kind);
  const production = withAlias(versions, "production");
  const previous = withAlias(versions, "previous");
  return (
    <section className="panel kind" aria-label={words.kinds[kind]}>
      <header className="panel-head section-head">
        <div>
          <h2>{words.kinds[kind]}</h2>
          <p className="faint small">{words.about[kind]}</p>
        </div>
        {may && production && previous && <RollBack from={production} to={previous} />}
      </header>
      {versions.length === 0 ? (
        <p className="muted none">{words.noneOfKind}</p>
      ) : (
        <>
          {production === null && <p className="none">{words.noProduction}</p>}
          <ul>
            {versions.map((version) => (
              <Version key={version.version} version={version} production={production} may={may} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Version({ version, production, may }: { version: ModelRow; production: ModelRow | null; may: boolean }) {
  const figures = testFigures(version.model, version.metrics);
  const scores = version.aliases.includes("production");
  return (
    <li className={scores ? "version scores" : "version"} data-row tabIndex={-1}>
      <div className="version-name">
        <p className="row">
          <a href={hrefOf("models", { version: `${version.model}/${version.version}` })}>
            <b>{version.version}</b>
          </a>
          <Aliases aliases={version.aliases} />
        </p>
        <p className="faint small">
          {version.trained && `${words.trained(version.trained)}, `}
          {words.registered(version.by)} <When at={version.registered_at} />
        </p>
        <FileState file={version.file} />
      </div>
      <FigureLine figures={figures} />
      {may && !scores && <Promote version={version} production={production} />}
    </li>
  );
}
