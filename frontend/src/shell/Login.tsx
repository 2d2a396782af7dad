import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { keepToken, token } from "../api/client";
import { text } from "../text";

/** Shown when there is no token, or one that the server does not take. */
export function Login() {
  const client = useQueryClient();
  const [value, setValue] = useState("");
  const [had] = useState(() => token() !== null);
  return (
    <main className="alone">
      <form
        className="panel login"
        onSubmit={(event) => {
          event.preventDefault();
          keepToken(value.trim());
          void client.resetQueries();
        }}
      >
        <h1>{text.login.title}</h1>
        {had && <p>{text.login.refused}</p>}
        <p>{text.login.body}</p>
        <label className="field">
          <span>{text.login.token}</span>
          <input type="text" autoComplete="off" spellCheck={false} value={value} onChange={(event) => setValue(event.target.value)} />
        </label>
        <div className="row">
          <button className="primary" disabled={value.trim() === ""}>
            {text.login.enter}
          </button>
        </div>
        <p className="faint small">{text.login.hint}</p>
      </form>
    </main>
  );
}
