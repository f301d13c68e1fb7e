import { deferred } from '../../src/common/deferred.ts';
import type { LogFields, Logger } from '../../src/common/log.ts';

/** A log that tells when a chaincode has registered. */
export class RegistrationLog implements Logger {
  readonly #registered = new Map<string, ReturnType<typeof deferred<void>>>();

  /** Resolves when the peer has said so, before or after this is asked. */
  registered(ccid: string): Promise<void> {
    return this.#of(ccid).promise;
  }

  debug = (): void => undefined;
  info = (message: string, fields: LogFields = {}): void => {
    if (message === 'chaincode registered') this.#of(String(fields['ccid'])).resolve();
  };
  warn = (): void => undefined;
  error = (): void => undefined;
  child = (): Logger => this;

  #of(ccid: string) {
    const known = this.#registered.get(ccid) ?? deferred<void>();
    this.#registered.set(ccid, known);
    return known;
  }
}
