/** Code packages of chaincode that runs elsewhere: no sources, but the file that says where, and indexes. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { compareUtf8 } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { compress } from '../../packages/archive/pack.ts';
import { writeTar } from '../../packages/archive/tar-writer.ts';
import { checkMetadata } from '../../packages/index-metadata.ts';

interface OutsideType {
  readonly type: 'ccaas' | 'k8s';
  /** At the root of the archive. */
  readonly file: string;
  /** Texts that the file has to have. */
  readonly keys: readonly string[];
  /** How it looks. */
  readonly example: string;
}

/** @see the README of hyperledger/fabric v2.5, ccaas_builder, and of hyperledger-labs/fabric-builder-k8s */
export const OUTSIDE_TYPES: readonly OutsideType[] = [
  {
    type: 'ccaas',
    file: 'connection.json',
    keys: ['address'],
    example: '{"address":"HOST:PORT","dial_timeout":"10s","tls_required":false}',
  },
  { type: 'k8s', file: 'image.json', keys: ['name', 'digest'], example: '{"name":"IMAGE","digest":"sha256:HASH"}' },
];

/**
 * That file and META-INF/, in the order of their names and without times: the same folder gives the same bytes.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` saying what the file needs
 */
export async function outsideCode(folder: string, outside: OutsideType): Promise<Uint8Array> {
  const content = await readFile(join(folder, outside.file)).catch((cause: unknown) => {
    throw refused(outside, `${folder} has no ${outside.file}`, cause);
  });
  checkKeys(content.toString('utf8'), outside);
  const indexes = await metaInf(folder);
  const entries = [{ name: outside.file, content }, ...indexes].sort((a, b) => compareUtf8(a.name, b.name));
  return compress(await buffer(writeTar(entries)));
}

function checkKeys(text: string, outside: OutsideType): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(outside, `${outside.file} is no JSON: ${messageOf(cause)}`, cause);
  }
  const fields = new Map(Object.entries(typeof value === 'object' && value !== null ? value : {}));
  const missing = outside.keys.find((key) => typeof fields.get(key) !== 'string' || fields.get(key) === '');
  if (missing !== undefined) throw refused(outside, `${outside.file} does not say its ${missing}`);
}

async function metaInf(folder: string) {
  const found = await readdir(join(folder, 'META-INF'), { recursive: true, withFileTypes: true }).catch(() => []); // most have none
  const files = found.filter((each) => each.isFile() && !each.name.startsWith('.'));
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const file = join(parentPath, name);
      const entry = { name: file.slice(folder.length + 1).replaceAll('\\', '/'), content: await readFile(file) };
      checkMetadata({ path: entry.name, content: entry.content });
      return entry;
    }),
  );
}

const refused = ({ file, example }: OutsideType, message: string, cause?: unknown): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', message, { cause, advice: `Write ${file} like ${example}` });
