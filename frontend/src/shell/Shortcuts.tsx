import { useEffect } from "react";
import { Dialog } from "../components/Dialog";
import { queryClient } from "../api/queries";
import type { Lines } from "../api/types";
import { toggleTheme } from "../lib/device";
import { goLive, isRangeName } from "../lib/range";
import { navigate, parseHash, setParams } from "../lib/route";
import { TABS } from "../tabs";
import { text } from "../text";
import { nextRange } from "./TimeRangeControl";

export function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={text.shortcuts.title} onClose={onClose}>
      <dl className="shortcuts">
        {text.shortcuts.list.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

/** What the views listen to: the key was pressed and no field has the focus. */
export type Command = "acknowledge" | "close";

export function useCommand(command: Command, act: () => void): void {
  useEffect(() => {
    const listen = () => act();
    window.addEventListener(`lehr:${command}`, listen);
    return () => window.removeEventListener(`lehr:${command}`, listen);
  });
}

export function useShortcuts(toggleHelp: () => void): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (event.target instanceof Element && event.target.closest("input, textarea, select")) {
        if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
        return;
      }
      const act = KEYS[event.key];
      const tab = TABS[Number(event.key) - 1];
      if (event.key === "?") toggleHelp();
      else if (tab) navigate(tab.id);
      else if (act) act();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [toggleHelp]);
}

const KEYS: Record<string, () => void> = {
  t: toggleTheme,
  l: () => goLive("4h"),
  r: () => {
    const name = parseHash(window.location.hash).params.get("range");
    goLive(nextRange(isRangeName(name) ? name : "4h"));
  },
  "/": () => document.querySelector<HTMLElement>("main [data-filter]")?.focus(),
  "[": () => stepLine(-1),
  "]": () => stepLine(1),
  j: () => focusRow(1),
  k: () => focusRow(-1),
  a: () => window.dispatchEvent(new Event("lehr:acknowledge")),
  Escape: () => window.dispatchEvent(new Event("lehr:close")),
};

function stepLine(by: number): void {
  const { tab, params } = parseHash(window.location.hash);
  const kind = TABS.find((entry) => entry.id === tab)?.line ?? "none";
  if (kind === "none") return;
  const lines = (queryClient.getQueryData<Lines>(["lines"])?.lines ?? []).map(({ line }) => line);
  const choices: (string | null)[] = kind === "plant or line" ? [null, ...lines] : lines;
  const at = Math.max(0, choices.indexOf(params.get("line")));
  const next = choices[(at + by + choices.length) % choices.length];
  setParams({ line: next ?? null }, true);
}

/** Moves between the rows of the view: of a table the browser's focus, which the table then follows. */
function focusRow(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row], main .table-row")];
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row === document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}
