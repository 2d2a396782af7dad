import { useMemo, useState } from "react";
import { useRootCauses, useSettings, useSubgraph } from "../../api/queries";
import type { GraphEdge, Subgraph } from "../../api/types";
import { RootCauses } from "../../components/RootCauses";
import { Empty, Loaded } from "../../components/States";
import { VirtualTable, type TableColumn } from "../../components/VirtualTable";
import { label, loose, percent, span } from "../../lib/format";
import { useLine } from "../../lib/line";
import { useParam } from "../../lib/route";
import { useLive } from "../../live/useLive";
import { useCommand } from "../../shell/Shortcuts";
import { text } from "../../text";
import { GraphCanvas, edgeTitle } from "./Canvas";
import { EdgePanel } from "./EdgePanel";
import "./graph.css";

/** What is known of causes: equipment → parameter → defect, and which of it explains what happens now. */
export default function Graph() {
  const query = useSubgraph();
  return (
    <Loaded query={query} what={text.graph.title} rows={10}>
      {(graph) => (graph.nodes.length === 0 ? <Empty title={text.graph.empty} hint={text.graph.emptyHint} /> : <Body graph={graph} />)}
    </Loaded>
  );
}

function Body({ graph }: { graph: Subgraph }) {
  const [node, setNode] = useParam("node");
  const [edge, setEdge] = useParam("edge");
  const line = useLine(true);
  const { rootCauses } = useLive();
  const chosenEdge = graph.edges.find((entry) => String(entry.edge_id) === edge) ?? null;
  const chosenNode = graph.nodes.find((entry) => entry.id === node) ?? null;
  const lit = useMemo(() => {
    const found = new Set<string>();
    for (const row of rootCauses.values()) {
      if (line !== null && row.production_line !== line) continue;
      for (const entry of graph.edges) if (entry.edge_id === row.edge_id) found.add(entry.source);
    }
    return found;
  }, [rootCauses, graph.edges, line]);
  useCommand("close", () => {
    setNode(null);
    setEdge(null);
  });
  return (
    <div className="graph">
      <section className="panel graph-panel" aria-label={text.graph.title}>
        <GraphCanvas
          nodes={graph.nodes}
          edges={graph.edges}
          lit={lit}
          node={node}
          edge={chosenEdge?.edge_id ?? null}
          onNode={(id) => {
            setEdge(null);
            setNode(id === node ? null : id, true);
          }}
          onEdge={(id) => setEdge(String(id), true)}
        />
      </section>
      <aside className="panel graph-side" aria-label={text.graph.edge}>
        {chosenEdge ? (
          <EdgePanel key={chosenEdge.edge_id} edge={chosenEdge} onClose={() => setEdge(null)} />
        ) : chosenNode && chosenNode.kind !== "equipment" ? (
          <Causes effect={chosenNode.label} line={line} />
        ) : (
          <Empty title={text.graph.hint} />
        )}
      </aside>
      <section className="panel edge-table" aria-label={text.graph.edges}>
        <h2 className="section-head">{text.graph.edges}</h2>
        <VirtualTable<GraphEdge>
          label={text.graph.edges}
          columns={EDGE_COLUMNS}
          rows={graph.edges}
          rowKey={(row) => String(row.edge_id)}
          rowHeight={34}
          selected={edge}
          minWidth="44rem"
          onOpen={(row) => setEdge(String(row.edge_id), true)}
        />
      </section>
    </div>
  );
}

const EDGE_COLUMNS: readonly TableColumn<GraphEdge>[] = [
  { id: "edge", title: text.graph.edge, width: "minmax(16rem, 2fr)", cell: edgeTitle },
  { id: "threshold", title: text.graph.threshold, width: "6rem", numeric: true, cell: (row) => (row.threshold === null ? "–" : loose(row.threshold)) },
  { id: "confidence", title: text.alerts.confidence, width: "6rem", numeric: true, cell: (row) => percent(row.confidence, 0) },
  { id: "lag", title: text.graph.lag, width: "10rem", cell: (row) => `${span(row.lag_min_s)} – ${span(row.lag_max_s)}` },
  { id: "mechanism", title: text.graph.mechanism, width: "minmax(10rem, 2fr)", cell: (row) => <span title={row.mechanism}>{row.mechanism}</span> },
];

/** `effect` is the name of a defect or parameter, which is what the API asks for; node ids also tell the kind. */
function Causes({ effect, line }: { effect: string; line: string | null }) {
  const confidence = useSettings().data?.confidence ?? 0.7;
  const [least, setLeast] = useState<number | null>(null);
  const minimum = least ?? Math.min(confidence, 0.5);
  const query = useRootCauses(effect, minimum, line);
  return (
    <>
      <header className="section-head">
        <h2>{text.graph.causesNow(label(effect))}</h2>
        <label className="row small muted">
          {text.graph.minConfidence}
          <input type="range" min={0} max={1} step={0.05} value={minimum} onChange={(event) => setLeast(Number(event.target.value))} />
          {percent(minimum, 0)}
        </label>
      </header>
      <div className="side-body">
        <Loaded query={query} what={text.graph.causesNow(label(effect))} rows={3}>
          {(answer) => <RootCauses causes={answer.root_causes} empty={text.graph.noCauses} hint={text.alerts.noRootCausesHint} />}
        </Loaded>
      </div>
    </>
  );
}
