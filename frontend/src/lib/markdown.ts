// The Markdown of model cards as plain values: headings, paragraphs, lists, code, tables. Nothing of it is ever HTML: what
// is not understood stays the text that it is.

export type Inline = { kind: "text" | "code" | "strong" | "emphasis"; text: string };

export type Block =
  | { kind: "heading"; level: number; text: Inline[] }
  | { kind: "paragraph"; text: Inline[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "code"; text: string }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] };

const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const FENCE = /^\s*(```|~~~)/;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
/** The line below the head of a table: `|---|:--:|`. */
const RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

export function parseMarkdown(source: string): Block[] {
  const lines = source.replaceAll("\r\n", "\n").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    const heading = HEADING.exec(line);
    if (line.trim() === "") at += 1;
    else if (FENCE.test(line)) at = takeCode(lines, at, blocks);
    else if (heading) {
      blocks.push({ kind: "heading", level: heading[1]!.length, text: inline(heading[2]!) });
      at += 1;
    } else if (startsTable(lines, at)) at = takeTable(lines, at, blocks);
    else if (ITEM.test(line)) at = takeList(lines, at, blocks);
    else at = takeParagraph(lines, at, blocks);
  }
  return blocks;
}

function startsTable(lines: readonly string[], at: number): boolean {
  return lines[at]!.includes("|") && RULE.test(lines[at + 1] ?? "") && lines[at + 1]!.includes("|");
}

/** Whether a line begins something other than more of the paragraph or item before it. */
function startsBlock(lines: readonly string[], at: number): boolean {
  const line = lines[at]!;
  return line.trim() === "" || HEADING.test(line) || FENCE.test(line) || ITEM.test(line) || startsTable(lines, at);
}

/** A fence that is never closed goes to the end. */
function takeCode(lines: readonly string[], start: number, blocks: Block[]): number {
  const mark = FENCE.exec(lines[start]!)![1]!;
  let end = start + 1;
  while (end < lines.length && !lines[end]!.trim().startsWith(mark)) end += 1;
  blocks.push({ kind: "code", text: lines.slice(start + 1, end).join("\n") });
  return end + 1;
}

function takeTable(lines: readonly string[], start: number, blocks: Block[]): number {
  const head = cells(lines[start]!);
  const rows: Inline[][][] = [];
  let at = start + 2;
  for (; at < lines.length && lines[at]!.includes("|"); at += 1) {
    const row = cells(lines[at]!);
    // Each row has as many cells as the head.
    rows.push(head.map((_, column) => row[column] ?? []));
  }
  blocks.push({ kind: "table", head, rows });
  return at;
}

function cells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

function takeList(lines: readonly string[], start: number, blocks: Block[]): number {
  const ordered = ITEM.exec(lines[start]!)![1] !== undefined;
  const items: string[] = [];
  let at = start;
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]!);
    if (item) items.push(item[2]!);
    else if (startsBlock(lines, at)) break;
    else items.push(`${items.pop() ?? ""} ${lines[at]!.trim()}`);
    at += 1;
  }
  blocks.push({ kind: "list", ordered, items: items.map(inline) });
  return at;
}

function takeParagraph(lines: readonly string[], start: number, blocks: Block[]): number {
  let at = start + 1;
  while (at < lines.length && !startsBlock(lines, at)) at += 1;
  const text = lines
    .slice(start, at)
    .map((line) => line.trim())
    .join(" ");
  blocks.push({ kind: "paragraph", text: inline(text) });
  return at;
}

const MARKED = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*/g;

function inline(text: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  const plain = (upTo: number) => {
    if (upTo > end) parts.push({ kind: "text", text: text.slice(end, upTo) });
  };
  for (const found of text.matchAll(MARKED)) {
    plain(found.index);
    const [all, code, strong, emphasis] = found;
    if (code !== undefined) parts.push({ kind: "code", text: code });
    else if (strong !== undefined) parts.push({ kind: "strong", text: strong });
    else parts.push({ kind: "emphasis", text: emphasis! });
    end = found.index + all.length;
  }
  plain(text.length);
  return parts;
}
