// What the sensor model says of each sensor: whether its instrument has failed, or what it measures is off.

import { useMemo, useState } from "react";
import { useVerdicts, type SensorVerdictRow } from "../../api/predictions";
import { Empty, Loaded } from "../../components/States";
import { chance, label } from "../../lib/format";
import { hrefOf } from "../../lib/route";
import { useLive } from "../../live/useLive";
import { text } from "../../text";
import { NOTABLE, bySuspicion, worst } from "./forecast";

const words = text.predictions;

export function Verdicts({ line, certainFrom }: { line: string; certainFrom: number }) {
  const query = useVerdicts(line);
  const live = useLive().sensorVerdicts;
  return (
    <section className="panel verdicts" aria-label={words.verdicts}>
      <header className="section-head">
        <h2>{words.verdicts}</h2>
        <p className="faint small">{words.verdictsHint}</p>
      </header>
      <Loaded query={query} what={words.verdicts} rows={6}>
        {({ sensors }) => <List line={line} fetched={sensors} live={live} certainFrom={certainFrom} />}
      </Loaded>
    </section>
  );
}

interface ListProps {
  line: string;
  fetched: readonly SensorVerdictRow[];
  live: ReadonlyMap<string, SensorVerdictRow>;
  certainFrom: number;
}

function List({ line, fetched, live, certainFrom }: ListProps) {
  const [all, setAll] = useState(false);
  const rows = useMemo(() => {
    const known = new Map(fetched.map((row) => [row.sensor_id, row]));
    for (const row of live.values()) if (row.production_line === line) known.set(row.sensor_id, row);
    return bySuspicion([...known.values()]);
  }, [fetched, live, line]);
  if (rows.length === 0) return <Empty title={words.noVerdicts} hint={words.noVerdictsHint} />;
  const notable = rows.filter((row) => worst(row) >= NOTABLE);
  const shown = all ? rows : notable;
  return (
    <div className="verdicts-body">
      {notable.length === 0 && <p className="muted">{words.calm}</p>}
      {shown.length > 0 && (
        <table className="figures">
          <thead>
            <tr>
              <th scope="col">{words.sensor}</th>
              <th scope="col">{words.failure}</th>
              <th scope="col">{words.anomaly}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.sensor_id} className={worst(row) < NOTABLE ? "faint" : ""} data-row tabIndex={-1}>
                <th scope="row">
                  <a href={hrefOf("sensors", { line, sensor: row.sensor_id })}>{label(row.parameter_name)}</a>
                </th>
                <Verdict value={row.failure} certainFrom={certainFrom} />
                <Verdict value={row.anomaly} certainFrom={certainFrom} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <button className="quiet" onClick={() => setAll(!all)}>
        {all ? words.fewerSensors : words.allSensors(rows.length)}
      </button>
    </div>
  );
}

function Verdict({ value, certainFrom }: { value: number; certainFrom: number }) {
  const weight = value >= certainFrom ? "certain severity-MEDIUM" : value >= NOTABLE ? "" : "faint";
  return (
    <td className={`verdict ${weight}`}>
      <span>{chance(value)}</span>
      <span className="probability-bar" aria-hidden>
        <i style={{ width: `${Math.min(1, value) * 100}%` }} />
      </span>
    </td>
  );
}
