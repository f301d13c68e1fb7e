import { describe, expect, it, vi } from 'vitest';
import type { BuildProgress } from '../packages/build-progress.ts';
import { BuildReport } from './build-report.ts';

function report(interactive: boolean, verbose = false) {
  const printed: string[] = [];
  let screen = '';
  const write = (bytes: Uint8Array): void => {
    for (const part of Buffer.from(bytes)
      .toString('utf8')
      .split(/(?=\r)/))
      screen = part.startsWith('\r\u001b[2K') ? part.slice(5) : screen + part;
  };
  const terminal = { write, interactive, colours: false, columns: () => 60 };
  return { report: new BuildReport({ terminal, verbose, print: (line) => printed.push(line) }), printed, screen: () => screen };
}

const STEPS: readonly BuildProgress[] = [
  { did: 'started', text: 'installing the dependencies' },
  { did: 'printed', text: '\u001b[32madded\u001b[0m 75 packages' },
  { did: 'ended', text: 'build finished after 3.2 s' },
];

describe('a build that goes on', () => {
  it.each([
    [false, false],
    [false, true],
    [true, true],
  ])('is told line by line (terminal: %s, all lines wanted: %s)', (interactive, verbose) => {
    const { report: told, printed, screen } = report(interactive, verbose);
    for (const step of STEPS) told.tell(step);
    expect(printed).toEqual([
      '  build │ installing the dependencies …',
      '  build │ \u001b[32madded\u001b[0m 75 packages',
      '  build │ build finished after 3.2 s',
    ]);
    expect(screen()).toBe('');
  });

  it('is one changing line in a terminal, which makes way for others and is gone in the end', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      const { report: told, printed, screen } = report(true);
      const [started, line, ended] = STEPS;
      if (started === undefined || line === undefined || ended === undefined) throw new Error('steps');
      told.tell(started);
      expect(screen()).toMatch(/^. installing the dependencies, 0 s$/);
      told.tell(line);
      vi.advanceTimersByTime(2_100);
      expect(screen()).toMatch(/^. installing the dependencies, 2 s: added 75 packages$/);
      told.clear();
      expect(screen()).toBe('');
      vi.advanceTimersByTime(100);
      expect(screen()).toContain('added 75');
      told.tell({ did: 'printed', text: 'x'.repeat(500) });
      vi.advanceTimersByTime(100);
      expect(screen()).toHaveLength(59);
      told.tell(started);
      told.tell(ended);
      expect(screen()).not.toBe('');
      told.tell(ended);
      expect(screen()).toBe('');
      vi.advanceTimersByTime(1_000);
      expect(screen()).toBe('');
      expect(printed).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });
});
