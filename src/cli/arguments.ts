/** Go's flags that take no value but may be written `--flag=true`. */
const BOOLEAN_FLAGS = new Set([
  'tls',
  'clientauth',
  'waitForEvent',
  'isInit',
  'installed',
  'instantiated',
  'hex',
  'raw',
  'cc-package',
  'sign',
  'peer-chaincodedev',
  'once',
  'json',
  'no-tls',
  'watch',
  'bestEffort',
  'init-required',
  'inspect',
]);

/** Of these, those that are on where nothing is said, at least for one command. */
const NEGATED_FLAGS = new Set(['waitForEvent']);

/** The command line as commander reads it: `--tls=true` becomes `--tls`, `--tls=false` goes away, or becomes `--no-…` for a flag that is on by default. */
export function normaliseArguments(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end);
  return [...flags.flatMap(normaliseFlag), ...rest];
}

function normaliseFlag(argument: string): string[] {
  const [, name, value] = /^--?([\w-]+)=(true|false|1|0|t|f)$/i.exec(argument) ?? [];
  if (name === undefined || value === undefined || !BOOLEAN_FLAGS.has(name)) return [argument];
  if (/^(true|1|t)$/i.test(value)) return [`--${name}`];
  return NEGATED_FLAGS.has(name) ? [`--no-${name}`] : [];
}
