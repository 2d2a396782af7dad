import { useEffect, useState } from "react";
import { RECOMMENDATION_REASON_MOST, usePropose } from "../../api/queries";
import type { TwinSetting } from "../../api/types";
import { useMay } from "../../lib/roles";
import { hrefOf } from "../../lib/route";
import { text } from "../../text";

const { propose } = text.twin;

interface ProposeProps {
  line: string;
  duration: string;
  settings: TwinSetting[];
  /** The answer to what is asked now is still under way. */
  waits: boolean;
}

/** What the twin was asked about, put before whoever decides. The result shows up in its place. */
export function Propose({ line, duration, settings, waits }: ProposeProps) {
  const may = useMay("operator");
  const [reason, setReason] = useState("");
  const mutation = usePropose();
  const { reset } = mutation;
  // What came of one change says nothing of another.
  const asked = JSON.stringify([duration, settings]);
  useEffect(() => reset(), [asked, reset]);
  if (!may) return <p className="faint small">{propose.needsOperator}</p>;
  if (settings.length === 0) return <p className="faint small">{propose.nothing}</p>;
  if (mutation.data) {
    return (
      <p className="propose row small" role="status">
        <span>
          {propose.done} {mutation.data.recommendation.large && propose.large}
        </span>
        <a href={hrefOf("recommendations", { line })}>{propose.see}</a>
      </p>
    );
  }
  return (
    <form
      className="propose"
      onSubmit={(event) => {
        event.preventDefault();
        mutation.mutate({ line, duration, settings, reason: reason.trim() }, { onSuccess: () => setReason("") });
      }}
    >
      <div className="row">
        <input
          type="text"
          aria-label={propose.reason}
          placeholder={propose.reason}
          maxLength={RECOMMENDATION_REASON_MOST}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <button disabled={reason.trim() === "" || waits || mutation.isPending}>{propose.button}</button>
      </div>
      <p className="faint small">{propose.hint}</p>
      {mutation.error && (
        <p role="alert" className="small">
          {mutation.error.message}
        </p>
      )}
    </form>
  );
}
