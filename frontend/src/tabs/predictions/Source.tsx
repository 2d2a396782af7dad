// Which models said it, from what, and how long ago.

import type { ForecastRow } from "../../api/predictions";
import { When } from "../../components/When";
import { parseTime } from "../../lib/format";
import { usePlantNow } from "../../live/useLive";
import { text } from "../../text";
import { said } from "./forecast";

const words = text.predictions;

/** Forecasts come once a minute; so long without one is told. */
const OLD_MS = 10 * 60_000;

/** `live`: the time shown follows plant time, so a forecast that is old is the last there is. */
export function Source({ row, live }: { row: ForecastRow; live: boolean }) {
  const now = usePlantNow();
  const at = parseTime(row.at);
  const old = live && at !== null && now !== null && now - at > OLD_MS;
  const { ensemble_version: ensemble, graph_version: graph, version } = row;
  const by =
    said(row, "1h").by === "ensemble" && ensemble !== null
      ? words.by.ensemble(ensemble, version, graph === null ? "" : words.by.graph(graph))
      : words.by.forecaster(version);
  return (
    <section className={old ? "panel source old" : "panel source"} aria-label={words.title}>
      <p>
        {words.asOf} <When at={row.at} /> <span className="muted">· {by}</span>
      </p>
      {old && <p role="status">{words.old}</p>}
      <p className="faint small">{words.event}</p>
    </section>
  );
}
