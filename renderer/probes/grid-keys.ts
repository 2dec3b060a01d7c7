/** A place in the grid. Row 0 and column 0 are the heads. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

/** How far the grid reaches: the last row and column, and the rows and columns of one screenful. */
export interface Extent {
  readonly rows: number;
  readonly columns: number;
  readonly pageRows: number;
  readonly pageColumns: number;
}

const between = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/**
 * Where a key leads, as the WAI-ARIA grid pattern has it: arrows, Home and End in the row (with Control: in the grid), Page Up
 * and Page Down (with Alt: sideways). Null for other keys.
 */
export function moveBy(
  { row, column }: Place,
  { key, ctrl, alt }: { key: string; ctrl: boolean; alt: boolean },
  { rows, columns, pageRows, pageColumns }: Extent,
): Place | null {
  const to = (nextRow: number, nextColumn: number): Place => ({
    row: between(nextRow, 0, rows),
    column: between(nextColumn, 0, columns),
  });
  switch (key) {
    case 'ArrowUp':
      return ctrl ? to(1, column) : to(row - 1, column);
    case 'ArrowDown':
      return ctrl ? to(rows, column) : to(row + 1, column);
    case 'ArrowLeft':
      return ctrl ? to(row, 1) : to(row, column - 1);
    case 'ArrowRight':
      return ctrl ? to(row, columns) : to(row, column + 1);
    case 'Home':
      return ctrl ? to(1, 1) : to(row, 1);
    case 'End':
      return ctrl ? to(rows, columns) : to(row, columns);
    case 'PageUp':
      return alt ? to(row, column - pageColumns) : to(Math.max(1, row - pageRows), column);
    case 'PageDown':
      return alt ? to(row, column + pageColumns) : to(row + pageRows, column);
    default:
      return null;
  }
}
