import { useState } from "react";
import { isAtWork, useJobs, useStopJob, type Job } from "../../api/models";
import { Dialog } from "../../components/Dialog";
import { FormEnd, withField } from "../../components/FormEnd";
import { Loaded } from "../../components/States";
import { When } from "../../components/When";
import { percent } from "../../lib/format";
import { text } from "../../text";

const words = text.models;

/** What is being trained, how far it is, and what became of the last ones. */
export function Jobs({ may }: { may: boolean }) {
  const query = useJobs();
  return (
    <section className="panel jobs" aria-label={words.jobs}>
      <header className="section-head">
        <h2>{words.jobs}</h2>
      </header>
      <Loaded query={query} what={words.jobs} rows={2}>
        {({ jobs }) =>
          jobs.length === 0 ? (
            <p className="muted none">{words.noJobs}</p>
          ) : (
            <ul>
              {[...jobs].sort(atWorkFirst).map((job) => (
                <JobView key={job.job_id} job={job} may={may} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

function atWorkFirst(a: Job, b: Job): number {
  return Number(isAtWork(b)) - Number(isAtWork(a)) || (b.started_at ?? "").localeCompare(a.started_at ?? "");
}

function JobView({ job, may }: { job: Job; may: boolean }) {
  const { model, state, stage, message, started_at, estimated_end } = job;
  const working = isAtWork(job);
  const progress = Math.min(1, Math.max(0, job.progress ?? 0));
  const kind = words.kinds[model] ?? model;
  return (
    <li className="job" data-row tabIndex={-1}>
      <p className="row spread">
        <b>{kind}</b>
        <span className={state === "failed" ? "job-failed severity-HIGH" : "muted"}>{words.states[state] ?? state}</span>
      </p>
      {working && (
        <div className="row progress">
          <progress max={1} value={progress} aria-label={`${kind}: ${stage ?? words.states[state]}`} />
          <span className="number">{percent(progress, 0)}</span>
          {may && <Stop job={job} kind={kind} />}
        </div>
      )}
      <p className="small muted">
        {working && stage ? `${stage}. ` : ""}
        {started_at && (
          <>
            {words.startedAt} <When at={started_at} />
          </>
        )}
        {working && estimated_end && (
          <>
            , {words.ends.toLowerCase()} <When at={estimated_end} />
          </>
        )}
      </p>
      {message && <p className="small">{message}</p>}
    </li>
  );
}

function Stop({ job, kind }: { job: Job; kind: string }) {
  const [asking, setAsking] = useState(false);
  const mutation = useStopJob();
  return (
    <>
      <button onClick={() => setAsking(true)}>{words.stop}</button>
      {asking && (
        <Dialog title={words.stopTitle(kind)} onClose={() => setAsking(false)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              mutation.mutate(job.job_id, { onSuccess: () => setAsking(false) });
            }}
          >
            <p className="muted">{words.stopExplain}</p>
            <FormEnd confirm={words.stop} disabled={mutation.isPending} error={withField(mutation.error)} onCancel={() => setAsking(false)} />
          </form>
        </Dialog>
      )}
    </>
  );
}
