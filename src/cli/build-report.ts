import { stripVTControlCharacters } from 'node:util';
import type { BuildProgress } from '../packages/build-progress.ts';
import { isBuildChatter } from './chatter.ts';
import type { Terminal } from './terminal.ts';

export interface BuildReportParts {
  readonly terminal: Pick<Terminal, 'write' | 'interactive' | 'colours' | 'columns'>;
  /** Every line, also where a person watches. */
  readonly verbose: boolean;
  /** Takes whole lines. */
  readonly print: (line: string) => void;
}

const FRAMES = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];
const FRAME_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

/**
 * Shows what a build does while it goes on: in a terminal one line with its work, the time so far and what it printed last, which is
 * gone in the end; elsewhere, and when every line is wanted, each line behind a mark.
 */
export class BuildReport implements Disposable {
  readonly #parts: BuildReportParts;
  readonly #changing: boolean;
  #work = '';
  #last = '';
  #begun = 0;
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;

  constructor(parts: BuildReportParts) {
    this.#parts = parts;
    this.#changing = parts.terminal.interactive && !parts.verbose;
  }

  tell({ did, text }: BuildProgress): void {
    if (did === 'printed' && !this.#parts.verbose && isBuildChatter(stripVTControlCharacters(text))) return;
    if (!this.#changing) this.#parts.print(`  build │ ${did === 'started' ? `${text} …` : text}`.trimEnd());
    else if (did === 'started') this.#start(text);
    else if (did === 'ended') this.#end();
    else this.#last = plain(text);
  }

  /** Takes the changing line away, so that something else can be printed; it comes back by itself. */
  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#write(CLEAR_LINE);
  }

  [Symbol.dispose](): void {
    this.#running = 0;
    this.#stop();
  }

  #start(work: string): void {
    this.#running += 1;
    if (this.#running > 1) return; // of several peers the first is shown
    [this.#work, this.#last, this.#begun] = [work, '', performance.now()];
    this.#show();
    this.#timer = setInterval(() => this.#show(), FRAME_MS).unref();
  }

  #end(): void {
    this.#running = Math.max(0, this.#running - 1);
    if (this.#running === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #show(): void {
    const { colours, columns } = this.#parts.terminal;
    const ms = performance.now() - this.#begun;
    const frame = FRAMES[Math.floor(ms / FRAME_MS) % FRAMES.length] ?? '';
    const text = `${this.#work}, ${Math.floor(ms / 1000)} s${this.#last === '' ? '' : `: ${this.#last}`}`;
    const room = Math.max(20, (columns?.() || 80) - 3);
    const fitting = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    this.#shown = true;
    this.#write(`${CLEAR_LINE}${frame} ${colours ? `\u001b[2m${fitting}\u001b[0m` : fitting}`);
  }

  #write(text: string): void {
    this.#parts.terminal.write(Buffer.from(text));
  }
}

/** Without colours and whatever else would move the cursor. */
const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim();
