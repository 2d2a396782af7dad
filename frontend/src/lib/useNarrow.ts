import { useSyncExternalStore } from "react";

/** Whether the window is at most this wide. */
export function useNarrow(px: number): boolean {
  const query = `(max-width: ${px}px)`;
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => window.matchMedia(query).matches,
  );
}
