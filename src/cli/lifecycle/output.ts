import { SelvageError } from '../../common/errors.ts';

/** The `--output` flag. @throws {SelvageError} `SETTING_INVALID` for a format that there is not */
export function wantsJson({ output = '' }: { readonly output?: string }): boolean {
  if (output === '' || output.toLowerCase() === 'json') return output !== '';
  throw new SelvageError('SETTING_INVALID', `--output ${output} is unknown`, { advice: 'Write json, or leave it out for text.' });
}
