import { SelvageError } from '../../common/errors.ts';

/** The `-l` flag, in any case. @throws {SelvageError} `SETTING_INVALID` */
export function languageOf(lang: string): 'GOLANG' | 'NODE' | 'JAVA' {
  const upper = lang.toUpperCase();
  if (upper === 'GOLANG' || upper === 'NODE' || upper === 'JAVA') return upper;
  throw new SelvageError('SETTING_INVALID', `Unknown chaincodeType: ${lang}`, { advice: 'Write golang, node or java.' });
}
