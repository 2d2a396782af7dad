import { useEffect, useRef } from "react";
import { useSettings } from "../api/queries";
import { useLive } from "../live/useLive";

/** Two short tones when a critical alert comes in, where the settings ask for sound. */
export function AlertSound() {
  const on = useSettings().data?.alerts.sound ?? false;
  const { alerts, ticks } = useLive();
  const known = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (ticks.alerts === null) return;
    const waiting = new Set<string>();
    for (const alert of alerts.values()) {
      if (alert.severity === "CRITICAL" && alert.state === "active_unacknowledged") waiting.add(alert.alert_id);
    }
    const before = known.current;
    known.current = waiting;
    // Before the first snapshot nothing is known, and what the snapshot holds is not new.
    const isNew = before !== null && [...waiting].some((id) => !before.has(id));
    if (on && isNew) sound();
  }, [alerts, ticks, on]);
  return null;
}

function sound(): void {
  const context = new AudioContext();
  const gain = context.createGain();
  gain.gain.value = 0.15;
  gain.connect(context.destination);
  [880, 660].forEach((frequency, index) => {
    const tone = context.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(gain);
    tone.start(context.currentTime + index * 0.22);
    tone.stop(context.currentTime + index * 0.22 + 0.18);
    if (index === 1) tone.onended = () => void context.close();
  });
}
