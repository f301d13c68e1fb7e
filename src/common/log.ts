/** Fields of one log line. Never key material or payload bytes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a component says what happens: a constant message and fields. `node/` decides where it goes. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line also carries `fields`. */
  child(fields: LogFields): Logger;
}

/** Says nothing. The default of parts that can do without. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
