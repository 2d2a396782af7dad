// How fast plant time runs against the wall clock (a simulated plant may run many times faster), measured from
// the messages, so that clocks and ages move between them. Pure but for what it remembers.

/** The pace is measured over stretches of about this length; shorter ones are mostly jitter. */
const STRETCH_MS = 10_000;
const LEAST_MS = 1_500;
/** After so long without a message the clock stands still: nothing is known any more. */
const CARRY_MS = 60_000;

export class Pace {
  private anchor: { wall: number; plant: number } | null = null;
  private last: { wall: number; plant: number } | null = null;
  private rate = 1;

  /** A message of plant time `plant` was applied at wall time `wall`. */
  note(wall: number, plant: number): void {
    if (this.last !== null && plant < this.last.plant) this.anchor = null;
    this.last = { wall, plant };
    if (this.anchor === null) {
      this.anchor = this.last;
      return;
    }
    const passed = wall - this.anchor.wall;
    if (passed >= LEAST_MS) this.rate = (plant - this.anchor.plant) / passed;
    if (passed >= STRETCH_MS) this.anchor = this.last;
  }

  /** Plant time at wall time `wall`; null before the first message. */
  at(wall: number): number | null {
    if (this.last === null) return null;
    const since = Math.min(Math.max(0, wall - this.last.wall), CARRY_MS);
    return this.last.plant + since * this.rate;
  }

  lastPlant(): number | null {
    return this.last?.plant ?? null;
  }
}
