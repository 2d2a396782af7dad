// One version: what it is, what its test showed, how far its probabilities can be believed, and its card.

import { MODELS_ROLE, useModel, type ModelDetail, type ModelKind, type ModelRow } from "../../api/models";
import { Markdown } from "../../components/Markdown";
import { Empty, Failed, Skeleton } from "../../components/States";
import { When } from "../../components/When";
import { byDefect, reliability, testFigures } from "../../lib/modelMetrics";
import { useMay } from "../../lib/roles";
import { hrefOf } from "../../lib/route";
import { ApiError } from "../../api/client";
import { text } from "../../text";
import { ByDefect } from "./ByDefect";
import { Calibration } from "./Calibration";
import { Promote } from "./Deploy";
import { FigureTable } from "./FigureTable";
import { Aliases, FileState } from "./parts";
import { ofKind, size, withAlias } from "./versions";

const words = text.models;

interface VersionPageProps {
  kind: ModelKind;
  version: string;
  /** All that are listed: which of them scores now. */
  versions: readonly ModelRow[];
}

export function VersionPage({ kind, version, versions }: VersionPageProps) {
  const query = useModel(kind, version);
  const gone = query.error instanceof ApiError && query.error.status === 404;
  return (
    <div className="models">
      <nav aria-label={words.title}>
        <a href={hrefOf("models")}>← {words.back}</a>
      </nav>
      {query.data ? (
        <Body detail={query.data} production={withAlias(ofKind(versions, kind), "production")} />
      ) : gone ? (
        <section className="panel">
          <Empty title={words.notThere} />
        </section>
      ) : query.error ? (
        <Failed title={text.states.failed(`${words.kinds[kind]} ${version}`)} error={query.error} retry={() => void query.refetch()} />
      ) : (
        <Skeleton rows={6} height="4rem" />
      )}
    </div>
  );
}

function Body({ detail, production }: { detail: ModelDetail; production: ModelRow | null }) {
  const may = useMay(MODELS_ROLE);
  const { model } = detail;
  // The page's own metrics, or the text that the row carries.
  const metrics = detail.metrics ?? model.metrics;
  const figures = testFigures(model.model, metrics);
  const curves = reliability(metrics);
  const kinds = byDefect(model.model, metrics);
  return (
    <>
      <section className="panel" aria-label={words.kinds[model.model]}>
        <header className="panel-head section-head">
          <div>
            <h2 className="row">
              {words.kinds[model.model]} {model.version} <Aliases aliases={model.aliases} />
            </h2>
            <p className="faint small">{words.about[model.model]}</p>
          </div>
          {may && !model.aliases.includes("production") && <Promote version={model} production={production} />}
        </header>
        {!may && <p className="faint small none">{words.needsEngineer}</p>}
        <Facts model={model} />
      </section>
      <section className="panel" aria-label={words.testFigures}>
        <header className="section-head">
          <h2>{words.testFigures}</h2>
          <p className="faint small">{words.testHint}</p>
        </header>
        {figures.length === 0 ? <p className="muted none">{words.noFigures}</p> : <FigureTable figures={figures} />}
      </section>
      {kinds.length > 0 && <ByDefect kinds={kinds} />}
      {curves.length > 0 && <Calibration curves={curves} />}
      <section className="panel" aria-label={words.card}>
        <header className="section-head">
          <h2>{words.card}</h2>
        </header>
        {detail.card ? <Markdown source={detail.card} /> : <p className="muted none">{words.noCard}</p>}
      </section>
    </>
  );
}

function Facts({ model }: { model: ModelRow }) {
  const facts: [string, string][] = [
    [words.facts.trained, model.trained ?? "–"],
    [words.facts.by, model.by],
    [words.facts.size, size(model.bytes)],
    [words.facts.file, words.file[model.file] ?? model.file],
    [words.facts.data, model.data ?? "–"],
    [words.facts.schema, model.schema ?? "–"],
    [words.facts.digest, model.digest],
    ...(model.note ? [[words.facts.note, model.note] satisfies [string, string]] : []),
  ];
  return (
    <>
      <dl className="facts small">
        <div>
          <dt>{words.facts.registered}</dt>
          <dd>
            <When at={model.registered_at} />
          </dd>
        </div>
        {facts.map(([name, value]) => (
          <div key={name} className={value.length > 24 ? "long" : ""}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <FileState file={model.file} />
    </>
  );
}
