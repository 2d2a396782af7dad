import { useLines } from "../api/queries";
import { useParam } from "./route";

/** The line that the view shows: of the address, else the first, or the plant where that is a choice. */
export function useLine(plant: boolean): string | null {
  const [chosen] = useParam("line");
  const lines = useLines().data?.lines ?? [];
  if (chosen !== null && (lines.length === 0 || lines.some(({ line }) => line === chosen))) return chosen;
  return plant ? null : (lines[0]?.line ?? null);
}
