import { text } from "../../text";

const words = text.inspection;

export function Legend() {
  return (
    <p className="legend small muted">
      <span className="entry">
        <i className="key box-key inspector" /> {words.keys.inspector}
      </span>
      <span className="entry">
        <i className="key box-key mik1" /> {words.keys.mik1}
      </span>
      <span className="faint">{words.keys.hint}</span>
    </p>
  );
}
