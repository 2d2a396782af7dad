import { useRef, useState, type KeyboardEvent } from "react";
import { ApiError } from "../../api/client";
import { runSql, useSavedQueries, type SqlRequest } from "../../api/queries";
import type { SqlResult } from "../../api/types";
import { Empty, Skeleton } from "../../components/States";
import { number } from "../../lib/format";
import { useParam } from "../../lib/route";
import { text } from "../../text";
import { Browser } from "./Browser";
import { Result } from "./Result";
import "./sql.css";

const FIRST = "select sensor_id, at, value, status\nfrom latest\norder by sensor_id\nlimit 50";

type AsOf = { kind: "now" } | { kind: "tick" | "time"; value: string };

type Outcome = { state: "none" } | { state: "running" } | { state: "done"; result: SqlResult; ms: number } | { state: "failed"; error: Error };

/** Ad hoc questions to one consistent snapshot. */
export default function Sql() {
  const [shared, share] = useParam("q");
  const [query, setQuery] = useState(shared ?? FIRST);
  const [asOf, setAsOf] = useState<AsOf>({ kind: "now" });
  const [outcome, setOutcome] = useState<Outcome>({ state: "none" });
  const running = useRef<AbortController | null>(null);
  const editor = useRef<HTMLTextAreaElement>(null);

  const run = async (sql = query) => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setOutcome({ state: "running" });
    share(sql);
    const started = performance.now();
    try {
      const result = await runSql({ query: sql, ...asOfOf(asOf) }, abort.signal);
      if (running.current === abort) setOutcome({ state: "done", result, ms: performance.now() - started });
    } catch (error) {
      if (running.current === abort && !abort.signal.aborted) setOutcome({ state: "failed", error: error as Error });
    }
  };
  const stop = () => {
    running.current?.abort();
    running.current = null;
    setOutcome({ state: "none" });
  };
  const insert = (name: string) => {
    const element = editor.current;
    if (!element) return;
    element.focus();
    element.setRangeText(name, element.selectionStart, element.selectionEnd, "end");
    setQuery(element.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void run();
    }
  };
  return (
    <div className="sql">
      <Browser onInsert={insert} />
      <div className="sql-main">
        <section className="panel sql-editor" aria-label={text.sql.editor}>
          <textarea
            ref={editor}
            className="mono"
            data-filter
            rows={8}
            spellCheck={false}
            autoCapitalize="off"
            aria-label={text.sql.editor}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={onKeyDown}
          />
          <div className="row spread">
            <div className="row">
              <button className="primary" onClick={() => void run()} disabled={query.trim() === ""} title={text.sql.runHint}>
                {text.sql.run}
              </button>
              <span className="faint small">{text.sql.runHint}</span>
              {outcome.state === "running" && <button onClick={stop}>{text.sql.stop}</button>}
            </div>
            <AsOfChoice value={asOf} onChange={setAsOf} />
          </div>
        </section>
        <Saved
          onChoose={(sql) => {
            setQuery(sql);
            void run(sql);
          }}
        />
        <section className="panel sql-outcome" aria-label={text.sql.table} aria-live="polite" aria-busy={outcome.state === "running"}>
          {outcome.state === "none" && <Empty title={text.sql.first} />}
          {outcome.state === "running" && <Skeleton rows={6} />}
          {outcome.state === "failed" && <SqlFailure error={outcome.error} />}
          {outcome.state === "done" && (
            <Result result={outcome.result} note={text.sql.rows(outcome.result.rows.length, number(outcome.ms), outcome.result.tick)} />
          )}
        </section>
      </div>
    </div>
  );
}

function asOfOf(asOf: AsOf): Pick<SqlRequest, "as_of"> {
  if (asOf.kind === "tick" && /^\d+$/.test(asOf.value.trim())) return { as_of: { tick: Number(asOf.value) } };
  const time = asOf.kind === "time" ? Date.parse(asOf.value) : NaN;
  return Number.isNaN(time) ? {} : { as_of: { time: new Date(time).toISOString() } };
}

function AsOfChoice({ value, onChange }: { value: AsOf; onChange: (value: AsOf) => void }) {
  return (
    <div className="row as-of">
      <label className="row">
        <span className="small muted">{text.sql.asOf}</span>
        <select
          value={value.kind}
          onChange={(event) => {
            const kind = event.target.value as AsOf["kind"];
            onChange(kind === "now" ? { kind } : { kind, value: "" });
          }}
        >
          <option value="now">{text.sql.asOfNow}</option>
          <option value="tick">{text.sql.asOfTick}</option>
          <option value="time">{text.sql.asOfTime}</option>
        </select>
      </label>
      {value.kind === "tick" && (
        <input
          type="text"
          inputMode="numeric"
          aria-label={text.sql.asOfTick}
          value={value.value}
          aria-invalid={!/^\d*$/.test(value.value)}
          title={/^\d*$/.test(value.value) ? undefined : text.sql.badTick}
          onChange={(event) => onChange({ kind: "tick", value: event.target.value })}
        />
      )}
      {value.kind === "time" && (
        <input
          type="datetime-local"
          step={1}
          aria-label={text.sql.asOfTime}
          value={value.value}
          onChange={(event) => onChange({ kind: "time", value: event.target.value })}
        />
      )}
    </div>
  );
}

function Saved({ onChoose }: { onChoose: (sql: string) => void }) {
  const queries = useSavedQueries().data ?? [];
  if (queries.length === 0) return null;
  return (
    <label className="row">
      <span className="small muted">{text.sql.saved}</span>
      <select
        className="saved"
        value=""
        onChange={(event) => {
          const found = queries.find((query) => query.name === event.target.value);
          if (found) onChoose(found.sql);
        }}
      >
        <option value="" disabled>
          …
        </option>
        {queries.map((query) => (
          <option key={query.name} value={query.name} title={query.about}>
            {query.title}
          </option>
        ))}
      </select>
    </label>
  );
}

function SqlFailure({ error }: { error: Error }) {
  return (
    <div className="empty failed" role="alert">
      <p>
        {text.sql.failed}
        {error instanceof ApiError && error.status > 0 ? ` (${error.code.replaceAll("_", " ")})` : ""}
      </p>
      <pre className="mono small sql-error">{error.message}</pre>
    </div>
  );
}
