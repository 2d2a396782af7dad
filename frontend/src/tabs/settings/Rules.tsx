import { useState } from "react";
import { useRuleEdit, useRules } from "../../api/queries";
import type { Rule, Severity } from "../../api/types";
import { Dialog } from "../../components/Dialog";
import { FormEnd, withField } from "../../components/FormEnd";
import { SeverityMark } from "../../components/SeverityMark";
import { Empty, Loaded } from "../../components/States";
import { label } from "../../lib/format";
import { useMay } from "../../lib/roles";
import { SEVERITIES } from "../../lib/severity";
import { text } from "../../text";

const columns = text.settings.ruleColumns;

export function Rules() {
  const query = useRules();
  const may = useMay("engineer");
  const [editing, setEditing] = useState<Rule | null>(null);
  return (
    <section className="panel rules" aria-label={text.settings.rules}>
      <header className="section-head">
        <h2>{text.settings.rules}</h2>
        <p className="faint small">{may ? text.settings.rulesHint : text.settings.needsEngineer}</p>
      </header>
      <Loaded query={query} what={text.settings.rules} rows={8}>
        {({ rules }) =>
          rules.length === 0 ? (
            <Empty title={text.settings.noRules} />
          ) : (
            <ul>
              {rules.map((rule) => (
                <li key={rule.rule_id} className={rule.enabled ? "rule" : "rule off"}>
                  <SeverityMark severity={rule.severity} hollow={!rule.enabled} />
                  <div>
                    <p>{rule.name}</p>
                    <p className="faint small">
                      {label(rule.subject)}: {rule.condition}
                    </p>
                  </div>
                  <span className="small muted">
                    {columns.delays}: {rule.on_delay} / {rule.off_delay}
                  </span>
                  {may && <button onClick={() => setEditing(rule)}>{text.settings.edit}</button>}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {editing && <RuleDialog rule={editing} onClose={() => setEditing(null)} />}
    </section>
  );
}

/** The numbers of a rule's condition, by the name that the API takes them under. */
export function ruleNumbers(rule: Rule): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, value] of Object.entries(rule.parameters ?? {})) if (typeof value === "number") found[name] = value;
  for (const name of ["limit", "deadband"] as const) {
    const value = rule[name];
    if (typeof value === "number") found[name] = value;
  }
  return found;
}

function RuleDialog({ rule, onClose }: { rule: Rule; onClose: () => void }) {
  const mutation = useRuleEdit();
  const before = ruleNumbers(rule);
  const [numbers, setNumbers] = useState<Record<string, string>>(() => Object.fromEntries(Object.entries(before).map(([name, value]) => [name, String(value)])));
  const [severity, setSeverity] = useState<Severity>(rule.severity);
  const [enabled, setEnabled] = useState(rule.enabled);
  const [onDelay, setOnDelay] = useState(String(rule.on_delay));
  const [offDelay, setOffDelay] = useState(String(rule.off_delay));
  const [reason, setReason] = useState("");

  const submit = () => {
    const changed = Object.entries(numbers).filter(([name, value]) => value !== "" && Number(value) !== before[name]);
    const edit = {
      ...Object.fromEntries(changed.map(([name, value]) => [name, Number(value)])),
      ...(severity === rule.severity ? {} : { severity }),
      ...(enabled === rule.enabled ? {} : { enabled }),
      ...(Number(onDelay) === rule.on_delay ? {} : { on_delay: Number(onDelay) }),
      ...(Number(offDelay) === rule.off_delay ? {} : { off_delay: Number(offDelay) }),
      reason: reason.trim(),
    };
    mutation.mutate({ id: rule.rule_id, edit }, { onSuccess: onClose });
  };
  return (
    <Dialog title={rule.name} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p className="muted small">
          {label(rule.subject)}: {rule.condition}
        </p>
        {Object.keys(before).length === 0 && <p className="faint small">{text.settings.noNumbers}</p>}
        <div className="rule-fields">
          {Object.entries(before).map(([name, value]) => (
            <NumberField key={name} title={label(name)} was={value} value={numbers[name] ?? ""} onChange={(next) => setNumbers({ ...numbers, [name]: next })} />
          ))}
          <NumberField title={text.settings.onDelay} was={rule.on_delay} value={onDelay} onChange={setOnDelay} whole />
          <NumberField title={text.settings.offDelay} was={rule.off_delay} value={offDelay} onChange={setOffDelay} whole />
          <label className="field">
            <span>{columns.severity}</span>
            <select value={severity} onChange={(event) => setSeverity(event.target.value as Severity)}>
              {SEVERITIES.map((entry) => (
                <option key={entry} value={entry}>
                  {text.severity[entry]}
                </option>
              ))}
            </select>
          </label>
        </div>
        <label className="row">
          <input type="checkbox" checked={enabled} onChange={(event) => setEnabled(event.target.checked)} /> {text.settings.enabled}
        </label>
        <label className="field">
          <span>{text.reason}</span>
          <textarea rows={2} required maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        <FormEnd confirm={text.save} disabled={reason.trim() === "" || mutation.isPending} error={withField(mutation.error)} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function NumberField(props: { title: string; was: number; value: string; onChange: (value: string) => void; whole?: boolean }) {
  return (
    <label className="field">
      <span>
        {props.title} <span className="faint">({text.settings.before} {props.was})</span>
      </span>
      <input
        type="number"
        step={props.whole ? 1 : "any"}
        {...(props.whole ? { min: 1 } : {})}
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </label>
  );
}
