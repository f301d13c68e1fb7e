/** What a shell reads to be somebody of a development network. */
import { join } from 'node:path';
import { replaceDurably } from '../../common/durable-files.ts';
import { type DevFolders, ordererFolder, peerFolder, userFolder } from './dev-material.ts';
import type { DevPeerPlan, DevPlan } from './dev-plan.ts';
import type { DevUser } from './dev-users.ts';

/** A file to be read by `.`, and who one is then. */
export interface EnvFile {
  readonly file: string;
  /** Like `Admin@org1.example.com`. */
  readonly identity: string;
}

/** The program behind a command, where nobody put it on the path. */
export interface Program {
  readonly node: string;
  readonly script: string;
}

/**
 * Writes `env.sh` for the first organisation's Admin, `env-org2.sh` … for the others', and `env-NAME.sh` for each further user.
 * @param program what `selvage` is in a shell that does not know it
 */
export async function writeEnvFiles(
  folders: DevFolders,
  plan: DevPlan,
  users: readonly DevUser[],
  program: Program | undefined,
): Promise<readonly EnvFile[]> {
  const admins = plan.peers.map((peer, at) => ({
    file: join(folders.root, at === 0 ? 'env.sh' : `env-${peer.org.toLowerCase()}.sh`),
    peer,
    user: 'Admin',
  }));
  const others = users.map(({ name, peer }) => ({ file: join(folders.root, `env-${name}.sh`), peer, user: name }));
  const written: EnvFile[] = [];
  for (const { file, peer, user } of [...admins, ...others]) {
    await replaceDurably(file, envScript(folders, plan, { file, peer, user, program }));
    written.push({ file, identity: `${user}@${peer.domain}` });
  }
  return written;
}

interface Who {
  readonly file: string;
  readonly peer: DevPeerPlan;
  readonly user: string;
  readonly program: Program | undefined;
}

/** The variables of the test network. It looks at no arguments: those that a script sees here are its own. */
function envScript(folders: DevFolders, plan: DevPlan, { file, peer, user, program }: Who): string {
  const tlsRoot = (each: DevPeerPlan): string => join(peerFolder(folders, each), 'tls', 'ca.crt');
  const ordererRoot = join(ordererFolder(folders, plan.orderer), 'tls', 'ca.crt');
  const orderer = ['-o', `localhost:${plan.orderer.port}`, ...(plan.tls ? ['--tls', '--cafile', ordererRoot] : [])];
  const admin = ['-o', `localhost:${plan.orderer.adminPort}`, ...(plan.tls ? adminTls(folders, plan) : [])];
  const peers = plan.peers.flatMap((each) => [
    '--peerAddresses',
    `localhost:${each.port}`,
    ...(plan.tls ? ['--tlsRootCertFiles', tlsRoot(each)] : []),
  ]);
  const lines = [
    `# ${user} of ${peer.org}. Use it with:  . ${quotedPath(file)}     then for example:`,
    `#   selvage chaincode query -C ${plan.channel} -n NAME -c '{"Args":["FUNCTION"]}'`,
    `#   selvage chaincode invoke $ORDERER_FLAGS $PEER_FLAGS -C ${plan.channel} -n NAME -c '{"Args":["FUNCTION"]}' --waitForEvent`,
    '#   selvage chaincode logs -f NAME',
    '#   selvage channel create NAME        (osnadmin $OSNADMIN_FLAGS channel list)',
    `#   ${plan.lifecycle === 2 ? 'selvage lifecycle chaincode querycommitted' : 'selvage chaincode list --instantiated'} -C ${plan.channel}`,
    `export CORE_PEER_LOCALMSPID=${peer.mspId}`,
    `export CORE_PEER_ADDRESS=localhost:${peer.port}`,
    `export CORE_PEER_MSPCONFIGPATH=${quoted(join(userFolder(folders, peer, user), 'msp'))}`,
    `export CORE_PEER_FILESYSTEMPATH=${quoted(join(folders.root, 'peers', peer.org.toLowerCase()))}`,
    `export CORE_PEER_TLS_ROOTCERT_FILE=${quoted(tlsRoot(peer))}`,
    `export CORE_PEER_TLS_ENABLED=${plan.tls}`,
    ...clientTls(plan, join(userFolder(folders, peer, user), 'tls')),
    `export ORDERER_ADDRESS=localhost:${plan.orderer.port}`,
    `export ORDERER_ADMIN_ADDRESS=localhost:${plan.orderer.adminPort}`,
    `export SELVAGE_NETWORK=${quoted(folders.root)}`,
    `export ORDERER_CA=${quoted(ordererRoot)}`,
    ...flags('ORDERER_FLAGS', orderer),
    ...flags('OSNADMIN_FLAGS', admin),
    ...flags('PEER_FLAGS', peers),
    ...(program === undefined
      ? []
      : [`command -v selvage >/dev/null 2>&1 || selvage() { ${quoted(program.node)} ${quoted(program.script)} "$@"; }`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** What peers ask for that let nobody in without a certificate. */
const clientTls = ({ mutualTls = false }: DevPlan, folder: string): readonly string[] => [
  `export CORE_PEER_TLS_CLIENTAUTHREQUIRED=${mutualTls}`,
  ...(mutualTls ? [`export CORE_PEER_TLS_CLIENTCERT_FILE=${quoted(join(folder, 'client.crt'))}`] : []),
  ...(mutualTls ? [`export CORE_PEER_TLS_CLIENTKEY_FILE=${quoted(join(folder, 'client.key'))}`] : []),
];

/** What the orderer's admin listener asks for: the orderer's own certificate, as in the test network. */
function adminTls(folders: DevFolders, { orderer }: DevPlan): readonly string[] {
  const tls = (name: string): string => join(ordererFolder(folders, orderer), 'tls', name);
  return ['--ca-file', tls('ca.crt'), '--client-cert', tls('server.crt'), '--client-key', tls('server.key')];
}

/**
 * A variable that stands for several words where it is written without quotes. zsh does not split those, but takes lists; what others
 * split they also expand, and `?` stands for the blank in a path that would be split in two.
 */
function flags(name: string, words: readonly string[]): readonly string[] {
  const glob = words.map((word) => word.replaceAll(/\s/g, '?')).join(' ');
  return [
    `if [ -n "\${ZSH_VERSION:-}" ]; then eval ${quoted(`${name}=(${words.map(quoted).join(' ')})`)}; else export ${name}=${quoted(glob)}; fi`,
  ];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** As somebody would write it: quotes only where they are needed. */
export const quotedPath = (path: string): string => (/^[\w./:@%+=-]+$/.test(path) ? path : quoted(path));
