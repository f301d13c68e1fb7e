import { quotedPath } from '../../node/dev/dev-env.ts';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import type { Reporter } from './reporter.ts';
import type { RequestedChaincode } from './requested-chaincodes.ts';

/** What of a network is told. */
type Told = Pick<DevNetwork, 'plan' | 'folders' | 'profiles' | 'envFiles'>;

export interface WaysOn {
  readonly network: Told;
  readonly chaincodes: readonly RequestedChaincode[];
  /** Whether the network is there next time. */
  readonly kept: boolean;
  readonly reporter: Pick<Reporter, 'fact'>;
}

/** Endpoints, files, and commands that work as they stand, once FUNCTION and ARGUMENT are replaced. */
export function tellHowToGoOn({ network, chaincodes, kept, reporter }: WaysOn): void {
  const { profiles, folders, envFiles, plan } = network;
  const [env, ...others] = envFiles;
  const facts = { env: env?.file, envs: envFiles, profiles, organizations: folders.organizations, log: folders.log };
  reporter.fact('ready', facts, [
    '',
    'Endpoints',
    `  orderer    localhost:${plan.orderer.port}   (osnadmin asks ${plan.orderer.adminPort})`,
    ...plan.peers.map(({ mspId, port, chaincodePort }) => `  ${mspId.padEnd(10)} localhost:${port}   (chaincode dials ${chaincodePort})`),
    'Files',
    `  identities ${folders.organizations}`,
    ...profiles.map(({ org, json }) => `  ${org.padEnd(10)} ${json}`),
    ...others.map(({ file, identity }) => `  to be      ${identity}: . ${quotedPath(file)}`),
    `  log        ${folders.log}`,
    'Try next, in another terminal',
    ...(env === undefined ? [] : [`  . ${quotedPath(env.file)}`]),
    ...chaincodes.flatMap((each) => callsOf(network, each)),
    ...(chaincodes.length === 0 ? [`  selvage channel getinfo -c ${plan.channel}`, ...deploymentOn(network)] : []),
    '',
    `Ctrl-C stops the network. ${kept ? 'The network is kept for next time.' : 'Everything goes away with it; --data DIR keeps it.'}`,
  ]);
}

/** How chaincode gets there, for all organisations at once. */
function deploymentOn({ plan, envFiles }: Told): readonly string[] {
  if (plan.lifecycle !== 2) return [];
  const admins = envFiles.slice(0, plan.peers.length).map(({ file }) => ` --org ${quotedPath(file)}`);
  return [`  selvage deploy FOLDER -C ${plan.channel}${admins.join('')}`];
}

/** Of a chaincode that says which calls show that it works, these. */
function callsOf({ plan }: Told, { name, source: { tour } }: RequestedChaincode): readonly string[] {
  const call = (kind: 'invoke' | 'query', example: string): string => {
    const args = tour.find((step) => step.kind === kind)?.args.map((arg) => arg.replaceAll('{n}', '0'));
    return `-C ${plan.channel} -n ${name} -c '${args === undefined ? example : JSON.stringify({ Args: args }).replaceAll("'", "'\\''")}'`;
  };
  const peers = plan.peers.length > 1 ? ' $PEER_FLAGS' : '';
  return [
    `  selvage chaincode query ${call('query', '{"Args":["FUNCTION","ARGUMENT"]}')}`,
    `  selvage chaincode invoke $ORDERER_FLAGS${peers} --waitForEvent ${call('invoke', '{"Args":["FUNCTION","ARGUMENT"]}')}`,
  ];
}
