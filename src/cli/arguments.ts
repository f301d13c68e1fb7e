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
]);

/** The command line as commander reads it: `--tls=true` becomes `--tls`, `--tls=false` goes away. */
export function normaliseArguments(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end);
  return [...flags.flatMap(normaliseFlag), ...rest];
}

function normaliseFlag(argument: string): string[] {
  const [, name, value] = /^--?([\w-]+)=(true|false|1|0|t|f)$/i.exec(argument) ?? [];
  if (name === undefined || value === undefined || !BOOLEAN_FLAGS.has(name)) return [argument];
  return /^(true|1|t)$/i.test(value) ? [`--${name}`] : [];
}
