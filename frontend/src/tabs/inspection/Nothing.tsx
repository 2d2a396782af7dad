import { useHealth } from "../../api/queries";
import { Empty } from "../../components/States";
import { text } from "../../text";
import type { Show } from "./Toolbar";

const words = text.inspection;

interface NothingProps {
  show: Show;
  line: string | null;
  lookedAt: number;
  live: boolean;
}

/** Why there is nothing to see, and what to do. */
export function Nothing({ show, line, lookedAt, live }: NothingProps) {
  const store = useHealth().data?.components.find(({ name }) => name === "pictures");
  if (show === "differ" && lookedAt > 0) return <Empty title={words.noneDiffer(lookedAt)} hint={words.noneDifferHint} />;
  if (show === "found") return <Empty title={words.noneFound} hint={words.noneFoundHint} />;
  if (!live) return <Empty title={words.noOlder} hint={words.noOlderHint} />;
  if (store !== undefined && store.status !== "ok") return <Empty title={words.cameraOff} hint={store.detail ?? ""} />;
  return <Empty title={line === null ? words.none : words.noneOfLine} hint={words.noneHint} />;
}
