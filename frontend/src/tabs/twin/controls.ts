// What a slider offers of a set-point. Pure functions of what the server says of it.

import type { TwinControl, TwinSetting } from "../../api/types";

/** Share of the range of control that a slider goes to each side, and that a search does. */
const SLIDES = 0.2;
const SEARCHES = 0.1;

/** Decimals that a set-point of this range is given in: some thousand steps. */
export function decimalsFor({ low, high }: TwinControl): number {
  const range = high - low;
  return range > 200 ? 0 : range > 20 ? 1 : 2;
}

function around({ setpoint, low, high }: TwinControl, middle: number, share: number): { low: number; high: number } {
  const reach = share * (high - low);
  const within = (value: number) => Math.min(high, Math.max(low, value));
  return { low: within(Math.min(setpoint, middle) - reach), high: within(Math.max(setpoint, middle) + reach) };
}

/** From where to where a slider goes: around the set-point, within the limits of control. */
export function rangeAround(control: TwinControl): { low: number; high: number } {
  return around(control, control.setpoint, SLIDES);
}

/** The ranges in which the best is looked for: around those that were moved, and where they are now. */
export function searched(controls: readonly TwinControl[], moved: Readonly<Record<string, number>>) {
  return controls.flatMap((control) => {
    const value = moved[control.parameter];
    return value === undefined ? [] : [{ parameter: control.parameter, ...around(control, value, SEARCHES) }];
  });
}

/** The settings of a kept scenario, from the text of the table: `belt_speed=140, mold_temperature=430`. */
export function settingsOf(text: string): TwinSetting[] {
  return text.split(", ").flatMap((setting) => {
    const [parameter = "", value = ""] = setting.split("=");
    return parameter === "" || value === "" || Number.isNaN(Number(value)) ? [] : [{ parameter, value: Number(value) }];
  });
}

/** What of the settings is a change that can be proposed: as exact as the set-point is given, and other than it is now. */
export function proposable(settings: readonly TwinSetting[], controls: readonly TwinControl[]): TwinSetting[] {
  return settings.flatMap(({ parameter, value }) => {
    const control = controls.find((entry) => entry.parameter === parameter);
    if (control === undefined) return [];
    const exact = Number(value.toFixed(decimalsFor(control)));
    return Math.abs(exact - control.setpoint) < 1e-6 ? [] : [{ parameter, value: exact }];
  });
}
