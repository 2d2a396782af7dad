// How what the inspector finds on a picture lies beside what MIK-1 found on the unit. Pure functions of what the server says.

import { PICTURE_SIDE, type Finding, type InspectionRow, type QualityRow } from "../../api/inspections";

/** What a camera sees, in the order in which it is listed. */
export const SEEN = ["crack", "bubble", "chip", "cloudiness", "deformation", "stain"] as const;

/** Stress fractures are found by the stress model: no picture shows them. */
export const onPicture = (findings: readonly Finding[]) => findings.filter(({ type }) => type !== "stress_fracture");

export interface Comparison {
  both: string[];
  inspectorOnly: string[];
  mik1Only: string[];
}

/** Types of defects by who found them; `null` where one of the two has not looked. */
export function compared({ findings, inspected }: InspectionRow): Comparison | null {
  if (findings === null || inspected === null) return null;
  const inspector = types(findings);
  const mik1 = types(onPicture(inspected.defects));
  return {
    both: inspector.filter((type) => mik1.includes(type)),
    inspectorOnly: inspector.filter((type) => !mik1.includes(type)),
    mik1Only: mik1.filter((type) => !inspector.includes(type)),
  };
}

function types(findings: readonly Finding[]): string[] {
  const place = (type: string) => (SEEN as readonly string[]).indexOf(type);
  return [...new Set(findings.map(({ type }) => type))].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Whether one of the two found a type of defect that the other did not. */
export function differs(row: InspectionRow): boolean {
  const found = compared(row);
  return found !== null && found.inspectorOnly.length + found.mik1Only.length > 0;
}

/** Area of two boxes that both have, over the area that either has. */
export function overlap([ax, ay, aw, ah]: Finding["box"], [bx, by, bw, bh]: Finding["box"]): number {
  const width = Math.max(0, Math.min(ax + aw, bx + bw) - Math.max(ax, bx));
  const height = Math.max(0, Math.min(ay + ah, by + bh) - Math.max(ay, by));
  const either = aw * ah + bw * bh - width * height;
  return either > 0 ? (width * height) / either : 0;
}

/** A defect as the inspector and as MIK-1 found it. */
export interface Pair {
  type: string;
  inspector: Finding | null;
  mik1: Finding | null;
}

/** Findings of one type that overlap most belong together. The surest come first. */
export function paired(inspector: readonly Finding[], mik1: readonly Finding[]): Pair[] {
  const left = [...mik1];
  const pairs: Pair[] = bySurety(inspector).map((finding) => {
    const same = left.filter(({ type }) => type === finding.type);
    const [best] = same.sort((a, b) => overlap(b.box, finding.box) - overlap(a.box, finding.box));
    const match = best !== undefined && overlap(best.box, finding.box) > 0 ? best : null;
    if (match !== null) left.splice(left.indexOf(match), 1);
    return { type: finding.type, inspector: finding, mik1: match };
  });
  return [...pairs, ...bySurety(left).map((finding) => ({ type: finding.type, inspector: null, mik1: finding }))];
}

export const bySurety = (findings: readonly Finding[]) => [...findings].sort((a, b) => b.score - a.score || a.type.localeCompare(b.type));

export interface Spot {
  x: number;
  y: number;
  anchor: "start" | "end";
}

/** Where the words of a box stand: above or below it, inside where the picture ends. `width` of the words, in pixels. */
export function spot([x, y, w, h]: Finding["box"], above: boolean, size: number, width: number): Spot {
  const gap = size * 0.3;
  const outside = above ? y - gap : y + h + size;
  const inside = above ? y + size : y + h - gap;
  const fits = above ? outside >= size * 0.8 : outside <= PICTURE_SIDE - gap;
  const starts = x + width <= PICTURE_SIDE;
  return { x: starts ? x : Math.min(PICTURE_SIDE, x + w), y: fits ? outside : inside, anchor: starts ? "start" : "end" };
}

/** Pictures by who sees a type of defect on them. */
export interface Agreement {
  both: number;
  inspectorOnly: number;
  mik1Only: number;
  neither: number;
}

const NONE: Agreement = { both: 0, inspectorOnly: 0, mik1Only: 0, neither: 0 };
const DAY_MS = 86_400_000;

/** The rows of a version, of one line or of all, of this many whole days up to the last of which there is one. */
export function lately(rows: readonly QualityRow[], version: string, line: string | null, days: number): QualityRow[] {
  const own = rows.filter((row) => row.version === version && (line === null || row.production_line === line));
  const last = Math.max(...own.map(({ day }) => Date.parse(day)));
  return own.filter(({ day }) => Date.parse(day) > last - days * DAY_MS);
}

/** Sums over lines and days, of one type of defect or of all. */
export function agreement(rows: readonly QualityRow[], type: string | null): Agreement {
  return rows.reduce(
    (sum, row) =>
      type !== null && row.defect_type !== type
        ? sum
        : {
            both: sum.both + row.both,
            inspectorOnly: sum.inspectorOnly + row.inspector_only,
            mik1Only: sum.mik1Only + row.mik1_only,
            neither: sum.neither + row.neither,
          },
    NONE,
  );
}

const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : null);

export const picturesOf = ({ both, inspectorOnly, mik1Only, neither }: Agreement) => both + inspectorOnly + mik1Only + neither;

/** MIK-1's findings count as what is there. */
export function figures(of: Agreement) {
  return {
    recall: ratio(of.both, of.both + of.mik1Only),
    precision: ratio(of.both, of.both + of.inspectorOnly),
    accuracy: ratio(of.both + of.neither, picturesOf(of)),
  };
}
