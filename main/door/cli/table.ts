import { type Line, lineWidth, padEnd, type Span, span, widthOf } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Span;
}

/** Rows in columns as wide as their widest cell, two columns apart, without rules. */
function drawTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Line[] {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((own) => widthOf(own[index]?.text ?? ''))),
  );
  const placed = (own: readonly Span[]): Line =>
    own.flatMap(({ text, tone }, index) => [span('  '), span(padEnd(text, widths[index] ?? 0), tone)]);
  return [placed(columns.map(({ title }) => span(title, 'dim'))), ...cells.map(placed)];
}

/** The first of several sets of columns with which the table is not wider than that; the last one if none is. */
export function drawFitting<Row>(
  variants: readonly (readonly Column<Row>[])[],
  rows: readonly Row[],
  width: number,
): Line[] {
  let lines: Line[] = [];
  for (const columns of variants) {
    lines = drawTable(columns, rows);
    if (lines.every((parts) => lineWidth(parts) <= width)) return lines;
  }
  return lines;
}
