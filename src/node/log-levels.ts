import { compareUtf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const LEVELS: Readonly<Record<string, Level>> = {
  payload: 'debug',
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'error',
  dpanic: 'fatal',
  panic: 'fatal',
  fatal: 'fatal',
};

/** How Fabric says a level back, whichever of its names was used: small letters, and one name for each. */
const SAID: Readonly<Record<string, string>> = { payload: 'debug', notice: 'info', warning: 'warn', critical: 'error' };

const saidAs = (level: string): string => SAID[level.toLowerCase()] ?? level.toLowerCase();

export const RANK = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const satisfies Record<Level, number>;

/** Which level which module logs at: `info`, or `chaincode=debug:ledger,msp=warn:info` (Fabric's specification). */
interface LogSpec {
  readonly base: Level;
  /** By module; a name that ends in a dot means that module alone, any other what is below it as well. */
  readonly modules: ReadonlyMap<string, Level>;
  /** The specification as operators read it back: names in order, levels in small letters. */
  readonly text: string;
}

const LOGGER_NAME = /^[\w#:-]+(\.[\w#:-]+)*$/;

/**
 * @throws {SelvageError} `SETTING_INVALID` naming the part that is wrong
 * @see ActivateSpec and Spec in hyperledger/fabric v2.5, common/flogging/loggerlevels.go
 */
export function parseLogSpec(spec: string): LogSpec {
  const wrong = (what: string): SelvageError => new SelvageError('SETTING_INVALID', `invalid logging specification '${spec}': ${what}`);
  const modules = new Map<string, Level>();
  const said = new Map<string, string>();
  let base: Level = 'info';
  let baseSaid = 'info';
  for (const segment of spec.split(':').filter((each) => each !== '')) {
    const [left = '', right, ...more] = segment.split('=');
    const level = LEVELS[(right ?? left).toLowerCase()];
    if (right !== undefined && left === '') throw wrong(`no logger specified in segment '${segment}'`);
    if (level === undefined || more.length > 0) throw wrong(`bad segment '${segment}'`);
    if (right === undefined) [base, baseSaid] = [level, saidAs(left)];
    else
      for (const name of left.split(',')) {
        if (!LOGGER_NAME.test(name.replace(/\.$/, ''))) throw wrong(`bad logger name '${name}'`);
        modules.set(name, level);
        said.set(name, saidAs(right));
      }
  }
  const text = [...[...said].sort(([a], [b]) => compareUtf8(a, b)).map(([name, level]) => `${name}=${level}`), baseSaid].join(':');
  return { base, modules, text };
}

/** The specification in force. Loggers ask it, so that an operator can change it while the node runs. */
export class LogLevels {
  #spec: LogSpec;

  /** @throws {SelvageError} `SETTING_INVALID` */
  constructor(text: string) {
    this.#spec = parseLogSpec(text);
  }

  get text(): string {
    return this.#spec.text;
  }

  /** Another specification from now on; one that is wrong changes nothing. @throws {SelvageError} `SETTING_INVALID` */
  activate(text: string): void {
    this.#spec = parseLogSpec(text);
  }

  /** Changes whenever other levels are in force. */
  get version(): object {
    return this.#spec;
  }

  /** The least rank that a module logs at: that of its exact name, of the longest prefix, or of all others. */
  rankOf(module: string): number {
    const { base, modules } = this.#spec;
    const exact = modules.get(`${module}.`);
    if (exact !== undefined) return RANK[exact];
    for (let name = module; name !== ''; name = name.slice(0, Math.max(name.lastIndexOf('.'), 0))) {
      const level = modules.get(name);
      if (level !== undefined) return RANK[level];
    }
    return RANK[base];
  }
}
