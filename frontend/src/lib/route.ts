// The address holds the view: `#/sensors?line=Line_A&range=4h&sensor=…`. What is not in it is default.

import { useCallback, useSyncExternalStore } from "react";

export interface Route {
  tab: string;
  params: URLSearchParams;
}

export function parseHash(hash: string): Route {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const tab = at < 0 ? text : text.slice(0, at);
  return { tab: tab === "" ? "overview" : tab, params: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)) };
}

export function formatHash(route: Route): string {
  const query = route.params.toString();
  return `#/${route.tab}${query === "" ? "" : `?${query}`}`;
}

/** Parameters that belong to the whole page and stay when the tab changes. */
const SHARED = ["line", "range", "from", "to"];

const changed = "lehr:route";

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  window.addEventListener(changed, listener);
  return () => {
    window.removeEventListener("hashchange", listener);
    window.removeEventListener(changed, listener);
  };
}

export type Patch = Record<string, string | null>;

function patched(params: URLSearchParams, patch: Patch): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  return next;
}

export function hrefOf(tab: string, patch: Patch = {}): string {
  const here = parseHash(window.location.hash);
  const kept = new URLSearchParams();
  for (const name of SHARED) {
    const value = here.params.get(name);
    if (value !== null) kept.set(name, value);
  }
  return formatHash({ tab, params: patched(kept, patch) });
}

export function navigate(tab: string, patch: Patch = {}): void {
  window.location.hash = hrefOf(tab, patch);
}

/** Changes parameters of this view; `push` where "back" should undo it. */
export function setParams(patch: Patch, push = false): void {
  const here = parseHash(window.location.hash);
  const hash = formatHash({ tab: here.tab, params: patched(here.params, patch) });
  if (push) window.location.hash = hash;
  else {
    window.history.replaceState(null, "", window.location.pathname + window.location.search + hash);
    window.dispatchEvent(new Event(changed));
  }
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return parseHash(hash);
}

export function useParam(name: string): [string | null, (value: string | null, push?: boolean) => void] {
  const value = useRoute().params.get(name);
  const set = useCallback((next: string | null, push = false) => setParams({ [name]: next }, push), [name]);
  return [value, set];
}
