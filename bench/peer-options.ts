import { youngestDescendant } from './process-use.ts';
import type { TargetSpec } from './target.ts';

const text = { type: 'string' } as const;

/** What begins a peer. */
const PEERS = { beside: text, peer: text } as const;

/** What describes the peer before it, or all peers. */
const ABOUT = {
  name: text,
  'msp-path': text,
  'msp-id': text,
  channel: text,
  chaincode: text,
  'tls-roots': text,
  'tls-name': text,
  orderer: text,
  'orderer-tls-roots': text,
  'orderer-tls-name': text,
  pid: text,
  'chaincode-pid': text,
  start: text,
} as const;

export const PEER_OPTIONS = { ...PEERS, ...ABOUT } as const;

/** An option as it was written. */
interface Written {
  readonly name: string;
  readonly value: string;
}

/** Peers that run already. */
export interface PeersThere {
  /** What to compare with. */
  readonly beside: readonly TargetSpec[];
  /** Peers of Selvage. */
  readonly peers: readonly TargetSpec[];
}

/** @throws {Error} with a sentence about what a peer lacks */
export function peersOf(written: readonly Written[]): PeersThere {
  const forAll = new Map<string, string>();
  const groups: { readonly kind: string; readonly about: Map<string, string> }[] = [];
  for (const { name, value } of written) {
    if (name in PEERS) groups.push({ kind: name, about: new Map([...forAll, ['address', value]]) });
    else if (name in ABOUT) (groups.at(-1)?.about ?? forAll).set(name, value);
  }
  const [stray] = forAll.keys();
  if (stray !== undefined && groups.length === 0) throw new Error(`--${stray} describes a peer of --beside or --peer, and there is none`);
  const of = (kind: keyof typeof PEERS): TargetSpec[] =>
    groups.filter((group) => group.kind === kind).map(({ about }) => specOf(kind, about));
  return { beside: of('beside'), peers: of('peer') };
}

function specOf(kind: string, about: ReadonlyMap<string, string>): TargetSpec {
  const address = about.get('address') ?? '';
  const required = (name: string): string => {
    const value = about.get(name);
    if (value === undefined) throw new Error(`--${kind} ${address} needs --${name} with it`);
    return value;
  };
  const number = (name: string): number | undefined => {
    const value = about.get(name);
    if (value === undefined || /^\d+$/.test(value)) return value === undefined ? undefined : Number(value);
    throw new Error(`--${name} ${value} is not possible: write the number of a process`);
  };
  const orderer = about.get('orderer');
  const pid = number('pid');
  return {
    name: about.get('name') ?? address,
    peer: { address, rootsFile: about.get('tls-roots'), serverName: about.get('tls-name') },
    orderer:
      orderer === undefined
        ? undefined
        : { address: orderer, rootsFile: about.get('orderer-tls-roots'), serverName: about.get('orderer-tls-name') },
    mspPath: required('msp-path'),
    mspId: required('msp-id'),
    channel: about.get('channel') ?? 'mychannel',
    chaincode: about.get('chaincode') ?? 'kv-node',
    pid,
    chaincodePid: about.get('chaincode-pid') === 'youngest' ? youngestDescendant(pid) : number('chaincode-pid'),
    start: about.get('start'),
  };
}
