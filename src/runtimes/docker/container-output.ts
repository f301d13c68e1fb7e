import { LineSplitter, Tail } from '../process/lines.ts';
import type { OutputStream } from './output-frames.ts';

/** What a container prints, as lines of either stream; the last lines are kept. */
export class ContainerOutput {
  readonly #tail: Tail;
  readonly #splitters: Readonly<Record<OutputStream, LineSplitter>>;
  #ended = false;

  constructor(keep: number, onLine: (line: string, stream: OutputStream) => void) {
    this.#tail = new Tail(keep);
    const splitter = (stream: OutputStream): LineSplitter =>
      new LineSplitter((line) => {
        this.#tail.add(line);
        onLine(line, stream);
      });
    this.#splitters = { stdout: splitter('stdout'), stderr: splitter('stderr') };
  }

  readonly push = (chunk: Buffer, stream: OutputStream): void => this.#splitters[stream].push(chunk);

  /** What came after the last line break is a line too. Twice is harmless. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#splitters.stdout.end();
    this.#splitters.stderr.end();
  }

  get lines(): readonly string[] {
    return this.#tail.lines;
  }
}
