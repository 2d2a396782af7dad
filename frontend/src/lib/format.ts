// Numbers, spans and times as people read them. Pure functions of their arguments.

const EM_DASH = "–";
/** Real minus sign: as wide as a digit, so that a change of sign does not move a column. */
const MINUS = "\u2212";
const THIN = "\u202f";

/** Decimals that an instrument of this span can tell: about four digits over its range. */
export function decimalsOf(spanLow: number, spanHigh: number): number {
  const range = Math.abs(spanHigh - spanLow);
  if (!(range > 0)) return 2;
  return Math.min(3, Math.max(0, 4 - Math.ceil(Math.log10(range) + 1e-9)));
}

export function number(value: number | null | undefined, decimals = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return EM_DASH;
  const fixed = Math.abs(value).toFixed(decimals);
  const [whole = "", fraction] = fixed.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const sign = value < 0 && Number(fixed) !== 0 ? MINUS : "";
  return sign + grouped + (fraction === undefined ? "" : `.${fraction}`);
}

export function signed(value: number | null | undefined, decimals = 0): string {
  const text = number(value, decimals);
  return value !== null && value !== undefined && value > 0 && Number(value.toFixed(decimals)) !== 0 ? `+${text}` : text;
}

/** A share of 0 to 1 as percent. */
export function percent(value: number | null | undefined, decimals = 1): string {
  return value === null || value === undefined || !Number.isFinite(value) ? EM_DASH : `${number(value * 100, decimals)}${THIN}%`;
}

/** A probability as percent: never quite none, and never quite sure. */
export function chance(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return EM_DASH;
  if (value < 0.005) return `<${THIN}1${THIN}%`;
  if (value >= 0.995) return `>${THIN}99${THIN}%`;
  return percent(value, 0);
}

export function withUnit(value: number | null | undefined, unit: string, decimals = 0): string {
  return `${number(value, decimals)}${THIN}${unit}`;
}

/** A number of unknown precision, as it stands in a result. */
export function loose(value: number): string {
  if (Number.isInteger(value)) return number(value);
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e9)) return value.toExponential(3).replace("-", MINUS);
  return number(value, magnitude < 1 ? 4 : magnitude < 100 ? 3 : magnitude < 10_000 ? 2 : 1);
}

/** A span in its one or two greatest units: `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`. */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return EM_DASH;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}${THIN}s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 10 && s % 60 !== 0) return `${minutes}${THIN}min ${String(s % 60).padStart(2, "0")}${THIN}s`;
  if (minutes < 60) return `${minutes}${THIN}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}${THIN}h` : `${hours}${THIN}h ${String(minutes % 60).padStart(2, "0")}${THIN}min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days}${THIN}d` : `${days}${THIN}d ${hours % 24}${THIN}h`;
}

/** What seems to lie so little ahead is now: two answers of the server were not given in the same instant. */
const AHEAD_S = 5;

/** How long before `now`: `now`, `12 s ago`, `3 min ago`, `in 5 min`. */
export function relative(at: number | null, now: number | null): string {
  if (at === null || now === null) return EM_DASH;
  const seconds = (now - at) / 1000;
  if (seconds < 1 && seconds > -AHEAD_S) return "now";
  const rough = Math.abs(seconds) >= 60 && Math.abs(seconds) < 600 ? Math.floor(Math.abs(seconds) / 60) * 60 : Math.abs(seconds);
  return seconds < 0 ? `in ${span(rough)}` : `${span(rough)} ago`;
}

export function parseTime(text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

// The zone in which times are shown: the plant's where the server tells it, else that of this device.
let zone: string | undefined;
let formatters = new Map<string, Intl.DateTimeFormat>();

export function setTimeZone(name: string | undefined): void {
  try {
    if (name !== undefined) new Intl.DateTimeFormat("en-GB", { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
  formatters = new Map();
}

export function timeZone(): string | undefined {
  return zone;
}

function formatter(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let found = formatters.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, hourCycle: "h23", ...(zone ? { timeZone: zone } : {}) });
    formatters.set(key, found);
  }
  return found;
}

export function clock(ms: number | null, seconds = true): string {
  if (ms === null) return EM_DASH;
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  return formatter(`clock${seconds}`, seconds ? { ...options, second: "2-digit" } : options).format(ms);
}

export function day(ms: number | null): string {
  return ms === null ? EM_DASH : formatter("day", { day: "2-digit", month: "short" }).format(ms);
}

export function dateTime(ms: number | null, seconds = true): string {
  return ms === null ? EM_DASH : `${day(ms)} ${clock(ms, seconds)}`;
}

export function zoneName(ms: number | null): string {
  const parts = formatter("zone", { timeZoneName: "short", hour: "2-digit" }).formatToParts(ms ?? 0);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** `furnace_temperature` → `Furnace temperature`. */
export function label(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `Line_A` → `Line A`. */
export function lineLabel(line: string): string {
  return line === "all" ? "Plant" : line.replaceAll("_", " ");
}
