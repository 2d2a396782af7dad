import { useEffect, useState } from "react";
import { useHealth } from "../api/queries";
import { span } from "../lib/format";
import { useConnection } from "../live/useLive";
import { text } from "../text";

/** A lost connection that is back within this time is never mentioned. */
const SILENT_MS = 3_000;
/** The dataflow may be this far behind before people are told. */
const LAG_TICKS = 20;

export function ConnectionStrip() {
  const connection = useConnection();
  const health = useHealth().data;
  const [lostAt, setLostAt] = useState<number | null>(null);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setLostAt(connection.connected ? null : Date.now());
    setNow(Date.now());
    if (connection.connected) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [connection.connected]);

  if (!connection.connected && lostAt !== null && now - lostAt > SILENT_MS) {
    const age = connection.lastMessage === null ? null : span((now - connection.lastMessage) / 1000);
    return (
      <div className="strip lost" role="status">
        <strong>{text.connection.lost}</strong> {age !== null && text.connection.shown(age)}{" "}
        <span className="faint">{text.connection.retrying(Math.max(1, connection.attempts))}</span>
      </div>
    );
  }
  const behind = [
    ...(health && health.lag.ticks > LAG_TICKS ? [text.connection.ticksBehind(health.lag.ticks)] : []),
    ...(health?.components ?? [])
      .filter((component) => component.status !== "ok" && component.status !== "off")
      .map((component) => (component.detail ? `${component.name} (${component.detail})` : component.name)),
  ];
  if (behind.length === 0) return null;
  return (
    <div className="strip" role="status">
      {text.connection.behind(behind.join(", "))}
    </div>
  );
}
