// Pictures of ware: what a trained inspector finds on them, and what MIK-1 found.

import { useQuery } from "@tanstack/react-query";
import { api, orWithout } from "./client";

export interface Finding {
  type: string;
  /** How sure it is, 0 to 1. */
  score: number;
  /** Left, top, width and height, in pixels of the picture. */
  box: readonly [number, number, number, number];
}

export type Verdict = "good" | "rework" | "scrap";

export interface InspectionRow {
  unit: string;
  production_line: string;
  taken_at: string;
  /** SHA-256 of the picture's file. */
  content: string;
  /** Path of the picture. */
  picture: string;
  /** Of the inspector. */
  version: string | null;
  /** `null` where no model has looked at it. */
  findings: readonly Finding[] | null;
  /** What MIK-1 says of the unit; `null` where it has said nothing. */
  inspected: { verdict: Verdict; defects: readonly Finding[] } | null;
}

interface Inspections {
  /** The newest first. */
  inspections: readonly InspectionRow[];
}

/** Side of a picture, pixels. */
export const PICTURE_SIDE = 224;

export interface InspectionFilter {
  line: string | null;
  /** Only those on which the inspector found something. */
  flawed: boolean;
  /** Only those taken before a time, or before one of them ({@link endOf}); `null` for the newest. */
  before: string | null;
  limit: number;
}

/** What says where a page ended: several pictures may be of the same moment. */
export const endOf = (row: InspectionRow): string => `${row.taken_at},${row.unit}`;

/** The newest are asked for again and again; those before a time stay as they are. */
export const useInspections = ({ line, flawed, before, limit }: InspectionFilter, everyS: number) =>
  useQuery({
    queryKey: ["inspections", line, flawed, limit, before],
    queryFn: ({ signal }) => {
      const [time = null, beforeUnit = null] = before?.split(",") ?? [];
      const wanted = { production_line: line, flawed: flawed ? true : null, before: time, before_unit: beforeUnit, limit };
      return orWithout(api.get<Inspections>("api/inspections", wanted, signal), { inspections: [] });
    },
    refetchInterval: before === null ? everyS * 1000 : false,
    gcTime: 60_000,
    // Pictures of another line must not be taken for this one's; those of another time may stay until theirs come.
    placeholderData: (old, query) => (query?.queryKey[1] === line && query.queryKey[2] === flawed ? old : undefined),
  });

/** Pictures never change, and the browser keeps them: only those that are shown are held here. */
const HELD_MS = 10_000;

export const usePicture = (path: string) =>
  useQuery({
    queryKey: ["picture", path],
    queryFn: ({ signal }) => api.file(path, "image/png", signal),
    staleTime: Infinity,
    gcTime: HELD_MS,
    placeholderData: undefined,
  });
