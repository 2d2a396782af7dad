// The views, in the order of the navigation. A new one is a folder here and a line in this list.

import { lazy, type ComponentType } from "react";
import { text } from "../text";
import { Overview } from "./overview/Overview";
import { Sensors } from "./sensors/Sensors";
import { Alerts } from "./alerts/Alerts";

export interface Tab {
  id: string;
  title: string;
  view: ComponentType;
  /** Whether the choice of one line rules the view, and whether the whole plant is a choice. */
  line: "plant or line" | "one line" | "none";
  /** Whether the time range rules the view. */
  time: boolean;
}

export const TABS: readonly Tab[] = [
  { id: "overview", title: text.tabs.overview, view: Overview, line: "plant or line", time: false },
  { id: "sensors", title: text.tabs.sensors, view: Sensors, line: "one line", time: true },
  {
    id: "predictions",
    title: text.tabs.predictions,
    view: lazy(() => import("./predictions/Predictions")),
    line: "one line",
    time: true,
  },
  {
    id: "inspection",
    title: text.tabs.inspection,
    view: lazy(() => import("./inspection/Inspection")),
    line: "plant or line",
    time: false,
  },
  { id: "alerts", title: text.tabs.alerts, view: Alerts, line: "plant or line", time: true },
  { id: "graph", title: text.tabs.graph, view: lazy(() => import("./graph/Graph")), line: "plant or line", time: false },
  { id: "twin", title: text.tabs.twin, view: lazy(() => import("./twin/Twin")), line: "one line", time: false },
  {
    id: "recommendations",
    title: text.tabs.recommendations,
    view: lazy(() => import("./recommendations/Recommendations")),
    line: "plant or line",
    time: false,
  },
  { id: "models", title: text.tabs.models, view: lazy(() => import("./models/Models")), line: "none", time: false },
  { id: "sql", title: text.tabs.sql, view: lazy(() => import("./sql/Sql")), line: "none", time: false },
  { id: "connections", title: text.tabs.connections, view: lazy(() => import("./connections/Connections")), line: "none", time: false },
  { id: "settings", title: text.tabs.settings, view: lazy(() => import("./settings/Settings")), line: "none", time: false },
];
