// A dense table of which only the visible rows exist. Rows have one height; arrow keys move, Enter opens.

import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

/** Rows drawn beyond the visible ones on each side. */
const OVERSCAN = 8;

export interface TableColumn<Row> {
  id: string;
  title: string;
  /** A track of CSS grid. */
  width: string;
  cell: (row: Row) => ReactNode;
  sortable?: boolean;
  numeric?: boolean;
}

interface Props<Row> {
  label: string;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row, index: number) => string;
  rowHeight: number;
  selected?: string | null;
  rowClass?: (row: Row) => string;
  onOpen?: (row: Row) => void;
  sort?: { column: string; descending: boolean } | null;
  onSort?: (column: string) => void;
  hideHead?: boolean;
  minWidth?: string;
}

export function VirtualTable<Row>(props: Props<Row>) {
  const { label, columns, rows, rowKey, rowHeight, selected = null, rowClass, onOpen, sort, onSort, hideHead, minWidth } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const [cursor, setCursor] = useState(0);
  const wantsFocus = useRef(false);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  const active = Math.min(cursor, Math.max(0, rows.length - 1));

  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"]`)?.focus();
  });

  const move = (to: number) => {
    const next = Math.min(rows.length - 1, Math.max(0, to));
    const element = scroller.current;
    if (element) {
      if (next * rowHeight < element.scrollTop) element.scrollTop = next * rowHeight;
      else if ((next + 2) * rowHeight > element.scrollTop + element.clientHeight) element.scrollTop = (next + 2) * rowHeight - element.clientHeight;
    }
    wantsFocus.current = true;
    setCursor(next);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.target.dataset.index === undefined) return;
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(active + step);
    } else if (event.key === "Enter" && onOpen && rows[active] !== undefined) {
      event.preventDefault();
      onOpen(rows[active]);
    }
  };

  const template = { gridTemplateColumns: columns.map((column) => column.width).join(" "), ...(minWidth ? { minWidth } : {}) };
  return (
    <div className="table" role="table" aria-label={label} aria-rowcount={rows.length} ref={scroller} onKeyDown={onKeyDown}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}>
      <div className={hideHead ? "table-head visually-hidden" : "table-head"} role="row" style={template}>
        {columns.map((column) => {
          const order = sort?.column === column.id ? (sort.descending ? "descending" : "ascending") : undefined;
          return (
            <div key={column.id} role="columnheader" {...(order ? { "aria-sort": order } : {})} className={column.numeric ? "number" : ""}>
              {column.sortable && onSort ? (
                <button className="quiet head" tabIndex={hideHead ? -1 : 0} onClick={() => onSort(column.id)}>
                  {column.title}
                  <span aria-hidden className="order">{order === "descending" ? "▾" : order === "ascending" ? "▴" : ""}</span>
                </button>
              ) : (
                <span title={column.title}>{column.title}</span>
              )}
            </div>
          );
        })}
      </div>
      <div role="rowgroup" style={{ height: rows.length * rowHeight, position: "relative", ...(minWidth ? { minWidth } : {}) }}>
        {rows.slice(first, last).map((row, offset) => {
          const index = first + offset;
          const key = rowKey(row, index);
          return (
            <div
              key={key}
              role="row"
              aria-rowindex={index + 1}
              data-index={index}
              data-key={key}
              tabIndex={index === active ? 0 : -1}
              aria-selected={selected === key}
              className={`table-row ${onOpen ? "opens " : ""}${rowClass?.(row) ?? ""}`}
              style={{ ...template, top: index * rowHeight, height: rowHeight }}
              onFocus={(event) => event.target === event.currentTarget && setCursor(index)}
              onClick={(event) => {
                if (!(event.target as HTMLElement).closest("button, a")) onOpen?.(row);
              }}
            >
              {columns.map((column) => (
                <div key={column.id} role="cell" className={column.numeric ? "number" : ""}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
