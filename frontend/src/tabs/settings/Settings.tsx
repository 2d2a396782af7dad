import { forgetToken, token } from "../../api/client";
import { queryClient, useHealth, useMe } from "../../api/queries";
import { Loaded } from "../../components/States";
import { setTheme, setZone, useDevice, type Theme, type ZoneChoice } from "../../lib/device";
import { span } from "../../lib/format";
import { text } from "../../text";
import { Rules } from "./Rules";
import { SharedSettings } from "./SharedSettings";
import "./settings.css";

export default function Settings() {
  return (
    <div className="settings">
      <Device />
      <SharedSettings />
      <About />
      <Rules />
    </div>
  );
}

function Device() {
  const { theme, zone } = useDevice();
  const me = useMe().data;
  const known = token();
  return (
    <section className="panel setting-group" aria-label={text.settings.device}>
      <h2>{text.settings.device}</h2>
      <label className="field">
        <span>{text.settings.theme}</span>
        <select value={theme} onChange={(event) => setTheme(event.target.value as Theme)}>
          {Object.entries(text.settings.themes).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{text.settings.zone}</span>
        <select value={zone} onChange={(event) => setZone(event.target.value as ZoneChoice)}>
          {Object.entries(text.settings.zones).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <dl className="edge-facts">
        <dt>{text.settings.signedIn}</dt>
        <dd>{me?.name ?? "–"}</dd>
        <dt>{text.settings.role}</dt>
        <dd>{me?.role ?? "–"}</dd>
        <dt>{text.settings.token}</dt>
        <dd className="mono">{known === null ? "–" : `…${known.slice(-4)}`}</dd>
      </dl>
      <div className="row">
        <button
          onClick={() => {
            forgetToken();
            void queryClient.resetQueries();
          }}
        >
          {text.settings.forget}
        </button>
        <span className="faint small">{text.settings.forgetHint}</span>
      </div>
    </section>
  );
}

function About() {
  const query = useHealth();
  return (
    <section className="panel setting-group" aria-label={text.settings.about}>
      <h2>{text.settings.about}</h2>
      <Loaded query={query} what={text.settings.about} rows={3}>
        {(health) => (
          <>
            <p>
              {text.product} {health.version} · {health.status} · {span(health.uptime_s)}
            </p>
            <dl className="edge-facts small">
              {health.components.map((component) => (
                <div key={component.name} className="component">
                  <dt>{component.name}</dt>
                  <dd>
                    {component.status} <span className="faint">{component.detail ?? ""}</span>
                  </dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </Loaded>
    </section>
  );
}
