import { expect, test } from "vitest";
import { parseMarkdown, type Block, type Inline } from "../src/lib/markdown";

const plain = (parts: readonly Inline[]) => parts.map(({ text }) => text).join("");
const kinds = (source: string) => parseMarkdown(source).map(({ kind }) => kind);
const only = <Kind extends Block["kind"]>(source: string, kind: Kind) => {
  const [block, ...rest] = parseMarkdown(source);
  expect(rest).toEqual([]);
  expect(block?.kind).toBe(kind);
  return block as Extract<Block, { kind: Kind }>;
};

test("headings know their level, paragraphs join their lines", () => {
  const [heading, first, second] = parseMarkdown("## Data ##\n\nfirst line\nsecond line\n\nanother");
  expect(heading).toEqual({ kind: "heading", level: 2, text: [{ kind: "text", text: "Data" }] });
  expect([first, second].map((block) => plain((block as { text: Inline[] }).text))).toEqual(["first line second line", "another"]);
});

test("marks within a line", () => {
  const { text } = only("a `b * c` **d** *e* 2 * 3 * 4", "paragraph");
  expect(text.filter(({ kind }) => kind !== "text")).toEqual([
    { kind: "code", text: "b * c" },
    { kind: "strong", text: "d" },
    { kind: "emphasis", text: "e" },
  ]);
  expect(plain(text)).toBe("a b * c d e 2 * 3 * 4");
});

test("lists, with items over several lines, end where something else begins", () => {
  const { ordered, items } = only("- one\n  more of it\n- two", "list");
  expect(ordered).toBe(false);
  expect(items.map(plain)).toEqual(["one more of it", "two"]);
  expect(only("1. one\n2. two", "list").ordered).toBe(true);
  expect(kinds("- one\n\ntext\n# head")).toEqual(["list", "paragraph", "heading"]);
});

test("code is taken as it stands, also unclosed", () => {
  expect(only("```json\n# {\"a\": 1}\n\n- b\n```", "code").text).toBe('# {"a": 1}\n\n- b');
  expect(only("```\nopen", "code").text).toBe("open");
});

test("tables have as many cells a row as in their head", () => {
  const { head, rows } = only("| | target | 1 h |\n|---|:--:|--:|\n| recall | > 0.90 | 0.9 |\n| a \\| b |\n", "table");
  expect(head.map(plain)).toEqual(["", "target", "1 h"]);
  expect(rows.map((row) => row.map(plain))).toEqual([
    ["recall", "> 0.90", "0.9"],
    ["a | b", "", ""],
  ]);
});

test("a table may follow a paragraph at once", () => {
  expect(kinds("text\n| a |\n|---|\n| b |")).toEqual(["paragraph", "table"]);
});

test("HTML stays text", () => {
  const { text } = only('<img src=x onerror="alert(1)"> <b>x</b>', "paragraph");
  expect(text).toEqual([{ kind: "text", text: '<img src=x onerror="alert(1)"> <b>x</b>' }]);
});

test("whatever comes, it ends and loses no words", () => {
  for (const source of ["", "\n\n", "|", "|---|", "***", "`", "#", "- ", "1.", "|a|\n|---", "~~~", "\r\n# a\r\n"]) {
    expect(() => parseMarkdown(source)).not.toThrow();
  }
  expect(kinds("a | b\nc")).toEqual(["paragraph"]);
});
