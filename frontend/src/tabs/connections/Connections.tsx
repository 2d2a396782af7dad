// The peers that readings come from, and the stores that follow the tables: how each stands, and since when.

import { useSources, useStores } from "../../api/queries";
import type { Source, Store } from "../../api/types";
import { Empty, Loaded } from "../../components/States";
import { When } from "../../components/When";
import { number } from "../../lib/format";
import { text } from "../../text";
import { useRates } from "./rates";
import "./connections.css";

const words = text.connections;

export default function Connections() {
  return (
    <div className="connections">
      <Sources />
      <Stores />
    </div>
  );
}

function Sources() {
  const query = useSources();
  const rates = useRates(query.data?.sources, ({ readings }) => readings, query.dataUpdatedAt);
  return (
    <section className="panel" aria-label={words.sources}>
      <header className="section-head">
        <h2>{words.sources}</h2>
        <p className="faint small">{words.sourcesHint}</p>
      </header>
      <Loaded query={query} what={words.sources} rows={4}>
        {({ sources }) =>
          sources.length === 0 ? (
            <Empty title={words.noSources} hint={words.noSourcesHint} />
          ) : (
            <div className="scroll-x">
              <table className="figures">
                <thead>
                  <tr>
                    {[words.name, words.state, words.lastValue].map((title) => (
                      <th key={title} scope="col">
                        {title}
                      </th>
                    ))}
                    {[words.rate, words.readings, words.refused, words.missed, words.connected].map((title) => (
                      <th key={title} scope="col" className="amount">
                        {title}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {sources.map((source) => (
                    <SourceRow key={source.name} source={source} rate={rates.get(source.name)} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </section>
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
  const query = useStores();
  return (
    <section className="panel" aria-label={words.stores}>
      <header className="section-head">
        <h2>{words.stores}</h2>
        <p className="faint small">{words.storesHint}</p>
      </header>
      <Loaded query={query} what={words.stores} rows={3}>
        {({ stores }) =>
          stores.length === 0 ? (
            <Empty title={words.noStores} hint={words.noStoresHint} />
          ) : (
            <div className="scroll-x">
              <table className="figures">
                <thead>
                  <tr>
                    <th scope="col">{words.name}</th>
                    <th scope="col">{words.state}</th>
                    {[words.position, words.behind, words.delivered].map((title) => (
                      <th key={title} scope="col" className="amount">
                        {title}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {stores.map((store) => (
                    <StoreRow key={store.name} store={store} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </section>
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
