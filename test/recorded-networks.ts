/** The organisations of the recorded networks, for tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignatureVerifier } from '../src/msp/identities/signature-verifier.ts';
import { MspManager, mspFromConfig } from '../src/msp/msp-manager.ts';
import type { MspVersion } from '../src/msp/msp-version.ts';
import { YamlFields } from '../src/node/config/yaml-fields.ts';
import { common, msp as protos } from '../src/protos/messages.ts';
import { fixtures, readFixture } from './fixtures.ts';

export type Network = 'v1.1' | 'v2.4';

/** How the local MSPs and the channel of each network judged. */
export const VERSION = { 'v1.1': '1.1', 'v2.4': '1.4.3' } as const satisfies Record<Network, MspVersion>;

export const cryptoFolder = (network: Network, ...path: readonly string[]): string => join(fixtures ?? '', network, 'crypto', ...path);

/** Every folder that is an MSP: of organisations, nodes and users. */
export const mspFolders = (network: Network): string[] =>
  readdirSync(cryptoFolder(network), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(join('/', 'msp')) && !name.startsWith('extra'))
    .map((name) => cryptoFolder(network, name));

export const mspIdOfFolder = (folder: string): string =>
  folder.includes('org1.') ? 'Org1MSP' : folder.includes('org2.') ? 'Org2MSP' : 'OrdererMSP';

export const readYaml = YamlFields.parse;

/** The configuration in the first block of the network's channel. */
export function channelConfig(network: Network): common.Config {
  const block = common.Block.decode(readFixture(`${network}/config/channel.block`));
  const payload = common.Payload.decode(common.Envelope.decode(block.data?.data[0] ?? new Uint8Array()).payload);
  const { config } = common.ConfigEnvelope.decode(payload.data);
  if (config === undefined) throw new Error('no configuration');
  return config;
}

/** The MSPs of the network's channel, as its configuration defines them. */
export function channelMsps(network: Network, version: MspVersion = VERSION[network]): MspManager {
  const verifier = new SignatureVerifier();
  const root = channelConfig(network).channelGroup;
  const organisations = ['Application', 'Orderer'].flatMap((group) => [...(root?.groups.get(group)?.groups.values() ?? [])]);
  return new MspManager(
    organisations.map((organisation) => {
      const value = organisation.values.get('MSP')?.value ?? new Uint8Array();
      return mspFromConfig({ config: protos.MSPConfig.decode(value), version, verifier });
    }),
  );
}

export const expiredUserPem = (network: Network): Uint8Array =>
  new Uint8Array(readFileSync(cryptoFolder(network, 'extra', 'expired-user', 'msp', 'signcerts', 'cert.pem')));
