import type { Terminal } from '../terminal.ts';

/** The `--output` flag: json in any case; of other formats the stock `peer` makes text without a word. */
export function wantsJson({ output = '' }: { readonly output?: string }, { say }: Pick<Terminal, 'say'>): boolean {
  const json = output.toLowerCase() === 'json';
  if (!json && output !== '') say(`--output ${output} is unknown: the answer is printed as text`);
  return json;
}
