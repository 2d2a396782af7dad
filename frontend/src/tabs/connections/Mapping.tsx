// Looks at an OPC UA server and maps its variables to sensors; what comes out goes into the file of sources.

import { type FormEvent, useState } from "react";
import { useAllSensors, useBrowse } from "../../api/queries";
import type { OfferedVariable } from "../../api/types";
import { withField } from "../../components/FormEnd";
import { Empty } from "../../components/States";
import { useMay } from "../../lib/roles";
import { text } from "../../text";
import { type Choices, mappingToml, sensorOf, twice } from "./mapping";

const words = text.mapping;

/** Variables that are shown; a search finds the others. */
const SHOWN_MOST = 200;

export function Mapping() {
  const may = useMay("admin");
  const browse = useBrowse();
  const [endpoint, setEndpoint] = useState("opc.tcp://");
  const [start, setStart] = useState("");

  const look = (event: FormEvent) => {
    event.preventDefault();
    browse.mutate({ endpoint: endpoint.trim(), ...(start.trim() === "" ? {} : { start: start.trim() }) });
  };
  return (
    <section className="panel" aria-label={words.title}>
      <header className="section-head">
        <h2>{words.title}</h2>
        <p className="faint small">{words.hint}</p>
      </header>
      {may ? (
        <form className="row mapping-server" onSubmit={look}>
          <label className="field">
            {words.endpoint}
            <input required pattern="opc\.tcp://[^ ]+" size={36} value={endpoint} onChange={(event) => setEndpoint(event.target.value)} />
          </label>
          <label className="field">
            {words.start}
            <input size={24} placeholder={words.startHint} value={start} onChange={(event) => setStart(event.target.value)} />
          </label>
          <button className="primary" disabled={browse.isPending}>
            {browse.isPending ? words.browsing : words.browse}
          </button>
        </form>
      ) : (
        <p className="faint">{words.notAllowed}</p>
      )}
      {browse.isError && <p role="alert">{withField(browse.error)}</p>}
      {browse.data && <Offered key={browse.submittedAt} endpoint={browse.data.endpoint} variables={browse.data.variables} />}
    </section>
  );
}

function Offered({ endpoint, variables }: { endpoint: string; variables: OfferedVariable[] }) {
  const sensors = useAllSensors().data?.sensors ?? [];
  const units = new Map(sensors.map(({ sensor_id, unit }) => [sensor_id, unit]));
  const [choices, setChoices] = useState<Choices>(new Map());
  const [name, setName] = useState("opcua-1");
  const [search, setSearch] = useState("");
  const [copied, setCopied] = useState(false);
  if (variables.length === 0) return <Empty title={words.nothing} hint={words.nothingHint} />;

  const path = (variable: OfferedVariable) => variable.path.join(" / ");
  const wanted = search.trim().toLowerCase();
  const found = variables.filter((variable) => `${path(variable)} ${variable.node}`.toLowerCase().includes(wanted));
  const mapped = variables.filter((variable) => sensorOf(variable, choices) !== "").length;
  const doubled = twice(variables, choices);
  const toml = mappingToml(name, endpoint, variables, choices, (sensor) => units.get(sensor));
  const choose = (node: string, sensor: string) => {
    setChoices(new Map(choices).set(node, sensor));
    setCopied(false);
  };
  const copy = async () => {
    await navigator.clipboard.writeText(toml);
    setCopied(true);
  };
  return (
    <>
      <div className="row">
        <label className="field">
          {words.search}
          <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
        <p className="faint small">{words.found(variables.length, mapped, Math.min(found.length, SHOWN_MOST))}</p>
      </div>
      <datalist id="mapping-sensors">
        {sensors.map(({ sensor_id }) => (
          <option key={sensor_id} value={sensor_id} />
        ))}
      </datalist>
      <div className="scroll-x mapping-variables">
        <table className="figures">
          <thead>
            <tr>
              {[words.variable, words.type, words.unit, words.sensor].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.slice(0, SHOWN_MOST).map((variable) => {
              const sensor = sensorOf(variable, choices);
              const unknown = sensor !== "" && units.size > 0 && !units.has(sensor);
              return (
                <tr key={variable.node}>
                  <th scope="row">
                    {path(variable)}
                    <p className="faint small">{variable.node}</p>
                  </th>
                  <td>{variable.array ? `${variable.type}[]` : variable.type}</td>
                  <td>{variable.unit ?? "–"}</td>
                  <td>
                    <input
                      aria-label={words.sensorOf(path(variable))}
                      aria-invalid={unknown || doubled.includes(sensor)}
                      list="mapping-sensors"
                      size={32}
                      placeholder={words.notTaken}
                      value={sensor}
                      onChange={(event) => choose(variable.node, event.target.value)}
                    />
                    {unknown && <p className="small peer-error">{words.unknown}</p>}
                    {doubled.includes(sensor) && <p className="small peer-error">{words.doubled}</p>}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <div className="row">
        <label className="field">
          {words.name}
          <input value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <button type="button" onClick={() => void copy()} disabled={mapped === 0}>
          {copied ? words.copied : words.copy}
        </button>
      </div>
      <label className="field">
        {words.result}
        <textarea className="mapping-result" readOnly rows={12} value={toml} />
      </label>
    </>
  );
}
