// The states that every view has besides its content: loading, empty, failed.

import { Component, useEffect, useState, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { text } from "../text";

/** Below this a skeleton would only flicker. */
const SKELETON_AFTER_MS = 300;

export function Skeleton({ rows = 4, height = "2rem" }: { rows?: number; height?: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="skeleton" role="status" aria-label={text.states.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className={shown ? "bone" : "bone hidden"} style={{ height }} />
      ))}
    </div>
  );
}

export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>{title}</p>
      {hint && <p className="faint small">{hint}</p>}
      {children}
    </div>
  );
}

export function Failed({ title, error, retry }: { title: string; error: Error; retry?: () => void }) {
  return (
    <div className="empty failed" role="alert">
      <p>{title}</p>
      <p className="faint small">{error.message}</p>
      {retry && <button onClick={retry}>{text.retry}</button>}
    </div>
  );
}

/** The answer of a query, or what stands in for it. Data that is there stays on screen while a renewal fails. */
export function Loaded<T>(props: {
  query: UseQueryResult<T>;
  what: string;
  rows?: number;
  height?: string;
  children: (data: T) => ReactNode;
}) {
  const { query, what, rows, height, children } = props;
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failed title={text.states.failed(what)} error={query.error} retry={() => void query.refetch()} />;
  return <Skeleton {...(rows === undefined ? {} : { rows })} {...(height === undefined ? {} : { height })} />;
}

/** Keeps the failure of one view from taking the page with it. */
export class Boundary extends Component<{ children: ReactNode; name: string }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override componentDidUpdate(before: { name: string }) {
    if (before.name !== this.props.name && this.state.error) this.setState({ error: null });
  }
  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className="empty failed" role="alert">
        <p>{text.states.crashed}</p>
        <p className="faint small">{error.message}</p>
        <p className="faint small">{text.states.crashedHint}</p>
        <button onClick={() => this.setState({ error: null })}>{text.retry}</button>
      </div>
    );
  }
}
