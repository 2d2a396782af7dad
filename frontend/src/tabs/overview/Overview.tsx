import { useSettings } from "../../api/queries";
import { useLine } from "../../lib/line";
import { ActiveAlerts } from "./ActiveAlerts";
import { Cards } from "./Cards";
import { LineStrip } from "./LineStrip";
import "./overview.css";

/** The plant at a glance: key figures, what each line does, what is wrong. */
export function Overview() {
  const line = useLine(true);
  const everyS = useSettings().data?.update_s.kpi ?? 10;
  return (
    <div className="overview">
      <Cards line={line} everyS={everyS} />
      <LineStrip chosen={line} />
      <ActiveAlerts line={line} />
    </div>
  );
}
