import { useState } from "react";
import { useSettings, useSettingsEdit } from "../../api/queries";
import type { Settings, Severity } from "../../api/types";
import { Loaded } from "../../components/States";
import { percent, span } from "../../lib/format";
import { RANGES } from "../../lib/range";
import { useMay } from "../../lib/roles";
import { SEVERITIES } from "../../lib/severity";
import { text } from "../../text";
import { CARD_NAMES, CARD_TITLES } from "../overview/Cards";

const RATES = [5, 10, 30] as const;

export function SharedSettings() {
  const query = useSettings();
  return (
    <section className="panel setting-group" aria-label={text.settings.shared}>
      <h2>{text.settings.shared}</h2>
      <Loaded query={query} what={text.settings.title} rows={6}>
        {(settings) => <Form key={JSON.stringify(settings)} settings={settings} />}
      </Loaded>
    </section>
  );
}

function Form({ settings }: { settings: Settings }) {
  const may = useMay("engineer");
  const mutation = useSettingsEdit();
  const [draft, setDraft] = useState(settings);
  const changed = JSON.stringify(draft) !== JSON.stringify(settings);
  const patch = (part: Partial<Settings>) => setDraft({ ...draft, ...part });
  const modes = Object.keys(text.settings.actionModes);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        mutation.mutate(draft);
      }}
    >
      <fieldset disabled={!may || mutation.isPending}>
        <Choice title={text.settings.kpiRate} value={draft.update_s.kpi} of={RATES} name={span} onChange={(kpi) => patch({ update_s: { ...draft.update_s, kpi } })} />
        <Choice
          title={text.settings.sensorRate}
          value={draft.update_s.sensors}
          of={RATES}
          name={span}
          onChange={(sensors) => patch({ update_s: { ...draft.update_s, sensors } })}
        />
        <Choice title={text.settings.range} value={draft.time_range} of={RANGES} name={(name) => name} onChange={(time_range) => patch({ time_range })} />
        <label className="field">
          <span>
            {text.settings.confidence}: {percent(draft.confidence, 0)}
          </span>
          <input type="range" min={0} max={1} step={0.05} value={draft.confidence} onChange={(event) => patch({ confidence: Number(event.target.value) })} />
        </label>
        <Choice
          title={text.settings.minSeverity}
          value={draft.alerts.min_severity}
          of={SEVERITIES}
          name={(severity) => text.severity[severity]}
          onChange={(min_severity: Severity) => patch({ alerts: { ...draft.alerts, min_severity } })}
        />
        <Choice
          title={text.settings.actionMode}
          value={draft.action_mode}
          of={modes.includes(draft.action_mode) ? modes : [draft.action_mode, ...modes]}
          name={(mode) => text.settings.actionModes[mode] ?? mode}
          onChange={(action_mode) => patch({ action_mode })}
        />
        <label className="row">
          <input type="checkbox" checked={draft.alerts.sound} onChange={(event) => patch({ alerts: { ...draft.alerts, sound: event.target.checked } })} />
          {text.settings.sound}
        </label>
        <fieldset className="checks">
          <legend className="small muted">{text.settings.cards}</legend>
          {CARD_NAMES.map((name) => (
            <label key={name} className="row">
              <input
                type="checkbox"
                checked={draft.cards.includes(name)}
                onChange={(event) => patch({ cards: CARD_NAMES.filter((card) => (card === name ? event.target.checked : draft.cards.includes(card))) })}
              />
              {CARD_TITLES[name]}
            </label>
          ))}
        </fieldset>
        <div className="row">
          <button className="primary" disabled={!changed}>
            {text.save}
          </button>
          {changed && (
            <button type="button" onClick={() => setDraft(settings)}>
              {text.cancel}
            </button>
          )}
          <span className="small" role="status">
            {mutation.error ? mutation.error.message : mutation.isSuccess && !changed ? text.settings.saved : ""}
          </span>
        </div>
      </fieldset>
      {!may && <p className="faint small">{text.settings.needsEngineer}</p>}
    </form>
  );
}

function Choice<T extends string | number>(props: { title: string; value: T; of: readonly T[]; name: (value: T) => string; onChange: (value: T) => void }) {
  const { title, value, of, name, onChange } = props;
  return (
    <label className="field">
      <span>{title}</span>
      <select value={String(value)} onChange={(event) => onChange(of.find((entry) => String(entry) === event.target.value)!)}>
        {(of.includes(value) ? of : [value, ...of]).map((entry) => (
          <option key={String(entry)} value={String(entry)}>
            {name(entry)}
          </option>
        ))}
      </select>
    </label>
  );
}
