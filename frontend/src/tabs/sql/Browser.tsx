import { useState } from "react";
import { useSqlTables } from "../../api/queries";
import { Loaded } from "../../components/States";
import { text } from "../../text";

/** Tables with their columns and what they mean; a click puts a name into the query. */
export function Browser({ onInsert }: { onInsert: (name: string) => void }) {
  const query = useSqlTables();
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  return (
    <nav className="panel sql-browser" aria-label={text.sql.tables}>
      <h2 className="section-head">{text.sql.tables}</h2>
      <input type="search" aria-label={text.sql.filterTables} placeholder={text.sql.filterTables} value={filter} onChange={(event) => setFilter(event.target.value)} />
      <Loaded query={query} what={text.sql.tables} rows={12} height="1.5rem">
        {({ tables }) => (
          <ul>
            {tables
              .filter((table) => wanted === "" || table.name.includes(wanted) || table.columns.some((column) => column.name.includes(wanted)))
              .map((table) => (
                <li key={table.name}>
                  <details open={wanted !== "" && tables.length > 1 ? true : undefined}>
                    <summary title={table.doc}>
                      <span className="mono">{table.name}</span>
                      {table.rows !== undefined && <span className="faint small"> {table.rows}</span>}
                    </summary>
                    {table.doc && <p className="faint small">{table.doc}</p>}
                    <ul>
                      <li>
                        <button className="quiet mono" onClick={() => onInsert(table.name)} aria-label={text.sql.insert(table.name)}>
                          {table.name}
                        </button>
                      </li>
                      {table.columns.map((column) => (
                        <li key={column.name} title={column.doc}>
                          <button className="quiet mono" onClick={() => onInsert(column.name)} aria-label={text.sql.insert(column.name)}>
                            {column.name} <span className="faint">{column.type.toLowerCase()}</span>
                          </button>
                          {column.doc && <p className="faint small">{column.doc}</p>}
                        </li>
                      ))}
                    </ul>
                  </details>
                </li>
              ))}
          </ul>
        )}
      </Loaded>
    </nav>
  );
}
