/** Columns aligned, the first ones to the left, numbers to the right. */
export function table(title: string, header: readonly string[], rows: readonly (readonly string[])[], leftAligned: number): string {
  const widths = header.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at < leftAligned ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return ['', title, '', line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line), ''].join('\n');
}

/** Three significant places, or a dash for what could not be measured. */
export function figure(value: number, digits = value >= 100 ? 0 : value >= 10 ? 1 : 2): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

export const ratio = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(2)} x` : '-');
