// The line as a process picture: four stages in the order in which glass goes through them.

import type { ReactNode } from "react";
import type { TwinLine, TwinMargin, TwinValue } from "../../api/types";
import { label, number, percent, withUnit } from "../../lib/format";
import { text } from "../../text";
import { Profile } from "./Profile";

const { facts, stages } = text.twin;
/** Viscosity as the power of ten that people of the field speak of. */
const viscosity = (log10: number | null) =>
  log10 === null ? (
    "–"
  ) : (
    <>
      10<sup>{number(log10, 2)}</sup> Pa·s
    </>
  );

export function Stages({ state }: { state: TwinLine }) {
  const { furnace, forming, annealing, quality } = state;
  const zones = annealing.zones_c.map((_, zone): [number, number] => [zone + 1, zone]);
  return (
    <ol className="stages">
      <Stage title={stages.furnace}>
        <Profile title={text.twin.profileFurnace} points={furnace.profile} />
        <Facts
          rows={[
            [facts.meltLevel, withUnit(furnace.melt_level_mm, "mm", 1)],
            [facts.meltViscosity, viscosity(furnace.viscosity_melt_log10)],
            [facts.throatViscosity, viscosity(furnace.viscosity_throat_log10)],
            [facts.excessAir, percent(furnace.excess_air)],
            [facts.refined, withUnit(furnace.smallest_refined_mm, "mm", 2)],
          ]}
        />
      </Stage>
      <Stage title={stages.forming}>
        <Facts
          rows={[
            [facts.gob, withUnit(forming.gob_temperature_c, "°C", 1)],
            [facts.gobViscosity, viscosity(forming.viscosity_gob_log10)],
            [facts.gobSize, `${number(forming.gob_diameter_mm)} × ${withUnit(forming.gob_length_mm, "mm")}`],
            [facts.belt, withUnit(forming.belt_speed_m_min, "m/min", 1)],
            [facts.mold, withUnit(forming.mold_temperature_c, "°C", 1)],
            [facts.pressure, withUnit(forming.pressure_mpa, "MPa", 1)],
            [facts.formingTime, withUnit(forming.forming_time_s, "s", 1)],
            [facts.devitrification, withUnit(forming.devitrification_margin_k, "K")],
          ]}
        />
      </Stage>
      <Stage title={stages.annealing}>
        <Profile
          title={text.twin.profileLehr}
          points={zones.map(([place, zone]) => [place, annealing.zones_c[zone] ?? NaN])}
          ideal={zones.map(([place, zone]) => [place, annealing.ideal_c[zone] ?? NaN])}
        />
        <Facts
          rows={[
            [facts.coolingRate, withUnit(annealing.cooling_rate_c_min, "K/min", 2)],
            [facts.fastest, withUnit(annealing.fastest_c_min, "K/min", 1)],
            [facts.surface, withUnit(annealing.residual_surface_mpa, "MPa", 2)],
            [facts.middle, withUnit(annealing.residual_middle_mpa, "MPa", 2)],
            [facts.tension, withUnit(annealing.greatest_tension_mpa, "MPa", 2)],
          ]}
        />
      </Stage>
      <Stage title={stages.quality}>
        <Facts
          rows={[
            [facts.score, percent(quality.quality_score, 2)],
            ...Object.entries(quality.probability).map(([defect, share]): [string, ReactNode] => [label(defect), percent(share, 2)]),
            [facts.rate, withUnit(quality.production_rate_per_h, "/h")],
            [facts.energy, withUnit(quality.energy_kw, "kW")],
            [facts.perUnit, withUnit(quality.energy_per_unit_kwh, "kWh", 2)],
          ]}
        />
      </Stage>
    </ol>
  );
}

function Stage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <li className="panel stage">
      <h2>{title}</h2>
      {children}
    </li>
  );
}

function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="twin-facts small">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** From which share of its load on a mechanism is near. */
const NEAR = 0.7;

export function Margins({ margins, values }: { margins: readonly TwinMargin[]; values: readonly TwinValue[] }) {
  return (
    <section className="panel margins" aria-label={text.twin.margins}>
      <h2>{text.twin.margins}</h2>
      <p className="faint small">{text.twin.marginHint}</p>
      <ul>
        {margins.map((margin) => {
          const load = Math.max(0, margin.load ?? 0);
          const unit = values.find(({ parameter }) => parameter === margin.parameter)?.unit ?? "";
          return (
            <li key={margin.mechanism} className={load >= NEAR ? (load >= 1 ? "severity-HIGH near" : "severity-MEDIUM near") : ""}>
              <p className="row spread">
                <span>
                  {label(margin.mechanism)} <span className="faint">→ {label(margin.defect)}</span>
                </span>
                <span className="number">{percent(load, 0)}</span>
              </p>
              <div className="margin-bar" role="img" aria-label={`${margin.mechanism} ${percent(load, 0)}`}>
                <i style={{ width: `${Math.min(1, load) * 100}%` }} />
              </div>
              <p className="faint small">{(margin.within_minute ? text.twin.marginRange : text.twin.marginLimit)(label(margin.parameter), withUnit(margin.limit, unit, 1))}</p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
