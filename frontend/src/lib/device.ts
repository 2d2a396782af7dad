// What belongs to this device alone: theme and time zone of the display.

import { useSyncExternalStore } from "react";
import { setTimeZone } from "./format";

export type Theme = "system" | "dark" | "light";
export type ZoneChoice = "plant" | "device" | "utc";

interface Device {
  theme: Theme;
  zone: ZoneChoice;
  dark: boolean;
}

const THEME_KEY = "lehr.theme";
const ZONE_KEY = "lehr.zone";
const prefersLight = window.matchMedia("(prefers-color-scheme: light)");

let plantZone: string | undefined;
const listeners = new Set<() => void>();
let device: Device = read();

function read(): Device {
  const theme = (localStorage.getItem(THEME_KEY) ?? "system") as Theme;
  const zone = (localStorage.getItem(ZONE_KEY) ?? "plant") as ZoneChoice;
  return { theme, zone, dark: theme === "dark" || (theme !== "light" && !prefersLight.matches) };
}

function apply(): void {
  device = read();
  document.documentElement.dataset.theme = device.dark ? "dark" : "light";
  setTimeZone(device.zone === "utc" ? "UTC" : device.zone === "plant" ? plantZone : undefined);
  for (const listener of listeners) listener();
}

export function startDevice(): void {
  prefersLight.addEventListener("change", apply);
  apply();
}

export function setPlantZone(zone: string | undefined): void {
  if (zone === plantZone) return;
  plantZone = zone;
  apply();
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(THEME_KEY, theme);
  apply();
}

export function toggleTheme(): void {
  setTheme(device.dark ? "light" : "dark");
}

export function setZone(zone: ZoneChoice): void {
  localStorage.setItem(ZONE_KEY, zone);
  apply();
}

export function useDevice(): Device {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => device,
  );
}

/** A colour of the tokens, for what is drawn on canvas. */
export function tokenColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
