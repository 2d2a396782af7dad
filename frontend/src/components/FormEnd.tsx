// How a form ends that changes something: what went wrong, the button that does it, and the one that does not.

import { ApiError } from "../api/client";
import { label } from "../lib/format";
import { text } from "../text";

interface FormEndProps {
  /** On the button that does it. */
  confirm: string;
  disabled: boolean;
  error: string | undefined;
  onCancel: () => void;
}

export function FormEnd({ confirm, disabled, error, onCancel }: FormEndProps) {
  return (
    <>
      {error !== undefined && <p role="alert">{error}</p>}
      <div className="row">
        <button className="primary" disabled={disabled}>
          {confirm}
        </button>
        <button type="button" onClick={onCancel}>
          {text.cancel}
        </button>
      </div>
    </>
  );
}

/** The message, after the name of the field that it is about. */
export function withField(error: Error | null): string | undefined {
  if (error === null) return undefined;
  return error instanceof ApiError && error.field ? `${label(error.field)}: ${error.message}` : error.message;
}
