import { MODELS_ROLE, MODEL_KINDS, useModels, type ModelKind, type ModelRow } from "../../api/models";
import { Empty, Loaded } from "../../components/States";
import { useMay } from "../../lib/roles";
import { useParam } from "../../lib/route";
import { useCommand } from "../../shell/Shortcuts";

import { text } from "../../text";
import { Kind } from "./Kind";
import { Live } from "./Live";
import { Retrain } from "./Retrain";
import { VersionPage } from "./VersionPage";
import "./models.css";

const words = text.models;

/** Which models there are, which of them score, how they hold, and training new ones. */
export default function Models() {
  const query = useModels();
  const [chosen, choose] = useParam("version");
  useCommand("close", () => choose(null));
  const [kind, version] = (chosen ?? "").split("/");
  if (version && isKind(kind)) return <VersionPage key={chosen} kind={kind} version={version} versions={query.data?.models ?? []} />;
  return (
    <div className="models">
      <Loaded query={query} what={words.title} rows={4} height="6rem">
        {({ models }) => <Kinds models={models} />}
      </Loaded>
      <Live />
      <Retrain />
    </div>
  );
}

function isKind(name: string | undefined): name is ModelKind {
  return (MODEL_KINDS as readonly string[]).includes(name ?? "");
}

function Kinds({ models }: { models: readonly ModelRow[] }) {
  const may = useMay(MODELS_ROLE);
  return (
    <>
      {models.length === 0 && (
        <section className="panel">
          <Empty title={words.none} hint={words.noneHint}>
            <code className="command">{words.command}</code>
          </Empty>
        </section>
      )}
      {models.length > 0 && !may && <p className="faint small">{words.needsEngineer}</p>}
      {models.length > 0 && (
        <div className="kinds">
          {MODEL_KINDS.map((kind) => (
            <Kind key={kind} kind={kind} models={models} />
          ))}
        </div>
      )}
    </>
  );
}
