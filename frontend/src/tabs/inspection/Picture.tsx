// A picture of ware with the boxes that were drawn on it: the inspector's solid, MIK-1's dashed.

import { ApiError } from "../../api/client";
import { PICTURE_SIDE, usePicture, type Finding, type InspectionRow } from "../../api/inspections";
import { useObjectUrl } from "../../lib/objectUrl";
import { percent } from "../../lib/format";
import { useNarrow } from "../../lib/useNarrow";
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
  /** Room for all that is to say of a box: else MIK-1's are only named. */
  large?: boolean;
}

export function Picture({ row, alt, shown, large = false }: PictureProps) {
  const query = usePicture(row.picture);
  const url = useObjectUrl(query.data);
  if (url === null) {
    return (
      <span className="picture">
        <span className="picture-none">{query.error && (gone(query.error) ? words.pictureGone : words.pictureFailed)}</span>
      </span>
    );
  }
  const found: Record<Finder, readonly Finding[]> = { inspector: row.findings ?? [], mik1: onPicture(row.inspected?.defects ?? []) };
  const drawn = FINDERS.filter((finder) => shown.includes(finder)).flatMap((finder) => found[finder].map((finding) => ({ finder, finding })));
  return (
    <span className="picture">
      <img src={url} alt={alt} width={PICTURE_SIDE} height={PICTURE_SIDE} draggable={false} />
      <svg viewBox={`0 0 ${PICTURE_SIDE} ${PICTURE_SIDE}`} aria-hidden>
        {drawn.map(({ finder, finding }, index) => (
          <Box key={index} finding={finding} finder={finder} />
        ))}
        {drawn.map(({ finder, finding }, index) => (
          <Words key={index} finding={finding} finder={finder} large={large} />
        ))}
      </svg>
    </span>
  );
}

/** The oldest pictures leave as new ones come. */
const gone = (error: Error) => error instanceof ApiError && error.status === 404;

interface BoxProps {
  finding: Finding;
  finder: Finder;
}

function Box({ finding, finder }: BoxProps) {
  const [x, y, width, height] = finding.box;
  const rect = { x, y, width, height };
  return (
    <g className={`box ${finder}`}>
      <rect {...rect} className="halo" />
      <rect {...rect} />
    </g>
  );
}

/** Heights of words, in pixels of the picture: a card is a little smaller than its picture, a large one up to three times as large. */
const SIZE = { card: 14, large: 6, narrow: 9 };
/** Of a letter, in heights of the words: wide enough for all but the widest. */
const LETTER = 0.64;

function Words({ finding, finder, large }: BoxProps & { large: boolean }) {
  const { type, score, box } = finding;
  const said = `${words.types[type] ?? type} ${percent(score, 0)}`;
  const label = finder === "inspector" ? said : large ? words.byMik1(said) : words.mik1;
  const narrow = useNarrow(639);
  const size = SIZE[!large ? "card" : narrow ? "narrow" : "large"];
  const at = spot(box, finder === "inspector", size, label.length * size * LETTER);
  return (
    <text {...at} fontSize={size} className={`box ${finder}`}>
      {label}
    </text>
  );
}
