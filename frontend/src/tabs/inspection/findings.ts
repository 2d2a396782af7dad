// How what the inspector finds on a picture lies beside what MIK-1 found on the unit. Pure functions of what the server says.

import { PICTURE_SIDE, type Finding, type InspectionRow } from "../../api/inspections";
import type { Agreement } from "../../api/models";
import { SEEN } from "../../lib/defects";

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

export function types(findings: readonly Finding[]): string[] {
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

/** Where the words of a box begin: above or below it, inside where the picture ends. Size and width of the words in its pixels. */
export function spot([x, y, , h]: Finding["box"], above: boolean, size: number, width: number): { x: number; y: number } {
  const gap = size * 0.3;
  const outside = above ? y - gap : y + h + size;
  const inside = above ? y + size : y + h - gap;
  const fits = above ? outside >= size * 0.8 : outside <= PICTURE_SIDE - gap;
  return { x: Math.max(0, Math.min(x, PICTURE_SIDE - width)), y: fits ? outside : inside };
}

export const picturesOf = ({ both, inspector_only, mik1_only, neither }: Agreement) => both + inspector_only + mik1_only + neither;

/** Over all types of defects. */
export function summed(all: readonly Agreement[]): Agreement {
  const of = (name: keyof Agreement) => all.reduce((sum, one) => sum + one[name], 0);
  return { both: of("both"), inspector_only: of("inspector_only"), mik1_only: of("mik1_only"), neither: of("neither") };
}

const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : null);

/** MIK-1's findings count as what is there. */
export function figures(of: Agreement) {
  return {
    recall: ratio(of.both, of.both + of.mik1_only),
    precision: ratio(of.both, of.both + of.inspector_only),
    accuracy: ratio(of.both + of.neither, picturesOf(of)),
  };
}
