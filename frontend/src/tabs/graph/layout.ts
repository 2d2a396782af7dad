// Where the nodes of the causal graph lie: columns by how far down a chain of causes they are, heights by a
// force layout that pulls connected nodes together. Pure and deterministic.

import { forceCollide, forceLink, forceSimulation, forceY, type SimulationLinkDatum, type SimulationNodeDatum } from "d3-force";
import type { GraphEdge, GraphNode } from "../../api/types";

export interface Placed extends GraphNode {
  x: number;
  y: number;
  width: number;
}

export interface Layout {
  nodes: Placed[];
  width: number;
  height: number;
}

export const NODE_HEIGHT = 28;
const COLUMN = 270;
const ROW = 46;
/** The layout has settled after as many steps (d3's own default decay). */
const STEPS = 300;
/** A graph of this depth is far beyond any plant; it also ends the search in a graph with a cycle. */
const DEPTH_MOST = 32;

/** Longest chain of causes above each node; what leads to nothing further, defects above all, is in the last column. */
export function depths(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Map<string, number> {
  const depth = new Map(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < DEPTH_MOST; round += 1) {
    let moved = false;
    for (const { source, target } of edges) {
      const next = (depth.get(source) ?? 0) + 1;
      if (next > (depth.get(target) ?? 0) && next < DEPTH_MOST) {
        depth.set(target, next);
        moved = true;
      }
    }
    if (!moved) break;
  }
  const outgoing = new Set(edges.map((edge) => edge.source));
  for (const node of nodes) if (node.kind === "parameter" && depth.get(node.id) === 0 && outgoing.has(node.id)) depth.set(node.id, 1);
  const last = Math.max(1, ...depth.values());
  for (const node of nodes) if (node.kind !== "equipment" && !outgoing.has(node.id)) depth.set(node.id, last);
  return depth;
}

interface Body extends SimulationNodeDatum {
  id: string;
}

export function layout(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Layout {
  const depth = depths(nodes, edges);
  const columns = Math.max(...depth.values(), 0) + 1;
  const counts = new Map<number, number>();
  const bodies: Body[] = nodes.map((node) => {
    const column = depth.get(node.id) ?? 0;
    const row = counts.get(column) ?? 0;
    counts.set(column, row + 1);
    return { id: node.id, fx: column * COLUMN, y: row * ROW };
  });
  const links: SimulationLinkDatum<Body>[] = edges.map(({ source, target }) => ({ source, target }));
  const middle = ((Math.max(1, ...counts.values()) - 1) * ROW) / 2;
  forceSimulation(bodies)
    .force("link", forceLink<Body, SimulationLinkDatum<Body>>(links).id((body) => body.id).distance(0).strength(0.12))
    .force("y", forceY<Body>(middle).strength(0.03))
    .force("apart", forceCollide<Body>(ROW / 2).strength(1).iterations(4))
    .stop()
    .tick(STEPS);
  const heights = separate(bodies);
  const lowest = Math.min(...heights.values());
  const placed = nodes.map((node, index) => ({
    ...node,
    x: (bodies[index]!.fx ?? 0) + 90,
    y: (heights.get(node.id) ?? 0) - lowest + NODE_HEIGHT,
    width: Math.max(90, node.label.length * 7.2 + 26),
  }));
  return {
    nodes: placed,
    width: (columns - 1) * COLUMN + 180,
    height: Math.max(...placed.map((node) => node.y), 0) + NODE_HEIGHT * 1.5,
  };
}

/** Keeps the order that the forces found in each column, and makes sure that no two nodes overlap. */
function separate(bodies: readonly Body[]): Map<string, number> {
  const heights = new Map<string, number>();
  const columns = new Map<number, Body[]>();
  for (const body of bodies) columns.set(body.fx ?? 0, [...(columns.get(body.fx ?? 0) ?? []), body]);
  for (const column of columns.values()) {
    let before = -Infinity;
    for (const body of [...column].sort((a, b) => a.y! - b.y!)) {
      before = Math.max(body.y!, before + ROW);
      heights.set(body.id, before);
    }
  }
  return heights;
}
