import { download, toCsv } from "../lib/csv";
import { text } from "../text";

interface ExportButtonsProps {
  /** Of the files, without ending. */
  name: string;
  disabled: boolean;
  data: () => { columns: readonly string[]; rows: readonly (readonly unknown[])[] };
  picture: () => Promise<Blob | null>;
}

/** What a chart shows, as a file of its data or as a picture. */
export function ExportButtons({ name, disabled, data, picture }: ExportButtonsProps) {
  const saveData = () => {
    const { columns, rows } = data();
    download(`${name}.csv`, toCsv(columns, rows));
  };
  const savePicture = async () => {
    const drawn = await picture();
    if (drawn) download(`${name}.png`, drawn);
  };
  return (
    <div className="row">
      <button disabled={disabled} title={text.exportCsv} onClick={saveData}>
        {text.csv}
      </button>
      <button disabled={disabled} title={text.exportPng} onClick={() => void savePicture()}>
        {text.png}
      </button>
    </div>
  );
}
