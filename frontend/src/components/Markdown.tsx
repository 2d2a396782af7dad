import { useMemo } from "react";
import { parseMarkdown, type Block, type Inline } from "../lib/markdown";

/** Markdown of a model's card. Its headings come below the one of the panel that it stands in. */
export function Markdown({ source }: { source: string }) {
  const blocks = useMemo(() => parseMarkdown(source), [source]);
  return (
    <div className="markdown">
      {blocks.map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading": {
      const Heading = block.level <= 2 ? "h3" : "h4";
      return (
        <Heading>
          <Text parts={block.text} />
        </Heading>
      );
    }
    case "paragraph":
      return (
        <p>
          <Text parts={block.text} />
        </p>
      );
    case "list": {
      const List = block.ordered ? "ol" : "ul";
      return (
        <List>
          {block.items.map((item, index) => (
            <li key={index}>
              <Text parts={item} />
            </li>
          ))}
        </List>
      );
    }
    case "code":
      return <pre tabIndex={0}>{block.text}</pre>;
    case "table":
      return (
        <div className="markdown-table" tabIndex={0}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell, index) => (
                  <th key={index} scope="col">
                    <Text parts={cell} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, column) => (
                    <td key={column}>
                      <Text parts={cell} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

function Text({ parts }: { parts: readonly Inline[] }) {
  return (
    <>
      {parts.map(({ kind, text }, index) => {
        if (kind === "code") return <code key={index}>{text}</code>;
        if (kind === "strong") return <strong key={index}>{text}</strong>;
        if (kind === "emphasis") return <em key={index}>{text}</em>;
        return <span key={index}>{text}</span>;
      })}
    </>
  );
}
