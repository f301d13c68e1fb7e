const UNITS_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a duration as Go writes it (`700ms`, `2s`, `1m30.5s`), undefined for anything else.
 * @see ParseDuration of Go's time package
 */
export function goDurationMs(text: string): number | undefined {
  const [, sign = '', body = ''] = text.match(/^([+-]?)(.*)$/s) ?? [];
  if (body === '0') return 0;
  const parts = [...body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== body) return undefined;
  const total = parts.reduce((sum, [, count = '', unit = '']) => sum + Number(count) * (UNITS_MS[unit] ?? Number.NaN), 0);
  return sign === '-' ? -total : total;
}
