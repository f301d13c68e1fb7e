import { PeerClient } from '../src/client/peer-client.ts';
import type { ProposalSpec } from '../src/client/proposal.ts';
import { GrpcClient } from '../src/comm/client.ts';
import type { DialOptions } from '../src/comm/transport.ts';
import type { Signer } from '../src/msp/identity.ts';
import { readPem } from '../src/node/files.ts';
import { loadSigner } from '../src/node/membership.ts';

/** Where a server is and how to trust it. */
export interface Endpoint {
  readonly address: string;
  /** PEM file with its TLS root certificates; without it the connection is plain. */
  readonly rootsFile?: string | undefined;
  /** The name in its TLS certificate, when that is not the host of the address. */
  readonly serverName?: string | undefined;
}

/** An endorser to measure, as the command line or our own network describes it. */
export interface TargetSpec {
  readonly name: string;
  readonly peer: Endpoint;
  /** Commits are measured where there is one. */
  readonly orderer?: Endpoint | undefined;
  readonly mspPath: string;
  readonly mspId: string;
  readonly channel: string;
  readonly chaincode: string;
  /** For CPU time and memory, and to let it rest while another one commits. */
  readonly pid?: number | undefined;
  readonly chaincodePid?: number | undefined;
  /** Shell command that starts this endorser from an empty folder and stays with it, for the cold start. */
  readonly start?: string | undefined;
}

/** A connected endorser. */
export interface Target extends Disposable {
  readonly spec: TargetSpec;
  readonly peer: PeerClient;
  /** Connections that carry the load. */
  readonly lanes: readonly GrpcClient[];
  readonly orderer: GrpcClient | undefined;
  readonly signer: Signer;
  /** A call of the chaincode under load. */
  call(args: readonly string[]): ProposalSpec;
}

/** Targets with the same one stand in one network: what is signed for one of them can be handed to all, and has to be answered alike. */
export const networkOf = ({ mspPath, channel, chaincode, orderer }: TargetSpec): string =>
  JSON.stringify([mspPath, channel, chaincode, orderer?.address]);

export async function dialOptions({ address, rootsFile, serverName }: Endpoint): Promise<DialOptions> {
  return { address, tls: rootsFile === undefined ? undefined : { roots: await readPem(rootsFile), hostnameOverride: serverName } };
}

/** @param connections how many carry the load */
export async function connect(spec: TargetSpec, connections = 1): Promise<Target> {
  const signer = await loadSigner(spec.mspPath, spec.mspId);
  const dial = await dialOptions(spec.peer);
  const peer = new PeerClient(dial);
  const lanes = Array.from({ length: connections }, () => new GrpcClient(dial));
  const orderer = spec.orderer && new GrpcClient(await dialOptions(spec.orderer));
  return {
    spec,
    peer,
    lanes,
    orderer,
    signer,
    call: (args) => ({ channelId: spec.channel, chaincode: spec.chaincode, args }),
    [Symbol.dispose]: () => {
      for (const each of [peer, ...lanes]) each[Symbol.dispose]();
      orderer?.[Symbol.dispose]();
    },
  };
}
