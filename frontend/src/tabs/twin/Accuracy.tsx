import { useMemo, useState } from "react";
import type { TwinAccuracy, TwinForecast, TwinLine, TwinValue } from "../../api/types";
import { VirtualTable, type TableColumn } from "../../components/VirtualTable";
import { label, number, percent } from "../../lib/format";
import { text } from "../../text";

const HORIZONS = [1, 15, 60] as const;
const { columns } = text.twin;

interface Row {
  value: TwinValue;
  forecast: TwinForecast | undefined;
  score: TwinAccuracy | undefined;
}

/** As many decimals as the error can tell. */
const decimals = ({ score, value }: Row) => {
  const size = score?.rmse || value.sd || 1;
  return Math.min(3, Math.max(0, 1 - Math.floor(Math.log10(size))));
};

const COLUMNS: readonly TableColumn<Row>[] = [
  { id: "parameter", title: columns.parameter, width: "minmax(11rem, 2fr)", cell: ({ value }) => label(value.parameter) },
  { id: "value", title: columns.value, width: "minmax(7rem, 1fr)", numeric: true, cell: (row) => `${number(row.value.value, decimals(row))} ${row.value.unit}` },
  { id: "expected", title: columns.expected, width: "5.5rem", numeric: true, cell: (row) => number(row.forecast?.mean, decimals(row)) },
  {
    id: "band",
    title: columns.band,
    width: "minmax(9rem, 1fr)",
    numeric: true,
    cell: (row) => `${number(row.forecast?.low, decimals(row))} – ${number(row.forecast?.high, decimals(row))}`,
  },
  { id: "error", title: columns.error, width: "6rem", numeric: true, cell: (row) => number(checked(row)?.rmse, decimals(row)) },
  {
    id: "ratio",
    title: columns.ratio,
    width: "7rem",
    numeric: true,
    cell: (row) => {
      const score = checked(row);
      return score?.rmse_persistence ? `× ${number((score.rmse ?? NaN) / score.rmse_persistence, 2)}` : "–";
    },
  },
  { id: "bias", title: columns.bias, width: "5rem", numeric: true, cell: (row) => number(checked(row)?.bias, decimals(row)) },
  { id: "coverage", title: columns.coverage, width: "6rem", numeric: true, cell: (row) => percent(checked(row)?.coverage, 0) },
  { id: "count", title: columns.count, width: "5rem", numeric: true, cell: (row) => number(row.score?.n) },
];

/** A score of nothing says nothing. */
function checked({ score }: Row): TwinAccuracy | undefined {
  return score && score.n > 0 ? score : undefined;
}

export function Accuracy({ state }: { state: TwinLine }) {
  const [horizon, setHorizon] = useState<number>(15);
  const rows = useMemo(() => {
    const of = <T extends { parameter: string; horizon_min: number }>(list: readonly T[], parameter: string) =>
      list.find((entry) => entry.parameter === parameter && entry.horizon_min === horizon);
    return state.values.map((value) => ({ value, forecast: of(state.forecasts, value.parameter), score: of(state.accuracy, value.parameter) }));
  }, [state, horizon]);
  return (
    <section className="panel accuracy" aria-label={text.twin.accuracy}>
      <header className="panel-head section-head">
        <div>
          <h2>{text.twin.accuracy}</h2>
          <p className="faint small">{text.twin.accuracyHint}</p>
        </div>
        <div className="group" role="group" aria-label={text.twin.horizon}>
          {HORIZONS.map((minutes) => (
            <button key={minutes} aria-pressed={minutes === horizon} onClick={() => setHorizon(minutes)}>
              {text.twin.horizons[minutes]}
            </button>
          ))}
        </div>
      </header>
      <VirtualTable<Row> label={text.twin.accuracy} columns={COLUMNS} rows={rows} rowKey={(row) => row.value.parameter} rowHeight={34} minWidth="58rem" />
    </section>
  );
}
