import { LineSplitter } from '../../common/line-splitter.ts';
import { KeptOutput } from '../kept-output.ts';
import type { OutputStream } from './output-frames.ts';

/** What a container prints, as lines of either stream, and what of it is kept. */
export class ContainerOutput {
  readonly #kept = new KeptOutput();
  readonly #splitters: Readonly<Record<OutputStream, LineSplitter>>;
  #ended = false;

  constructor(onLine: (line: string, stream: OutputStream) => void) {
    const splitter = (stream: OutputStream): LineSplitter =>
      new LineSplitter((line) => {
        this.#kept.add(line);
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
    return this.#kept.lines;
  }
}
