import { stripVTControlCharacters } from 'node:util';

/** A rejected promise that nobody handled, as fabric-shim for Node prints it. The transaction behind it may get no answer any more. */
export interface UnhandledRejection {
  /** What was thrown, like `business rule broken`; with the kind of error in front when it is more than an `Error`. */
  readonly reason: string;
  /**
   * `answer`: the shim itself waited for what was rejected, so that it never answers that transaction. `unknown`: it may as well be
   * something beside a transaction that goes on.
   */
  readonly lost: 'answer' | 'unknown';
}

/** @see loggers in hyperledger/fabric-chaincode-node v2.5, libraries/fabric-shim/lib/logger.js */
const START = /Unhandled Rejection reason (.*)$/;
/** What follows the reason; older shims print no more than `[object Promise]`. */
const PROMISE = / promise (Promise \{.*|\[object Promise\].*)$/;
/** A report that does not end is cut here. */
const MAX_LINES = 100;
/** Characters of a reason, as it becomes part of an error. */
const MAX_REASON = 500;

/** Where fabric-shim waits for the chaincode's function, or what stands for it over a local socket. */
const SHIM_WAITS = /^\s*at async handleMessage \(.*(?:fabric-shim|local-transport)/;
const SHIM_CALLS = /^\s*at handleMessage \(.*(?:fabric-shim|local-transport)/;
const ENTRY = /^\s*at (?:async )?\S*\.?(?:Invoke|Init) \(/;
const FRAME = /^\s+at /;

/** Reads the output of a chaincode, line by line, for promises that nobody handled. */
export class UnhandledRejections {
  readonly #found: (rejection: UnhandledRejection) => void;
  #lines: string[] | undefined;

  constructor(found: (rejection: UnhandledRejection) => void) {
    this.#found = found;
  }

  line(text: string): void {
    const line = stripVTControlCharacters(text).trimEnd();
    const [, first] = START.exec(line) ?? [];
    if (first !== undefined) this.#lines = [first];
    else this.#lines?.push(line);
    const lines = this.#lines;
    if (lines === undefined || !(complete(lines) || lines.length > MAX_LINES)) return;
    this.#lines = undefined;
    this.#found(rejectionIn(lines));
  }
}

/** The promise is printed behind the reason: on one line, or over several until its bracket closes. */
function complete(lines: readonly string[]): boolean {
  const printed = lines.findIndex((line) => PROMISE.test(line));
  if (printed < 0) return false;
  return !/ promise Promise \{$/.test(lines[printed] ?? '') || (lines.length - 1 > printed && lines.at(-1) === '}');
}

function rejectionIn(lines: readonly string[]): UnhandledRejection {
  const printed = lines.findIndex((line) => PROMISE.test(line));
  const reason = lines
    .slice(0, printed < 0 ? 1 : printed + 1)
    .map((line) => line.replace(PROMISE, ''))
    .join(' ')
    .replace(/^Error: /, '')
    .slice(0, MAX_REASON);
  return { reason, lost: answerLost(lines.filter((line) => FRAME.test(line))) ? 'answer' : 'unknown' };
}

/**
 * Whether the trace shows that what the shim waits for was rejected: it says so itself, or the function that the shim calls threw with
 * its own hands. A function called by that one may have been called without waiting for it.
 */
const answerLost = (frames: readonly string[]): boolean =>
  frames.some((frame) => SHIM_WAITS.test(frame)) || (ENTRY.test(frames[0] ?? '') && SHIM_CALLS.test(frames[1] ?? ''));
