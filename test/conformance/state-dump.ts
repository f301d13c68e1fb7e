/** The whole state of a ledger and a recorded dump of a peer's state database, in one form. */
import { join } from 'node:path';
import { hex } from '../../src/common/bytes.ts';
import { LmdbStore } from '../../src/ledger/kv/lmdb-store.ts';
import { decodeStateValue } from '../../src/ledger/statedb/state-value.ts';
import { common } from '../../src/protos/messages.ts';
import { canonical } from './canonical.ts';
import { type Network, readLines } from './recording.ts';

export interface StateDump {
  /** `namespace key` (key in hexadecimal) to value, version and metadata, printed. */
  readonly entries: ReadonlyMap<string, string>;
  /** The configuration that a peer keeps among its state, decoded: its maps come in any order. */
  readonly config: string;
}

/** What a ledger that is closed holds. */
export async function dumpOf(ledgerFolder: string): Promise<StateDump> {
  await using kv = new LmdbStore({ path: join(ledgerFolder, 'state'), durability: 'overlapping' });
  using snapshot = kv.snapshot();
  using range = snapshot.range({ gte: Buffer.from('sv'), lt: Buffer.from('sw') });
  const entries = new Map<string, string>();
  let config = '';
  for (let entry = await range.next(); entry !== undefined; entry = await range.next()) {
    const [, namespace = '', key = ''] = /^sv([^\0]*)\0(.*)$/s.exec(Buffer.from(entry.key).toString('utf8')) ?? [];
    const { value, version, metadata } = decodeStateValue(entry.value);
    if (namespace === '') config = printedConfig(key, value);
    else
      entries.set(
        `${namespace} ${hexOf(namespace, key)}`,
        printed(hex(value), [version.blockNum, version.txNum], metadata && hex(metadata)),
      );
  }
  return { entries, config };
}

interface DumpLine {
  readonly ns?: string;
  readonly key: string;
  readonly value: string;
  readonly version: readonly [number, number];
  readonly metadata?: string;
  readonly rawKeyHex: string;
  readonly rawValueHex: string;
}

export function recordedDump(network: Network, file: string): StateDump {
  const entries = new Map<string, string>();
  let config = '';
  for (const { ns, key, value, version, metadata, ...raw } of readLines<DumpLine>(file)) {
    if (ns !== undefined) entries.set(`${ns} ${unbase64(key)}`, printed(unbase64(value), version, metadata && unbase64(metadata)));
    else config ||= recordedConfig(network, raw);
  }
  return { entries, config };
}

const printed = (value: string, version: readonly [bigint | number, bigint | number], metadata: string | undefined): string =>
  `${version.join()} ${value} ${metadata ?? ''}`;

const CONFIG_KEY = /(resourcesconfigtx\.CHANNEL_CONFIG_KEY|CHANNEL_CONFIG_ENV_BYTES)$/;

/** A raw line is the configuration or a save point. 1.1 keeps version and value in a row, 2.x in fields 1 and 2 of a message. */
function recordedConfig(network: Network, { rawKeyHex, rawValueHex }: Pick<DumpLine, 'rawKeyHex' | 'rawValueHex'>): string {
  const key = CONFIG_KEY.exec(Buffer.from(rawKeyHex, 'hex').toString('latin1'))?.[0];
  if (key === undefined) return '';
  const value = Buffer.from(rawValueHex, 'hex');
  return printedConfig(key, network === 'v1.1' ? afterHeight(value) : common.Envelope.decode(value).signature);
}

/** Behind two numbers, each with its length in front. */
function afterHeight(value: Uint8Array): Uint8Array {
  const first = 1 + (value[0] ?? 0);
  return value.subarray(first + 1 + (value[first] ?? 0));
}

/** 2.x keeps the envelope, 1.1 the configuration alone. */
const printedConfig = (key: string, value: Uint8Array): string =>
  canonical(key === 'CHANNEL_CONFIG_ENV_BYTES' ? common.ConfigEnvelope.decode(value).config : common.Config.decode(value));

/** Keys are text, but where they are hashes. */
const hexOf = (namespace: string, key: string): string => Buffer.from(key, namespace.includes('$$h') ? 'latin1' : 'utf8').toString('hex');
const unbase64 = (text: string): string => Buffer.from(text, 'base64').toString('hex');
