import { type Logger as Pino, pino } from 'pino';
import { SelvageError } from '../common/errors.ts';
import type { LogFields, Logger } from '../common/log.ts';

const LEVELS: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'error',
  panic: 'fatal',
  fatal: 'fatal',
};

/** Which level which module logs at: `info`, or `chaincode=debug:ledger,msp=warn:info` (Fabric's specification). */
export interface LogSpec {
  readonly base: string;
  readonly modules: ReadonlyMap<string, string>;
}

/** @throws {SelvageError} `SETTING_INVALID` naming the part that is wrong */
export function parseLogSpec(spec: string): LogSpec {
  const modules = new Map<string, string>();
  let base = 'info';
  for (const part of spec.split(':').filter((each) => each !== '')) {
    const [left = '', right] = part.split('=');
    const level = LEVELS[(right ?? left).toLowerCase()];
    if (level === undefined) throw new SelvageError('SETTING_INVALID', `invalid logging specification '${spec}': bad segment '${part}'`);
    if (right === undefined) base = level;
    else for (const name of left.split(',')) modules.set(name.trim().replace(/\.$/, ''), level);
  }
  return { base, modules };
}

export interface LogTarget {
  readonly spec: LogSpec;
  /** Where lines go: a file's path, or a file descriptor (2 is standard error). */
  readonly destination: string | 2;
}

/** A log that writes JSON lines. Disposing flushes it. */
export interface OpenLog extends Disposable {
  readonly log: Logger;
}

/** A child with a `module` field logs at that module's level. */
export function openLog({ spec, destination }: LogTarget): OpenLog {
  const sink = pino.destination({ dest: destination, sync: true, mkdir: true, append: true });
  const root = pino(
    { level: 'trace', base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { cause: pino.stdSerializers.err } },
    sink,
  );
  return { log: new PinoLogger(root, spec, ''), [Symbol.dispose]: () => sink.end() };
}

const RANK: Readonly<Record<string, number>> = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

class PinoLogger implements Logger {
  readonly #pino: Pino;
  readonly #spec: LogSpec;
  readonly #module: string;
  readonly #least: number;

  constructor(target: Pino, spec: LogSpec, module: string) {
    this.#pino = target;
    this.#spec = spec;
    this.#module = module;
    this.#least = RANK[levelOf(spec, module)] ?? 30;
  }

  debug(message: string, fields: LogFields = {}): void {
    if (this.#least <= 20) this.#pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    if (this.#least <= 30) this.#pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    if (this.#least <= 40) this.#pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    if (this.#least <= 50) this.#pino.error(fields, message);
  }

  child(fields: LogFields): Logger {
    const module = typeof fields['module'] === 'string' ? fields['module'] : this.#module;
    return new PinoLogger(this.#pino.child(fields), this.#spec, module);
  }
}

/** The level of the longest specified prefix: `chaincode.stream` falls back to `chaincode`, then to the base. */
function levelOf({ base, modules }: LogSpec, module: string): string {
  for (let name = module; name !== ''; name = name.slice(0, Math.max(name.lastIndexOf('.'), 0))) {
    const level = modules.get(name);
    if (level !== undefined) return level;
  }
  return base;
}
