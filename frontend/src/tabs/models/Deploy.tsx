// Which version scores is decided here. Each decision shows before and after, and asks why.

import { useState } from "react";
import { MODEL_REASON_MOST, usePromote, useRollBack, type ModelRow } from "../../api/models";
import { Dialog } from "../../components/Dialog";
import { FormEnd, withField } from "../../components/FormEnd";
import { testFigures } from "../../lib/modelMetrics";
import { text } from "../../text";
import { FigureLine, FileState } from "./parts";

const words = text.models;

export function Promote({ version, production }: { version: ModelRow; production: ModelRow | null }) {
  const [asking, setAsking] = useState(false);
  const mutation = usePromote();
  const ready = version.file === "ready";
  const kind = words.kinds[version.model];
  const explain = words.promoteExplain(version.model === "inspector");
  return (
    <div className="version-action">
      <button disabled={!ready} title={ready ? explain : words.noFile} onClick={() => setAsking(true)}>
        {words.promote}
      </button>
      {asking && (
        <Decide
          title={words.promoteTitle(kind, version.version)}
          explain={explain}
          confirm={words.promote}
          before={production}
          after={version}
          pending={mutation.isPending}
          error={mutation.error}
          onClose={() => setAsking(false)}
          onDecide={(reason) => mutation.mutate({ model: version.model, version: version.version, reason }, { onSuccess: () => setAsking(false) })}
        />
      )}
    </div>
  );
}

export function RollBack({ from, to }: { from: ModelRow; to: ModelRow }) {
  const [asking, setAsking] = useState(false);
  const mutation = useRollBack();
  const explain = words.rollBackExplain(to.model === "inspector");
  return (
    <>
      <button title={explain} onClick={() => setAsking(true)}>
        {words.rollBack}
      </button>
      {asking && (
        <Decide
          title={words.rollBackTitle(words.kinds[to.model], to.version)}
          explain={explain}
          confirm={words.rollBack}
          before={from}
          after={to}
          pending={mutation.isPending}
          error={mutation.error}
          onClose={() => setAsking(false)}
          onDecide={(reason) => mutation.mutate({ model: to.model, reason }, { onSuccess: () => setAsking(false) })}
        />
      )}
    </>
  );
}

interface DecideProps {
  title: string;
  explain: string;
  confirm: string;
  before: ModelRow | null;
  after: ModelRow;
  pending: boolean;
  error: Error | null;
  onClose: () => void;
  onDecide: (reason: string) => void;
}

function Decide(props: DecideProps) {
  const { title, explain, confirm, before, after, pending, error, onClose, onDecide } = props;
  const [reason, setReason] = useState("");
  const missing = reason.trim() === "";
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!missing) onDecide(reason.trim());
        }}
      >
        <p className="muted">{explain}</p>
        <Side title={words.before} version={before} />
        <Side title={words.after} version={after} />
        <label className="field">
          <span>{text.reason}</span>
          <textarea rows={3} maxLength={MODEL_REASON_MOST} autoFocus value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        {missing && <p className="faint small">{text.reasonNeeded}</p>}
        <FormEnd confirm={confirm} disabled={missing || pending} error={withField(error)} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function Side({ title, version }: { title: string; version: ModelRow | null }) {
  return (
    <div className="side">
      <p>
        <span className="muted">{title}:</span> <b>{version?.version ?? words.nobody}</b>
      </p>
      {version && <FileState file={version.file} />}
      {version && <FigureLine figures={testFigures(version.model, version.metrics)} />}
    </div>
  );
}
