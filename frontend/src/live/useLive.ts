import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { stream, type Connection } from "./stream";
import type { LiveState } from "./reducer";

export function useLive(): LiveState {
  return useSyncExternalStore(stream.subscribe, stream.snapshot);
}

export function useConnection(): Connection {
  return useSyncExternalStore(stream.subscribe, stream.connectionSnapshot);
}

function useEverySecond<T>(read: () => T | null): T | null {
  const [value, setValue] = useState(read);
  useEffect(() => {
    const timer = setInterval(() => setValue(read()), 1000);
    const stop = stream.subscribe(() => setValue((old) => old ?? read()));
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [read]);
  return value;
}

const plantNow = () => stream.plantNow();
const sensorNow = () => stream.sensorNow();

/** Plant time, renewed every second: what relative times are told against. */
export const usePlantNow = () => useEverySecond(plantNow);

/** What the age of a sensor's value is told against. */
export const useSensorNow = () => useEverySecond(sensorNow);

/** A value that changes no more often than this, so that what hangs on it is not asked for all the time. */
export function useThrottled<T>(value: T, everyMs: number): T {
  const [shown, setShown] = useState(value);
  const changedAt = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, changedAt.current + everyMs - Date.now());
    const timer = setTimeout(() => {
      changedAt.current = Date.now();
      setShown(value);
    }, wait);
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return shown;
}
