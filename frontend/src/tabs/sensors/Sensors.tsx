import { useEffect, useMemo, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { runSql, useSensors } from "../../api/queries";
import type { AlertRow, PaneRow, Sensor } from "../../api/types";
import { Empty, Loaded } from "../../components/States";
import { label } from "../../lib/format";
import { useLine } from "../../lib/line";
import { useParam } from "../../lib/route";
import { byUrgency, isOpen } from "../../lib/severity";
import { stream } from "../../live/stream";
import { useLive } from "../../live/useLive";
import { useCommand } from "../../shell/Shortcuts";
import { text } from "../../text";
import { SensorDetail } from "./SensorDetail";
import { SensorRowView } from "./SensorRowView";
import "./sensors.css";

/** All sensors of one line, grouped by equipment; one of them large. */
export function Sensors() {
  const line = useLine(false);
  const query = useSensors(line);
  const [chosen, choose] = useParam("sensor");
  const [filter, setFilter] = useState("");
  useTrendSeed(line);
  useCommand("close", () => choose(null));
  return (
    <Loaded query={query} what={text.sensors.title} rows={14}>
      {({ sensors }) => {
        const selected = sensors.find((sensor) => sensor.sensor_id === chosen) ?? null;
        return (
          <div className={selected ? "sensors with-detail" : "sensors"}>
            <section className="sensor-list" aria-label={text.sensors.title}>
              <input
                type="search"
                data-filter
                aria-label={text.sensors.filter}
                placeholder={text.sensors.filter}
                value={filter}
                onChange={(event) => setFilter(event.target.value)}
              />
              {sensors.length === 0 ? (
                <Empty title={text.sensors.none} hint={text.sensors.noneHint} />
              ) : (
                <Groups sensors={sensors} filter={filter} chosen={chosen} choose={(id) => choose(id, true)} />
              )}
            </section>
            {selected && <SensorDetail key={selected.sensor_id} sensor={selected} onClose={() => choose(null)} />}
          </div>
        );
      }}
    </Loaded>
  );
}

interface GroupsProps {
  sensors: readonly Sensor[];
  filter: string;
  chosen: string | null;
  choose: (id: string) => void;
}

function Groups({ sensors, filter, chosen, choose }: GroupsProps) {
  const { alerts } = useLive();
  const worst = useMemo(() => worstBySensor(alerts.values()), [alerts]);
  const groups = useMemo(() => {
    const wanted = filter.trim().toLowerCase();
    const found = new Map<string, Sensor[]>();
    for (const sensor of sensors) {
      const names = `${label(sensor.parameter_name)} ${label(sensor.equipment_id)} ${sensor.sensor_id}`.toLowerCase();
      if (!names.includes(wanted)) continue;
      found.set(sensor.equipment_id, [...(found.get(sensor.equipment_id) ?? []), sensor]);
    }
    return [...found.entries()];
  }, [sensors, filter]);
  if (groups.length === 0) return <Empty title={text.sensors.noMatch} />;
  return (
    <div className="sensor-groups">
      {groups.map(([equipment, members]) => (
        <section key={equipment} className="panel sensor-group" aria-label={label(equipment)}>
          <h3>{label(equipment)}</h3>
          <ul>
            {members.map((sensor) => (
              <SensorRowView key={sensor.sensor_id} sensor={sensor} chosen={sensor.sensor_id === chosen} alert={worst.get(sensor.sensor_id) ?? null} onChoose={choose} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

/** The most urgent open alert of each sensor. */
function worstBySensor(alerts: Iterable<AlertRow>): Map<string, AlertRow> {
  const worst = new Map<string, AlertRow>();
  for (const alert of alerts) {
    if (alert.sensor_id === null || !isOpen(alert)) continue;
    const known = worst.get(alert.sensor_id);
    if (known === undefined || byUrgency(alert, known) < 0) worst.set(alert.sensor_id, alert);
  }
  return worst;
}

/** Minutes of trend that a row shows. */
export const TREND_MIN = 30;

/** The trend before the page was opened, in one query for the whole line; from then on the stream carries it. */
function useTrendSeed(line: string | null): void {
  const seed = useQuery({
    queryKey: ["trend-seed", line],
    enabled: line !== null && /^[\w.-]+$/.test(line),
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => {
      const query = `select p.* from panes p, clocks c where p.production_line = '${line}' and c.production_line = '${line}' and p.start >= c.at - interval '${TREND_MIN} minutes' order by p.sensor_id, p.start`;
      const answer = await runSql({ query }, signal);
      const names = answer.columns.map((column) => column.name);
      return answer.rows.map((row) => Object.fromEntries(row.map((cell, at) => [names[at]!, cell])) as unknown as PaneRow);
    },
  });
  useEffect(() => {
    if (seed.data) stream.seedPanes(seed.data);
  }, [seed.data]);
}
