import { useEffect, useState } from "react";
import { MODEL_REASON_MOST, isAtWork, useJobs, useStopJob, type Job } from "../../api/models";
import { Dialog } from "../../components/Dialog";
import { FormEnd, withField } from "../../components/FormEnd";
import { Loaded } from "../../components/States";
import { clock, dateTime, parseTime, percent, relative } from "../../lib/format";
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

/** The one that runs, those that wait in their order, then what is over, the last first. */
function atWorkFirst(a: Job, b: Job): number {
  const rank = ({ state }: Job) => (state === "running" ? 0 : state === "queued" ? 1 : 2);
  return rank(a) - rank(b) || (isAtWork(a) ? a.job_id - b.job_id : b.job_id - a.job_id);
}

function JobView({ job, may }: { job: Job; may: boolean }) {
  const { model, state, progress, version, error, reason } = job;
  const now = useWall();
  const kind = words.kinds[model] ?? model;
  const when = (at: string) => wallText(at, now);
  const times = [
    words.asked(job.by, when(job.asked_at)),
    ...(job.ended_at ? [words.ended(when(job.ended_at))] : job.began_at ? [words.began(when(job.began_at))] : []),
    ...(isAtWork(job) && job.estimated_end ? [words.ends(when(job.estimated_end))] : []),
  ];
  return (
    <li className="job" data-row tabIndex={-1}>
      <p className="row spread">
        <span>
          <b>{kind}</b> {version ?? ""}
        </span>
        <span className={state === "failed" ? "job-failed severity-HIGH" : "muted"}>{words.states[state] ?? state}</span>
      </p>
      {isAtWork(job) && (
        <div className="row progress">
          <progress max={1} {...(progress.share === null ? {} : { value: progress.share })} aria-label={`${kind}: ${words.stages[progress.stage] ?? words.states[state]}`} />
          <span className="number">{percent(progress.share, 0)}</span>
          {may && <Stop job={job} kind={kind} />}
        </div>
      )}
      {state === "running" && (
        <p className="small">
          {words.stages[progress.stage] ?? progress.stage}
          {progress.epochs > 0 && `, ${words.epochs(progress.epochs, progress.epochs_most)}`}
        </p>
      )}
      <p className="small muted">{times.join(", ")}</p>
      {reason && (
        <p className="small muted">
          {text.reason}: {reason}
        </p>
      )}
      {error && <p className="small">{error}</p>}
      {state === "done" && version && <p className="small">{words.made(version)}</p>}
    </li>
  );
}

/** The clock of this device: trainings go by the wall, however fast the plant runs. */
function useWall(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function wallText(at: string, now: number): string {
  const ms = parseTime(at);
  const today = ms !== null && Math.abs(now - ms) < 20 * 3_600_000;
  return `${today ? clock(ms, false) : dateTime(ms, false)} (${relative(ms, now)})`;
}

function Stop({ job, kind }: { job: Job; kind: string }) {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const mutation = useStopJob();
  return (
    <>
      <button onClick={() => setAsking(true)}>{words.stop}</button>
      {asking && (
        <Dialog title={words.stopTitle(kind)} onClose={() => setAsking(false)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              mutation.mutate({ id: job.job_id, reason: reason.trim() }, { onSuccess: () => setAsking(false) });
            }}
          >
            <p className="muted">{words.stopExplain}</p>
            <label className="field">
              <span>{words.optional}</span>
              <input type="text" maxLength={MODEL_REASON_MOST} value={reason} onChange={(event) => setReason(event.target.value)} />
            </label>
            <FormEnd confirm={words.stop} disabled={mutation.isPending} error={withField(mutation.error)} onCancel={() => setAsking(false)} />
          </form>
        </Dialog>
      )}
    </>
  );
}
