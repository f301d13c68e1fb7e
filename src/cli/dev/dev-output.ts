import { stripVTControlCharacters } from 'node:util';
import { buildProgressOf } from '../../packages/build-progress.ts';
import type { OutputLine } from '../../packages/output.ts';
import type { Reporter } from './reporter.ts';

/** What chaincode and its builds print on a development network: builds are told as they go on, of the rest the last line is kept. */
export class DevOutput {
  readonly #reporter: Pick<Reporter, 'build'>;
  #last: string | undefined;

  constructor(reporter: Pick<Reporter, 'build'>) {
    this.#reporter = reporter;
  }

  /** Undefined when no chaincode has printed anything. */
  get last(): string | undefined {
    return this.#last;
  }

  take(line: OutputLine): void {
    const progress = buildProgressOf(line);
    if (progress !== undefined) this.#reporter.build(progress);
    else if (line.stream !== 'peer' && line.text.trim() !== '') this.#last = stripVTControlCharacters(line.text).trim();
  }
}
