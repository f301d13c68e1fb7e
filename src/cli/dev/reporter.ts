import type { BuildProgress } from '../../packages/build-progress.ts';
import { BuildReport } from '../build-report.ts';
import type { Terminal } from '../terminal.ts';

/** Values of one fact for programs: JSON has no bigint, so block numbers come as numbers. */
export type Facts = Readonly<Record<string, unknown>>;

/** Tells what happens, to a person or to a program. */
export interface Reporter {
  /** A step that is done. @param ms how long it took; undefined for what took no time worth telling */
  step(name: string, text: string, ms: number | undefined, facts: Facts): void;
  /** Something that went wrong and does not end the command, in one line. */
  problem(name: string, text: string, facts: Facts): void;
  /** More about the step before, for people only. */
  detail(line: string): void;
  /** A fact that is no step, like where the log is. @param lines how people read it */
  fact(name: string, facts: Facts, lines: readonly string[]): void;
  /** What a build does while a step goes on. */
  build(progress: BuildProgress): void;
  /** A line that chaincode printed. @param who its name, with the organisation where there are several */
  output(who: string, stream: string, text: string): void;
}

/** One JSON object per line: `{"fact":"network", …}`. */
export const jsonReporter = ({ out }: Terminal): Reporter => ({
  step: (name, _text, ms, facts) => out(JSON.stringify({ fact: name, ...facts, ...(ms === undefined ? {} : { ms: Math.round(ms) }) })),
  problem: (name, text, facts) => out(JSON.stringify({ fact: name, problem: text, ...facts })),
  detail: () => undefined,
  fact: (name, facts) => out(JSON.stringify({ fact: name, ...facts })),
  build: (progress) => out(JSON.stringify({ fact: 'build', ...progress })),
  output: (chaincode, stream, text) => out(JSON.stringify({ fact: 'output', chaincode, stream, text })),
});

const NAME_WIDTH = 11;
const TEXT_WIDTH = 66;

/** Aligned lines with the time of each step at the right. @param verbose whether builds are told line by line in a terminal too */
export function humanReporter(terminal: Terminal, verbose = false): Reporter {
  const { colours } = terminal;
  const building = new BuildReport({ terminal, verbose, print: terminal.out });
  const out = (line: string): void => {
    building.clear();
    terminal.out(line);
  };
  const paint = (code: string, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    step: (name, text, ms) => {
      const time = ms === undefined ? '' : formatted(ms).padStart(9);
      out(`${paint('32', '✓')} ${paint('1', name.padEnd(NAME_WIDTH))} ${text.padEnd(TEXT_WIDTH)}${paint('2', time)}`.trimEnd());
    },
    problem: (name, text) => out(`${paint('31', '✗')} ${paint('1', name.padEnd(NAME_WIDTH))} ${text}`),
    detail: (line) => out(`  ${' '.repeat(NAME_WIDTH)} ${paint('2', line)}`),
    fact: (_name, _facts, lines) => {
      for (const line of lines) out(line);
    },
    build: (progress) => building.tell(progress),
    output: (who, _stream, text) => out(`${paint('36', `${who} │`)} ${text}`),
  };
}

const formatted = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);
