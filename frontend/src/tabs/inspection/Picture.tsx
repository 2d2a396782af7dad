// A picture of ware with the boxes that were drawn on it: the inspector's solid, MIK-1's dashed.

import { PICTURE_SIDE, usePicture, type Finding, type InspectionRow } from "../../api/inspections";
import { useObjectUrl } from "../../lib/objectUrl";
import { percent } from "../../lib/format";
import { text } from "../../text";
import { onPicture, spot } from "./findings";

const words = text.inspection;

/** Those drawn later lie above. */
const FINDERS = ["mik1", "inspector"] as const;
export type Finder = (typeof FINDERS)[number];

interface PictureProps {
  row: InspectionRow;
  /** What it shows, where nothing beside it says so. */
  alt: string;
  /** Whose boxes are drawn. */
  shown: readonly Finder[];
  /** Of the words at the boxes, in pixels of the picture. */
  wordSize: number;
}

export function Picture({ row, alt, shown, wordSize }: PictureProps) {
  const query = usePicture(row.picture);
  const url = useObjectUrl(query.data);
  const found: Record<Finder, readonly Finding[]> = { inspector: row.findings ?? [], mik1: onPicture(row.inspected?.defects ?? []) };
  return (
    <span className="picture">
      {url === null ? (
        <span className="picture-none">{query.error && words.pictureGone}</span>
      ) : (
        <img src={url} alt={alt} width={PICTURE_SIDE} height={PICTURE_SIDE} draggable={false} />
      )}
      {url !== null && (
        <svg viewBox={`0 0 ${PICTURE_SIDE} ${PICTURE_SIDE}`} aria-hidden>
          {FINDERS.filter((finder) => shown.includes(finder)).flatMap((finder) =>
            found[finder].map((finding, index) => <Box key={`${finder}${index}`} finding={finding} finder={finder} wordSize={wordSize} />),
          )}
        </svg>
      )}
    </span>
  );
}

/** Of a letter, in heights of the words: wide enough for all but the widest. */
const LETTER = 0.56;

function Box({ finding, finder, wordSize }: { finding: Finding; finder: Finder; wordSize: number }) {
  const { type, score, box } = finding;
  const [x, y, width, height] = box;
  const said = `${words.types[type] ?? type} ${percent(score, 0)}`;
  const label = finder === "mik1" ? words.byMik1(said) : said;
  const at = spot(box, finder === "inspector", wordSize, label.length * wordSize * LETTER);
  const rect = { x, y, width, height };
  return (
    <g className={`box ${finder}`}>
      <rect {...rect} className="halo" />
      <rect {...rect} />
      <text x={at.x} y={at.y} textAnchor={at.anchor} fontSize={wordSize}>
        {label}
      </text>
    </g>
  );
}
