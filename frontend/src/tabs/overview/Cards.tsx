import type { ReactNode } from "react";
import { usePerformance } from "../../api/models";
import { useCards, useSettings } from "../../api/queries";
import type { Cards as CardValues } from "../../api/types";
import { Loaded } from "../../components/States";
import { SeverityMark } from "../../components/SeverityMark";
import { Spark } from "../../components/Spark";
import { hrefOf, useRoute } from "../../lib/route";
import { number, parseTime, percent, span } from "../../lib/format";
import { useLive } from "../../live/useLive";
import { text } from "../../text";
import { overall } from "../models/versions";
import { Bar, Gauge, Histogram } from "./figures";

export const CARD_NAMES = [
  "total_defects",
  "quality_rate",
  "critical_alerts",
  "prediction_accuracy",
  "production_rate",
  "response_time",
] as const;

export type CardName = (typeof CARD_NAMES)[number];

export const CARD_TITLES: Record<CardName, string> = {
  total_defects: text.overview.totalDefects,
  quality_rate: text.overview.qualityRate,
  critical_alerts: text.overview.criticalAlerts,
  prediction_accuracy: text.overview.accuracy,
  production_rate: text.overview.productionRate,
  response_time: text.overview.responseTime,
};

export function Cards({ line, everyS }: { line: string | null; everyS: number }) {
  const query = useCards(everyS);
  const visible = useSettings().data?.cards ?? CARD_NAMES;
  useRoute();
  return (
    <section aria-label={text.overview.cards}>
      <Loaded query={query} what={text.overview.cards} rows={2} height="5rem">
        {(answer) => {
          const cards = line === null ? answer.cards : (answer.by_line[line] ?? answer.cards);
          const shown = CARD_NAMES.filter((name) => visible.length === 0 || visible.includes(name));
          return (
            <div className="cards">
              {shown.map((name) => (
                <CardOf key={name} name={name} cards={cards} line={line} />
              ))}
            </div>
          );
        }}
      </Loaded>
    </section>
  );
}

function CardOf({ name, cards, line }: { name: CardName; cards: CardValues; line: string | null }) {
  switch (name) {
    case "total_defects":
      return <Defects card={cards.total_defects} />;
    case "quality_rate":
      return <Quality card={cards.quality_rate} />;
    case "critical_alerts":
      return <Critical line={line} />;
    case "prediction_accuracy":
      return <Accuracy card={cards.prediction_accuracy} line={line} />;
    case "production_rate":
      return <Rate card={cards.production_rate} />;
    case "response_time":
      return <Response card={cards.response_time} />;
  }
}

function Card(props: { name: CardName; level?: string | undefined; value: ReactNode; note: ReactNode; figure?: ReactNode; href?: string }) {
  const body = (
    <>
      <h2 className="card-title">{CARD_TITLES[props.name]}</h2>
      <div className="card-value" data-testid={`card-${props.name}`}>
        {props.value}
      </div>
      <div className="card-figure">{props.figure}</div>
      <div className="card-note">{props.note}</div>
    </>
  );
  const classes = `panel card${props.level ? ` level severity-${props.level}` : ""}`;
  return props.href ? (
    <a className={classes} href={props.href}>
      {body}
    </a>
  ) : (
    <article className={classes}>{body}</article>
  );
}

function Defects({ card }: { card: CardValues["total_defects"] }) {
  const { value, previous, trend } = card;
  const note = previous === null ? null : text.overview.previousShift(number(previous));
  // `trend` is the change against the shift before, as a share; without it the two counts tell the direction.
  const change = trend ?? (value !== null && previous !== null && previous > 0 ? value / previous - 1 : null);
  const word = change === null ? null : change > 0 ? text.overview.more : change < 0 ? text.overview.fewer : text.overview.same;
  return (
    <Card
      name="total_defects"
      value={number(value)}
      figure={
        change !== null && (
          <p className="trend-word">
            <span aria-hidden>{change > 0 ? "▲" : change < 0 ? "▼" : "●"}</span> {percent(Math.abs(change), 0)} {word}
          </p>
        )
      }
      note={note}
    />
  );
}

function Quality({ card }: { card: CardValues["quality_rate"] }) {
  const { value, sparkline } = card;
  const level = value === null || value > 0.95 ? undefined : value >= 0.85 ? "MEDIUM" : "CRITICAL";
  const word = value === null ? null : value > 0.95 ? text.overview.qualityGood : value >= 0.85 ? text.overview.qualityFair : text.overview.qualityPoor;
  return (
    <Card
      name="quality_rate"
      level={level}
      value={
        <>
          {percent(value)}
          {value !== null && value > 0.95 && <i className="ok-dot" role="img" aria-label={text.overview.qualityGood} />}
        </>
      }
      figure={
        <Spark
          points={sparkline.map((point) => ({ at: parseTime(point.start) ?? 0, value: point.value }))}
          width={170}
          height={34}
          gapMs={1.5 * 3_600_000}
          least={0.02}
          label={text.overview.last24h}
        />
      }
      note={[word, text.overview.last24h].filter(Boolean).join(" · ")}
    />
  );
}

function Critical({ line }: { line: string | null }) {
  const { alerts } = useLive();
  let critical = 0;
  let open = 0;
  for (const alert of alerts.values()) {
    if (line !== null && alert.production_line !== line) continue;
    const unacknowledged = alert.state === "active_unacknowledged" || alert.state === "returned_unacknowledged";
    if (unacknowledged || alert.state === "active_acknowledged") open += 1;
    if (unacknowledged && alert.severity === "CRITICAL") critical += 1;
  }
  return (
    <Card
      name="critical_alerts"
      level={critical > 0 ? "CRITICAL" : undefined}
      value={
        <>
          {critical > 0 && <SeverityMark severity="CRITICAL" pulse size={28} />} {number(critical)}
        </>
      }
      figure={critical === 0 && <p className="trend-word">{text.overview.noneCritical}</p>}
      note={`${text.overview.openAlerts}: ${number(open)}`}
      href={hrefOf("alerts", { severity: critical > 0 ? "CRITICAL" : null, line })}
    />
  );
}

/** Where the cards do not tell it, it is what the models' figures come to. */
function Accuracy({ card, line }: { card: CardValues["prediction_accuracy"]; line: string | null }) {
  const told = card.value !== null;
  const figures = overall(usePerformance(line, !told).data?.models ?? []);
  const value = told ? card.value : figures.day;
  const week = told ? (card.previous ?? null) : figures.week;
  const note = week !== null ? text.overview.lastWeek(percent(week)) : value === null ? (card.why ?? null) : null;
  return (
    <Card name="prediction_accuracy" value={percent(value)} figure={<Gauge value={value} />} note={note} href={hrefOf("models", { line })} />
  );
}

function Rate({ card }: { card: CardValues["production_rate"] }) {
  const { value, target } = card;
  const share = value !== null && target !== null && target > 0 ? value / target : null;
  return (
    <Card
      name="production_rate"
      value={
        <>
          {number(value)} <small>{text.overview.perHour}</small>
        </>
      }
      figure={<Bar value={share} />}
      note={share === null ? text.overview.noTarget : text.overview.ofTarget(percent(share, 0), number(target))}
    />
  );
}

function Response({ card }: { card: CardValues["response_time"] }) {
  const late = card.value_s !== null && card.value_s >= card.target_s;
  return (
    <Card
      name="response_time"
      level={late ? "MEDIUM" : undefined}
      value={span(card.value_s)}
      figure={<Histogram bins={card.histogram} target={card.target_s} />}
      note={card.value_s === null ? text.overview.noResponses : text.overview.responseTarget(span(card.target_s))}
    />
  );
}
