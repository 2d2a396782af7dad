import { Suspense, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/client";
import { useLines, useMe, useSettings } from "../api/queries";
import { Boundary, Failed, Skeleton } from "../components/States";
import { setPlantZone } from "../lib/device";
import { setDefaultRange } from "../lib/range";
import { useRoute } from "../lib/route";
import { stream } from "../live/stream";
import { TABS } from "../tabs";
import { text } from "../text";
import { AlertSound } from "./AlertSound";
import { ConnectionStrip } from "./ConnectionStrip";
import { Header } from "./Header";
import { Login } from "./Login";
import { Shortcuts, useShortcuts } from "./Shortcuts";

export function App() {
  const me = useMe();
  const refused = me.error instanceof ApiError && (me.error.status === 401 || me.error.status === 403);
  if (refused) return <Login />;
  if (me.data === undefined && me.error) {
    return (
      <main className="alone">
        <Failed title={text.connection.lost} error={me.error} retry={() => void me.refetch()} />
      </main>
    );
  }
  if (me.data === undefined) return null;
  return <Dashboard />;
}

function Dashboard() {
  const client = useQueryClient();
  const { tab: id } = useRoute();
  const tab = TABS.find((entry) => entry.id === id) ?? TABS[0]!;
  const settings = useSettings().data;
  const zone = useLines().data?.time_zone;
  const [help, setHelp] = useState(false);
  useShortcuts(() => setHelp((open) => !open));

  const sensors = settings?.update_s.sensors ?? 5;
  const kpi = settings?.update_s.kpi ?? 10;
  useEffect(() => stream.start({ sensors: sensors * 1000, quality: kpi * 1000 }), [sensors, kpi]);
  useEffect(() => {
    stream.onRevoked = () => void client.resetQueries({ queryKey: ["me"] });
    return () => stream.stop();
  }, [client]);
  useEffect(() => setPlantZone(zone), [zone]);
  useEffect(() => {
    if (settings) setDefaultRange(settings.time_range);
  }, [settings]);
  useEffect(() => {
    document.title = `${tab.title} · ${text.product}`;
  }, [tab]);
  // An answer 401 later on means that the token was taken back: ask who we are, which shows the sign-in page.
  useEffect(
    () =>
      client.getQueryCache().subscribe(({ query }) => {
        const error = query.state.error;
        const signedOut = error instanceof ApiError && error.status === 401 && query.queryKey[0] !== "me";
        if (signedOut && query.state.fetchStatus === "idle") void client.resetQueries({ queryKey: ["me"] });
      }),
    [client],
  );

  const View = tab.view;
  return (
    <div className="shell">
      <a className="skip" href="#content" onClick={focusContent}>
        {text.skip}
      </a>
      <Header tab={tab} onHelp={() => setHelp(true)} />
      <ConnectionStrip />
      <AlertSound />
      <main id="content" tabIndex={-1} className={`view view-${tab.id}`} aria-label={tab.title}>
        <Boundary name={tab.id}>
          <Suspense fallback={<Skeleton rows={8} />}>
            <View key={tab.id} />
          </Suspense>
        </Boundary>
      </main>
      {help && <Shortcuts onClose={() => setHelp(false)} />}
    </div>
  );
}

function focusContent(event: { preventDefault: () => void }): void {
  // The hash is the route: the link must not change it.
  event.preventDefault();
  document.getElementById("content")?.focus();
}
