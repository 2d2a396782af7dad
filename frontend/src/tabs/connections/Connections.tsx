// The peers that readings come from, and the stores that follow the tables: how each stands, and since when.

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { useSources, useStores } from "../../api/queries";
import type { Source, Store } from "../../api/types";
import { Empty, Loaded } from "../../components/States";
import { When } from "../../components/When";
import { number } from "../../lib/format";
import { text } from "../../text";
import { Mapping } from "./Mapping";
import { Mirrors } from "./Mirrors";
import { useRates } from "./rates";
import "./connections.css";

const words = text.connections;

export default function Connections() {
  return (
    <div className="connections">
      <Sources />
      <Stores />
      <Mirrors />
      <Mapping />
    </div>
  );
}

/** A panel with a table of peers, or why there are none. */
function Peers<T>(props: {
  title: string;
  hint: string;
  query: UseQueryResult<T>;
  none: string;
  noneHint: string;
  columns: string[];
  amounts: string[];
  rows: (data: T) => ReactElement[];
}) {
  return (
    <section className="panel" aria-label={props.title}>
      <header className="section-head">
        <h2>{props.title}</h2>
        <p className="faint small">{props.hint}</p>
      </header>
      <Loaded query={props.query} what={props.title} rows={4}>
        {(data) => {
          const rows = props.rows(data);
          if (rows.length === 0) return <Empty title={props.none} hint={props.noneHint} />;
          return (
            <div className="scroll-x">
              <table className="figures">
                <thead>
                  <tr>
                    {props.columns.map((title) => (
                      <th key={title} scope="col">
                        {title}
                      </th>
                    ))}
                    {props.amounts.map((title) => (
                      <th key={title} scope="col" className="amount">
                        {title}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>{rows}</tbody>
              </table>
            </div>
          );
        }}
      </Loaded>
    </section>
  );
}

function Sources() {
  const query = useSources();
  const rates = useRates(query.data?.sources, ({ readings }) => readings, query.dataUpdatedAt);
  return (
    <Peers
      title={words.sources}
      hint={words.sourcesHint}
      query={query}
      none={words.noSources}
      noneHint={words.noSourcesHint}
      columns={[words.name, words.state, words.lastValue]}
      amounts={[words.rate, words.readings, words.refused, words.missed, words.connected]}
      rows={({ sources }) => sources.map((source) => <SourceRow key={source.name} source={source} rate={rates.get(source.name)} />)}
    />
  );
}

function SourceRow({ source, rate }: { source: Source; rate: number | undefined }) {
  const { name, protocol, address, state, since, error, last } = source;
  return (
    <tr>
      <Peer name={name} kind={protocol} address={address} />
      <td>
        <Standing bad={state === "away"} title={words.states[state]} since={since} error={error} />
      </td>
      <td>
        {last ? (
          <>
            <span className="nowrap">
              {number(last.value, 2)} <When at={last.at} />
            </span>
            <p className="faint small">{last.tag}</p>
          </>
        ) : (
          <span className="faint">{words.none}</span>
        )}
      </td>
      <td className="amount">{rate === undefined ? "–" : number(rate, 1)}</td>
      <td className="amount">{number(source.readings, 0)}</td>
      <td className="amount">{number(source.refused, 0)}</td>
      <td className="amount">{number(source.missed, 0)}</td>
      <td className="amount">{number(source.connections, 0)}</td>
    </tr>
  );
}

function Stores() {
  return (
    <Peers
      title={words.stores}
      hint={words.storesHint}
      query={useStores()}
      none={words.noStores}
      noneHint={words.noStoresHint}
      columns={[words.name, words.state]}
      amounts={[words.position, words.behind, words.delivered]}
      rows={({ stores }) => stores.map((store) => <StoreRow key={store.name} store={store} />)}
    />
  );
}

function StoreRow({ store }: { store: Store }) {
  const { name, kind, address, error, oldest } = store;
  const title = error ? words.away : oldest ? words.waiting : words.upToDate;
  return (
    <tr>
      <Peer name={name} kind={kind} address={address} />
      <td>
        <Standing bad={error !== null} title={title} since={oldest} error={error} />
      </td>
      <td className="amount">{number(store.position, 0)}</td>
      <td className="amount">{number(store.behind, 0)}</td>
      <td className="amount">{number(store.delivered, 0)}</td>
    </tr>
  );
}

function Peer({ name, kind, address }: { name: string; kind: string; address: string }) {
  return (
    <th scope="row">
      {name}
      <p className="faint small">
        {kind} {address}
      </p>
    </th>
  );
}

function Standing(props: { bad: boolean; title: string; since: string | null; error: string | null }) {
  return (
    <>
      <span className={props.bad ? "standing bad" : "standing"}>{props.title}</span> {props.since && <When at={props.since} />}
      {props.error && <p className="small peer-error">{props.error}</p>}
    </>
  );
}
