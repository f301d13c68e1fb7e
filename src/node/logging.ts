import { fstatSync, write, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BackgroundWriter, type BackgroundWriterParts } from '../common/background-writer.ts';
import { counters, type Labelled } from '../common/labelled.ts';
import type { LogFields, Logger } from '../common/log.ts';
import { type Counter, type Metrics, unmeasured } from '../common/metrics.ts';
import { RotatingFile } from '../common/rotating-file.ts';
import { type Level, type LogLevels, RANK } from './log-levels.ts';
import { logLine } from './log-line.ts';

export interface LogTarget {
  readonly levels: LogLevels;
  /** Where lines go: a file's path, or a file descriptor (2 is standard error). */
  readonly destination: string | 2;
  /** Of a file: when it would become larger it is `PATH.1` and a new one begins. 50 MiB by default, so 100 MiB with the old one. */
  readonly maxBytes?: number;
  /** Counts entries; nobody unless told. */
  readonly metrics?: Metrics;
}

/** A log that writes JSON lines, in the background. Disposing waits until they are written; what is logged later is lost. */
export interface OpenLog extends AsyncDisposable {
  readonly log: Logger;
  /** Writes what is waiting at once, for a process that ends now. */
  flush(): void;
}

/** Lines that wait for the device; what comes faster is counted and dropped. */
const MAX_WAITING = 8 * 1024 * 1024;
/** How long a device that takes nothing may keep the end of the process. */
const LAST_WORDS_MS = 2_000;

/** A child with a `module` field logs at that module's level. */
export function openLog({ levels, destination, maxBytes = 50 * 1024 * 1024, metrics = unmeasured }: LogTarget): OpenLog {
  const parts = {
    maxWaiting: MAX_WAITING,
    dropped: (lines: number) =>
      logLine('error', new Date(), { lines }, 'lines are missing here: they came faster than they could be written'),
    onBroken: () => undefined, // there is nowhere left to say so
  };
  const sink = destination === 2 ? new StandardError(parts) : new RotatingFile({ ...parts, path: destination, maxBytes });
  return {
    log: new JsonLogger({ levels, entries: entriesOf(metrics), write: (line) => sink.write(line), fields: {}, module: '' }),
    flush: () => sink.flush(),
    [Symbol.asyncDispose]: async () => {
      const over = new AbortController();
      await Promise.race([sink[Symbol.asyncDispose](), delay(LAST_WORDS_MS, undefined, { signal: over.signal }).catch(() => undefined)]);
      over.abort();
    },
  };
}

const writeTo = promisify(write);

/** A file is written outside the event loop; a pipe or a terminal by Node's own stream, which waits where they are full. */
class StandardError implements AsyncDisposable {
  readonly #writer: BackgroundWriter;

  constructor(parts: Omit<BackgroundWriterParts, 'append'>) {
    const append = fstatSync(2).isFile() ? appendToFile : appendToStream;
    this.#writer = new BackgroundWriter({ ...parts, append });
  }

  write(text: string): void {
    this.#writer.write(text);
  }

  flush(): void {
    writeSync(2, this.#writer.takeWaiting());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer.end();
  }
}

async function appendToFile(text: string): Promise<void> {
  for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray((await writeTo(2, rest)).bytesWritten);
}

const appendToStream = (text: string): Promise<void> =>
  new Promise((resolve, reject) => process.stderr.write(text, (cause) => (cause ? reject(cause) : resolve())));

interface Entries {
  /** By level. */
  readonly checked: Labelled<Counter>;
  readonly written: Labelled<Counter>;
}

/** @see common/flogging/metrics/observer.go in hyperledger/fabric v2.5 */
const entriesOf = (metrics: Metrics): Entries => ({
  checked: counters(metrics, 'logging_entries_checked', 'Number of log entries checked against the active logging level', ['level']),
  written: counters(metrics, 'logging_entries_written', 'Number of log entries that are written', ['level']),
});

interface JsonLoggerParts {
  readonly entries: Entries;
  readonly levels: LogLevels;
  readonly write: (line: string) => void;
  readonly fields: LogFields;
  readonly module: string;
}

class JsonLogger implements Logger {
  readonly #parts: JsonLoggerParts;
  #asked: object | undefined;
  #least = 0;

  constructor(parts: JsonLoggerParts) {
    this.#parts = parts;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  child(fields: LogFields): Logger {
    const module = typeof fields['module'] === 'string' ? fields['module'] : this.#parts.module;
    return new JsonLogger({ ...this.#parts, module, fields: { ...this.#parts.fields, ...fields } });
  }

  #log(level: Level, message: string, fields: LogFields = {}): void {
    const { levels, write: put, module, entries } = this.#parts;
    entries.checked.of(level).add();
    if (this.#asked !== levels.version) {
      this.#asked = levels.version;
      this.#least = levels.rankOf(module);
    }
    if (RANK[level] < this.#least) return;
    entries.written.of(level).add();
    put(logLine(level, new Date(), { ...this.#parts.fields, ...fields }, message));
  }
}
