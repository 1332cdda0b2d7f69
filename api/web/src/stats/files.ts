/** Files that the page makes itself: a table as it is shown, a chart as a picture. */
export interface Table {
  head: string[];
  rows: (string | number | null)[][];
}

const FORMULA = /^[=+\-@\t\r\n]/;

/** With semicolons and a byte order mark, as spreadsheets in French open it. What a spreadsheet would reckon is made text. */
export function csv(table: Table): string {
  return "\ufeff" + [table.head, ...table.rows].map((row) => row.map(cell).join(";")).join("\r\n") + "\r\n";
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value).replace(".", ",");
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[;"\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function offerCsv(name: string, table: Table): void {
  offer(`${name}.csv`, new Blob([csv(table)], { type: "text/csv;charset=utf-8" }));
}

/** Give it to the browser's downloads. */
export function offer(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
