import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { OutputRecord } from '../../chaincode/output/output-record.ts';
import { allWithOutput, chaincodesWithOutput, readOutput } from '../../chaincode/output/read-output.ts';
import { SelvageError } from '../../common/errors.ts';
import { configPath, readSources, settingAt } from '../../node/config/sources.ts';
import type { Terminal } from '../terminal.ts';
import type { LogsFlags } from './chaincode-flags.ts';

/** Where one peer keeps the output of its chaincode. */
export interface OutputPlace {
  readonly directory: string;
  /** Told before each line when there are several peers. */
  readonly label: string;
}

/**
 * Prints what a chaincode printed, oldest first; with `follow`, until the terminal's signal aborts.
 * @throws {SelvageError} `CHAINCODE_NOT_FOUND` when nothing is kept of it, with the names that there are
 */
export async function logs(name: string, { follow = false, tx, data }: LogsFlags, terminal: Terminal): Promise<void> {
  const places = data === undefined ? [peerOf(terminal)] : await peersIn(resolve(terminal.cwd, data));
  if (!follow) await refuseUnknown(name, places);
  await Promise.all(
    places.map(async ({ directory, label }) => {
      const records = readOutput(directory, name, { follow, txId: tx, signal: terminal.signal });
      for await (const record of records) terminal.out(`${places.length > 1 ? `${label} ` : ''}${lineOf(record)}`);
    }),
  );
}

/** The peer of core.yaml and the environment. */
export function peerOf({ env }: Pick<Terminal, 'env'>): OutputPlace {
  const { raw, folder } = readSources(env);
  const path = settingAt(raw, 'peer.fileSystemPath') || '/var/hyperledger/production';
  return { directory: join(configPath(folder, path), 'chaincode-logs'), label: '' };
}

/** The peers of a network that `selvage dev --data` keeps. */
async function peersIn(data: string): Promise<readonly OutputPlace[]> {
  const names = await readdir(join(data, 'peers')).catch(() => []);
  if (names.length > 0) return names.sort().map((label) => ({ label, directory: join(data, 'peers', label, 'chaincode-logs') }));
  throw new SelvageError('SETTING_INVALID', `${data} holds no development network`, {
    advice: 'Name the folder that selvage dev --data was given.',
  });
}

async function refuseUnknown(name: string, places: readonly OutputPlace[]): Promise<void> {
  const found = await Promise.all(places.map(({ directory }) => chaincodesWithOutput(directory, name)));
  if (found.flat().length > 0) return;
  const others = (await Promise.all(places.map(({ directory }) => allWithOutput(directory)))).flat();
  throw new SelvageError(
    'CHAINCODE_NOT_FOUND',
    `no output of chaincode ${name} in ${places.map(({ directory }) => directory).join(', ')}`,
    {
      advice:
        others.length > 0
          ? `There is output of ${[...new Set(others)].sort().join(', ')}.`
          : 'Set CORE_PEER_FILESYSTEMPATH to the data folder of the peer, or use --data with the folder of selvage dev --data.',
    },
  );
}

/**
 * `09:16:03.123 1a2b3c4d hello`: time of day in UTC, the beginning of the transaction's id, the line; `!` marks standard error. `r2`
 * before the id: the second of several replicas.
 */
const lineOf = ({ time, replica, stream, txId = '', text }: OutputRecord): string =>
  `${time.slice(11, 23)} ${replica === undefined ? '' : `r${replica} `}${txId.slice(0, 8).padEnd(8)} ${MARKS[stream] ?? ' '} ${text}`.trimEnd();

const MARKS: Readonly<Record<string, string>> = { stderr: '!', build: '#', peer: '*' };
