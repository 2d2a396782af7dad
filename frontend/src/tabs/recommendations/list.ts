// What is shown of recommendations and may be done with them. Pure functions of what the server says.

import type { DecisionName } from "../../api/queries";
import type { Me, Recommendation, RecommendationRow, TwinBand, TwinFigure } from "../../api/types";
import { label, number, withUnit } from "../../lib/format";
import { atLeast } from "../../lib/roles";

/** Those that wait, the oldest first, because it has waited longest; and the decided, the last decided first. */
export function divided<Row extends RecommendationRow>(rows: readonly Row[]): { waiting: Row[]; decided: Row[] } {
  const waiting = rows.filter(({ state }) => state === "proposed");
  const decided = rows.filter(({ state }) => state !== "proposed");
  const id = (a: Row, b: Row) => a.recommendation_id.localeCompare(b.recommendation_id);
  return {
    waiting: waiting.sort((a, b) => a.made_at.localeCompare(b.made_at) || id(a, b)),
    decided: decided.sort((a, b) => (b.decided_at ?? "").localeCompare(a.decided_at ?? "") || id(a, b)),
  };
}

export interface Possible {
  decision: DecisionName;
  /** Whose role it takes; `null` where this person may. */
  needs: "operator" | "engineer" | null;
}

/** What can be decided about one that waits. Only who proposed it takes it back; others reject it. */
export function possible({ state, large, by }: Pick<Recommendation, "state" | "large" | "by">, me: Me | undefined): Possible[] {
  if (state !== "proposed") return [];
  const operator: Possible["needs"] = atLeast(me?.role, "operator") ? null : "operator";
  const approves: Possible["needs"] = large && !atLeast(me?.role, "engineer") ? "engineer" : operator;
  return [
    { decision: "approve", needs: approves },
    { decision: "reject", needs: operator },
    ...(me?.name === by ? [{ decision: "withdraw" as const, needs: operator }] : []),
  ];
}

/** An end of the band of a figure, or its middle. */
export function expected(row: RecommendationRow, figure: TwinFigure, band: TwinBand): number | null {
  return row[`${figure}_${band}`];
}

/** As many decimals as tell the two set-points apart from each other, and no more than they have. */
export function stepDecimals({ from, to }: { from: number; to: number }): number {
  const decimals = (value: number) => (String(Number(value.toFixed(3))).split(".")[1] ?? "").length;
  return Math.max(decimals(from), decimals(to));
}

/** A step in words: `Belt speed 150 → 140 m/min`. */
export function stepText(step: Recommendation["changes"][number]): string {
  const decimals = stepDecimals(step);
  return `${label(step.parameter)} ${number(step.from, decimals)} → ${withUnit(step.to, step.unit, decimals)}`;
}
