import { useMe } from "../api/queries";
import type { Role } from "../api/types";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, engineer: 2, admin: 3 };

export function atLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && (RANK[role] ?? 0) >= RANK[needed];
}

/** Whether the signed-in person may; the server decides in any case. */
export function useMay(needed: Role): boolean {
  return atLeast(useMe().data?.role, needed);
}
