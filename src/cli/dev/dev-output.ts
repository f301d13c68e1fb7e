import { stripVTControlCharacters } from 'node:util';
import { type BuildProgress, buildProgressOf } from '../../packages/build-progress.ts';
import { lifeOf } from '../../packages/chaincode-life.ts';
import type { OutputLine } from '../../packages/output.ts';
import { isShimChatter } from '../chatter.ts';
import type { Reporter } from './reporter.ts';

export interface DevOutputParts {
  readonly reporter: Pick<Reporter, 'build' | 'output' | 'problem' | 'step'>;
  /** Tells only what became of the chaincode, not what it prints. */
  readonly quiet: boolean;
  /** Tells also what shims say to themselves. */
  readonly verbose: boolean;
  /** Name of the chaincode whose packages have a label, or a name in the 1.x lifecycle. */
  readonly nameOf: (label: string) => string;
}

/** Of the TypeScript compiler. */
const DIAGNOSTIC = /\S\(\d+,\d+\): error TS\d+: |:\d+:\d+ - error TS\d+: /;

/**
 * What chaincode and its builds print on a development network: told as it comes, with who printed it, and when a chaincode ended that
 * nobody stopped, and when it works again.
 */
export class DevOutput {
  readonly #parts: DevOutputParts;
  #last: string | undefined;
  #diagnostics: string[] = [];
  readonly #ended = new Set<string>();

  constructor(parts: DevOutputParts) {
    this.#parts = parts;
  }

  /** Undefined when no chaincode has printed anything. */
  get last(): string | undefined {
    return this.#last;
  }

  /** @param place of the peer, where there are several */
  take(ccid: string, line: OutputLine, place?: string): void {
    const progress = buildProgressOf(line);
    const who = this.#who(ccid, place);
    if (progress !== undefined) this.#build(progress);
    else if (line.stream === 'peer') this.#life(`${ccid} ${place ?? ''}`, who, line);
    else this.#printed(who, line);
  }

  #printed(who: string, { stream, text }: OutputLine): void {
    const { reporter, quiet, verbose } = this.#parts;
    const plain = stripVTControlCharacters(text).trimEnd();
    if (plain.trim() === '' || (!verbose && isShimChatter(plain))) return;
    this.#last = plain.trim();
    if (!quiet) reporter.output(who, stream, plain);
  }

  #life(instance: string, who: string, line: OutputLine): void {
    const { reporter } = this.#parts;
    const life = lifeOf(line);
    if (life === 'exited') {
      this.#ended.add(instance);
      const said = this.#last === undefined ? '' : `; it printed last: ${this.#last}`;
      reporter.problem('exited', `${who} ${line.text.replace(/^chaincode /, '')}${said}`, { chaincode: who, lastOutput: this.#last });
    } else if (life === 'registered' && this.#ended.delete(instance))
      reporter.step('chaincode', `${who} works again`, undefined, { chaincode: who });
  }

  /** What the compiler found in spite of which it went on is told once more, where it stays. */
  #build(progress: BuildProgress): void {
    const { reporter } = this.#parts;
    reporter.build(progress);
    if (progress.did === 'started') this.#diagnostics = [];
    else if (progress.did === 'printed' && DIAGNOSTIC.test(progress.text)) this.#diagnostics.push(stripVTControlCharacters(progress.text));
    else if (progress.did === 'ended' && progress.text.startsWith('build finished')) {
      for (const text of this.#diagnostics) reporter.problem('compiler', text, {});
    }
  }

  #who(ccid: string, place: string | undefined): string {
    const name = this.#parts.nameOf(ccid.slice(0, ccid.lastIndexOf(':')));
    return place === undefined ? name : `${name}@${place}`;
  }
}
