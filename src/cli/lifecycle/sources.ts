/** What goes into a package, by its type. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import type { LifecyclePackageParts } from '../../packages/lifecycle-package.ts';
import { languageIn, noFolder, packPath } from '../../packages/platforms/platforms.ts';
import { saying } from '../saying.ts';
import type { Terminal } from '../terminal.ts';
import { OUTSIDE_TYPES, outsideCode } from './outside-code.ts';

type Code = Omit<LifecyclePackageParts, 'label'>;

const LANGUAGES = ['golang', 'node', 'java'] as const;
/** As import paths of Go begin that are not of its standard library. */
const HOST_FIRST = /^[^./][^/]*\.[^/]+(\/|$)/;

/**
 * @param path of the folder, or an import path of Go, as the user wrote it: it goes into the metadata, except for a folder of Go, where
 *   that is the import path
 * @param lang in any case; found out where it is left out
 * @throws {SelvageError} `SETTING_INVALID` or `CHAINCODE_PACKAGE_INVALID`
 */
export async function codeOf(path: string, lang: string | undefined, { cwd, say }: Pick<Terminal, 'cwd' | 'say'>): Promise<Code> {
  const folder = resolve(cwd, path);
  if (lang === undefined && !existsSync(folder) && !HOST_FIRST.test(path)) throw noFolder(folder);
  const type = (lang ?? (await typeOf(folder)) ?? 'golang').toLowerCase(); // as Fabric takes what is not called otherwise
  const outside = OUTSIDE_TYPES.find((each) => each.type === type);
  if (outside !== undefined) return { type, path: '', codePackage: await outsideCode(folder, outside) };
  const language = LANGUAGES.find((each) => each === type);
  if (language === undefined)
    throw new SelvageError('SETTING_INVALID', `unknown chaincodeType: ${lang ?? type}`, {
      advice: 'Write golang, node, java, ccaas or k8s.',
    });
  const sources = await packPath(path, language, { cwd, log: saying(say) });
  return { type: lang ?? type, path: language === 'golang' ? sources.path : path, codePackage: sources.codePackage };
}

/** What the content of a folder says that its chaincode is; undefined where nothing does. */
export const typeOf = async (folder: string): Promise<string | undefined> =>
  (await languageIn(folder)) ?? OUTSIDE_TYPES.find(({ file }) => existsSync(resolve(folder, file)))?.type;
