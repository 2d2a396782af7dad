// The figures that the twin tells of, and how each is written. Pure functions of their arguments.

import type { TwinFigure } from "../api/types";
import { text } from "../text";
import { number, percent, signed } from "./format";

type Show = (value: number | null) => string;

/** A change of a share, in percentage points. */
export const share: Show = (value) => `${signed(value === null ? null : value * 100, 2)} ${text.twin.points}`;

export const FIGURES: readonly { id: TwinFigure; show: Show; change: Show }[] = [
  { id: "defect_rate", show: (value) => percent(value, 2), change: share },
  { id: "quality_score", show: (value) => percent(value, 2), change: share },
  { id: "rate_per_h", show: (value) => number(value), change: (value) => signed(value, 1) },
  { id: "energy_kw", show: (value) => number(value), change: (value) => signed(value) },
];
