/** What a command is given beside flags. */
import type { Command } from 'commander';
import { SelvageError } from '../common/errors.ts';

/** Where the stock `peer` minds how many words belong to no flag; elsewhere those that are not used count for nothing. */
export function expectOperands(
  { args }: Pick<Command, 'args'>,
  { least = 0, most }: { readonly least?: number; readonly most: number },
  refusal: string,
): void {
  if (args.length >= least && args.length <= most) return;
  throw new SelvageError('SETTING_INVALID', refusal, args.length > most ? { advice: adviceOn(args) } : {});
}

const adviceOn = (words: readonly string[]): string =>
  words.some((word) => /^(?:true|false)$/i.test(word))
    ? 'A flag that is on or off, like --tls, takes no word behind it: write --tls or --tls=true.'
    : `Words that belong to no flag: ${words.join(' ')}`;

/** @throws {SelvageError} `SETTING_INVALID` in Fabric's words for a flag that was not given, or given as an empty text */
export function required(parameter: string, value: string | undefined, flag: string): void {
  if (value === undefined || value === '') throw missing(parameter, flag);
}

export const missing = (parameter: string, flag: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `The required parameter '${parameter}' is empty. Rerun the command with ${flag} flag`);
