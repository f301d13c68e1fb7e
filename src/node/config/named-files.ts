import { accessSync, constants } from 'node:fs';
import { errnoOf } from '../../common/errors.ts';
import { fileReason } from '../../common/file-reason.ts';
import { configPath, type SettingSources, settingAt } from './sources.ts';

/** A setting that cannot stay as it is. */
export interface Problem {
  /** Dotted, in any case. */
  readonly path: string;
  readonly message: string;
}

type Sources = Pick<SettingSources, 'raw' | 'folder'>;

/** What is named and not there, looked up in the raw settings so that a mistake elsewhere hides nothing. */
export function missingFiles(sources: Sources): Problem[] {
  const { raw, folder } = sources;
  const msp = unreadable('peer.mspConfigPath', configPath(folder, settingAt(raw, 'peer.mspConfigPath') || 'msp'));
  return [...msp, ...tlsFiles('peer.tls', sources), ...clientFiles(sources), ...tlsFiles('operations.tls', sources)];
}

/** Certificate and key, where TLS is on: a file that is named for later need not exist yet. */
function tlsFiles(section: 'peer.tls' | 'operations.tls', sources: Sources): Problem[] {
  if (!isOn(sources, `${section}.enabled`)) return [];
  const needed = [`${section}.cert.file`, `${section}.key.file`].flatMap((path) => {
    const absent = { path, message: 'TLS is on, so this file is needed' };
    return fileAt(sources, path) === undefined ? [absent] : named(sources, path);
  });
  return section === 'peer.tls' ? [...needed, ...named(sources, 'peer.tls.rootcert.file')] : needed;
}

const CLIENT = ['peer.tls.clientKey.file', 'peer.tls.clientCert.file'] as const;

/** @see GetClientCertificate in hyperledger/fabric v2.5, core/peer/config.go */
function clientFiles(sources: Sources): Problem[] {
  if (!isOn(sources, 'peer.tls.enabled')) return [];
  const set = CLIENT.filter((path) => fileAt(sources, path) !== undefined);
  const [only] = set;
  if (set.length === 1 && only !== undefined)
    return [{ path: only, message: `${CLIENT.join(' and ')} must both be set or must both be empty` }];
  return set.flatMap((path) => named(sources, path));
}

const isOn = ({ raw }: Sources, path: string): boolean => /^(true|t|1)$/i.test(settingAt(raw, path) ?? '');
const fileAt = ({ raw }: Sources, path: string): string | undefined => settingAt(raw, path) || undefined;

function named(sources: Sources, path: string): Problem[] {
  const file = fileAt(sources, path);
  return file === undefined ? [] : unreadable(path, configPath(sources.folder, file));
}

function unreadable(path: string, file: string): Problem[] {
  try {
    accessSync(file, constants.R_OK);
    return [];
  } catch (thrown) {
    return [{ path, message: errnoOf(thrown) === 'ENOENT' ? `there is no ${file}` : `cannot read ${file}: ${fileReason(file, thrown)}` }];
  }
}
