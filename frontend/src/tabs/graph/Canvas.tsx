// The drawing of the causal graph: pan and zoom by d3-zoom, nodes and edges chosen by pointer or keyboard.

import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomBehavior } from "d3-zoom";
import type { GraphEdge, GraphNode } from "../../api/types";
import { label, loose, percent, span } from "../../lib/format";
import { text } from "../../text";
import { NODE_HEIGHT, layout, type Placed } from "./layout";

interface Props {
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
  /** Nodes that are causes now. */
  lit: ReadonlySet<string>;
  node: string | null;
  edge: number | null;
  onNode: (id: string) => void;
  onEdge: (id: number) => void;
}

export function GraphCanvas({ nodes, edges, lit, node, edge, onNode, onEdge }: Props) {
  const svg = useRef<SVGSVGElement>(null);
  const stage = useRef<SVGGElement>(null);
  const behavior = useRef<ZoomBehavior<SVGSVGElement, unknown> | null>(null);
  const placed = useMemo(() => layout(nodes, edges), [nodes, edges]);
  const byId = useMemo(() => new Map(placed.nodes.map((entry) => [entry.id, entry])), [placed]);
  const related = useMemo(() => upstream(node, edges), [node, edges]);
  const [tip, setTip] = useState<{ edge: GraphEdge; x: number; y: number } | null>(null);

  useEffect(() => {
    const element = svg.current;
    if (!element || !stage.current) return;
    const created = zoom<SVGSVGElement, unknown>()
      .scaleExtent([0.3, 3])
      // The wheel scrolls the page unless Ctrl is held; a drag pans, two fingers pinch.
      .filter((event: Event) => !(event instanceof WheelEvent) || event.ctrlKey)
      .on("zoom", (event: { transform: { toString(): string } }) => stage.current?.setAttribute("transform", event.transform.toString()));
    behavior.current = created;
    select(element).call(created);
    return () => {
      select(element).on(".zoom", null);
    };
  }, []);

  const key = (act: () => void) => (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  };
  const dim = (id: number) => node !== null && !related.edges.has(id);
  return (
    <div className="graph-canvas">
      <svg ref={svg} viewBox={`0 0 ${placed.width} ${placed.height}`} role="group" aria-label={text.graph.title} data-testid="graph">
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 0 L8 4 L0 8 z" fill="var(--line-strong)" />
          </marker>
        </defs>
        <g ref={stage}>
          {edges.map((entry) => {
            const from = byId.get(entry.source);
            const to = byId.get(entry.target);
            if (!from || !to) return null;
            return (
              <g
                key={entry.edge_id}
                role="button"
                tabIndex={0}
                className={`edge${entry.edge_id === edge ? " chosen" : ""}${dim(entry.edge_id) ? " dim" : ""}`}
                aria-label={edgeTitle(entry)}
                onClick={() => onEdge(entry.edge_id)}
                onKeyDown={key(() => onEdge(entry.edge_id))}
                onPointerMove={(event) => setTip({ edge: entry, ...within(event, svg.current) })}
                onPointerLeave={() => setTip(null)}
              >
                <path className="hit" d={path(from, to)} />
                <path className="stroke" d={path(from, to)} strokeWidth={1 + 5 * entry.confidence ** 2} markerEnd="url(#arrow)" />
              </g>
            );
          })}
          {placed.nodes.map((entry) => (
            <g
              key={entry.id}
              role="button"
              tabIndex={0}
              data-node={entry.id}
              aria-pressed={entry.id === node}
              aria-label={`${text.graph.kinds[entry.kind]}: ${label(entry.label)}`}
              className={`node ${entry.kind}${entry.id === node ? " chosen" : ""}${lit.has(entry.id) ? " lit" : ""}${node !== null && !related.nodes.has(entry.id) ? " dim" : ""}`}
              transform={`translate(${entry.x - entry.width / 2} ${entry.y - NODE_HEIGHT / 2})`}
              onClick={() => onNode(entry.id)}
              onKeyDown={key(() => onNode(entry.id))}
            >
              <rect width={entry.width} height={NODE_HEIGHT} rx={entry.kind === "parameter" ? 2 : entry.kind === "defect" ? NODE_HEIGHT / 2 : 8} />
              <text x={entry.width / 2} y={NODE_HEIGHT / 2 + 4} textAnchor="middle">
                {label(entry.label)}
              </text>
            </g>
          ))}
        </g>
      </svg>
      <button className="fit" onClick={() => svg.current && behavior.current && select(svg.current).call(behavior.current.transform, zoomIdentity)}>
        {text.graph.fit}
      </button>
      {tip && (
        <div className="tip panel small" style={{ left: tip.x, top: tip.y }} aria-hidden>
          <b>{edgeTitle(tip.edge)}</b>
          <br />
          {tip.edge.threshold !== null && `${text.graph.threshold} ${loose(tip.edge.threshold)} · `}
          {percent(tip.edge.confidence, 0)} · {text.graph.lag} {span(tip.edge.lag_min_s)} – {span(tip.edge.lag_max_s)}
          <br />
          <span className="muted">{tip.edge.mechanism}</span>
        </div>
      )}
    </div>
  );
}

export function edgeTitle(edge: GraphEdge): string {
  return `${label(edge.cause)} ${text.graph.directions[edge.direction]} → ${label(edge.effect)}`;
}

function within(event: { clientX: number; clientY: number }, element: Element | null): { x: number; y: number } {
  const box = element?.getBoundingClientRect();
  return { x: event.clientX - (box?.left ?? 0) + 14, y: event.clientY - (box?.top ?? 0) + 14 };
}

function path(from: Placed, to: Placed): string {
  const x1 = from.x + from.width / 2;
  const x2 = to.x - to.width / 2 - 2;
  const bend = Math.max(30, Math.abs(x2 - x1) / 2);
  return `M ${x1} ${from.y} C ${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
}

/** Everything that can lead to a node, and what it leads to. */
export function upstream(start: string | null, edges: readonly GraphEdge[]): { nodes: Set<string>; edges: Set<number> } {
  const found = { nodes: new Set<string>(), edges: new Set<number>() };
  if (start === null) return found;
  const walk = (from: string, back: boolean) => {
    found.nodes.add(from);
    for (const edge of edges) {
      const here = back ? edge.target : edge.source;
      if (here !== from || found.edges.has(edge.edge_id)) continue;
      found.edges.add(edge.edge_id);
      walk(back ? edge.source : edge.target, back);
    }
  };
  walk(start, true);
  walk(start, false);
  return found;
}
