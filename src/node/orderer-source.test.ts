import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleOf, genesisOf, type NodeFiles, organization, writtenNode } from '../../test/fakes/small-network.ts';
import { freePorts } from '../../test/free-ports.ts';
import { deferred } from '../common/deferred.ts';
import { type LogFields, silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../msp/material/organization.ts';
import type { common } from '../protos/messages.ts';
import { loadSigner } from './membership.ts';
import { OrdererSource, type OrdererSourceParts } from './orderer-source.ts';
import type { EndpointOverride } from './orderers/orderer-rotation.ts';
import { startOrderer } from './start-orderer.ts';

let orgs: readonly [member: Organization, one: Organization, two: Organization];
beforeAll(async () => {
  orgs = await Promise.all([organization('peer', 'Org1'), organization('orderer', 'One'), organization('orderer', 'Two')]);
});

let folder: string;
let scope: Scope;
let member: NodeFiles;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'selvage-orderers-'));
  scope.defer(() => rm(folder, { recursive: true }));
  member = await writtenNode(folder, orgs[0]);
});
afterEach(() => scope[Symbol.asyncDispose]());

interface OrdererOptions {
  readonly port: number;
  readonly genesis: common.Block;
  /** Files of the authorities that issue its clients' certificates. */
  readonly clientRootFiles?: readonly string[];
}

async function order(org: Organization, { port, genesis, clientRootFiles }: OrdererOptions): Promise<void> {
  const node = await writtenNode(join(folder, org.mspId), org);
  const tls = { ...node, clientAuthRequired: clientRootFiles !== undefined, clientRootFiles: clientRootFiles ?? [] };
  const listenAddress = `127.0.0.1:${port}`;
  const config = { listenAddress, mspConfigPath: node.msp, localMspId: org.mspId, tls, folder: join(folder, `blocks-${port}`) };
  scope.use(await startOrderer({ ...config, cut: 'instant' }, [genesis], { log: silent }));
}

/** A source that has been asked for the channel's blocks, and what it needs of the channel. */
async function source(first: ChannelBundle, more: Partial<OrdererSourceParts> = {}) {
  let bundle = first;
  const listeners = new Set<() => void>();
  const channel = {
    id: 'small',
    bundle: () => bundle,
    onConfigured: (listener: () => void) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const signer = await loadSigner(member.msp, 'Org1MSP');
  const stop = new AbortController();
  scope.defer(() => stop.abort());
  const delivery = { policy: 'cluster', withheldMs: 30_000 } as const;
  const made = new OrdererSource({
    channel,
    signer,
    tls: member.tls,
    overrides: new Map(),
    delivery,
    random: () => 0,
    log: silent,
    ...more,
  });
  return {
    blocks: (from = 0n) => made.blocks(from, stop.signal)[Symbol.asyncIterator](),
    configure: (next: ChannelBundle) => {
      bundle = next;
      for (const listener of [...listeners]) listener();
    },
    listeners,
  };
}

const numberOf = ({ done, value }: IteratorResult<common.Block, void>): bigint | undefined =>
  done === true ? undefined : value.header?.number;

describe('blocks of an ordering service', () => {
  it('come from one that asks for a client certificate, bound to the connection', async () => {
    const [port = 0] = await freePorts(1);
    const genesis = genesisOf({ peers: [orgs[0]], orderers: [[orgs[1], [`localhost:${port}`]]] });
    await order(orgs[1], { port, genesis, clientRootFiles: [member.rootFile] });
    const { blocks } = await source(bundleOf(genesis));
    expect(numberOf(await blocks().next())).toBe(0n);
    const stranger = await writtenNode(join(folder, 'stranger'), await organization('peer', 'Org1'));
    const refused = await source(bundleOf(genesis), { tls: stranger.tls });
    await expect(refused.blocks().next()).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  });

  it('come from nodes of an organisation whose certificates its own authorities issued, not those of another', async () => {
    const [one = 0, two = 0] = await freePorts(2);
    const both = genesisOf({
      peers: [orgs[0]],
      orderers: [
        [orgs[1], [`localhost:${one}`]],
        [orgs[2], [`localhost:${two}`]],
      ],
    });
    await order(orgs[1], { port: one, genesis: both });
    const right = await source(bundleOf(both));
    expect(numberOf(await right.blocks().next())).toBe(0n);
    const swapped = genesisOf({
      peers: [orgs[0]],
      orderers: [
        [orgs[1], []],
        [orgs[2], [`localhost:${one}`]],
      ],
    });
    const wrong = await source(bundleOf(swapped));
    await expect(wrong.blocks().next()).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  });

  it('come from elsewhere where the settings say so', async () => {
    const [port = 0, nobody = 0] = await freePorts(2);
    const genesis = genesisOf({ peers: [orgs[0]], orderers: [[orgs[1], [`orderer.invalid:${nobody}`]]] });
    await order(orgs[1], { port, genesis });
    const asked = async (override: EndpointOverride) => {
      const { blocks } = await source(bundleOf(genesis), { overrides: new Map([[`orderer.invalid:${nobody}`, override]]) });
      return numberOf(await blocks().next());
    };
    expect(await asked({ address: `localhost:${port}`, tlsRoots: undefined })).toBe(0n);
    expect(await asked({ address: `localhost:${port}`, tlsRoots: [orgs[2].tlsCa.certificate, orgs[1].tlsCa.certificate] })).toBe(0n);
    await expect(asked({ address: `localhost:${port}`, tlsRoots: [orgs[2].tlsCa.certificate] })).rejects.toThrow();
  });

  it('go on from another node as soon as the configuration names it', async () => {
    const [one = 0, two = 0] = await freePorts(2);
    const before = genesisOf({ peers: [orgs[0]], orderers: [[orgs[1], [`localhost:${one}`]]] });
    const after = genesisOf({ peers: [orgs[0]], orderers: [[orgs[2], [`localhost:${two}`]]] });
    await order(orgs[1], { port: one, genesis: before });
    await order(orgs[2], { port: two, genesis: after });
    const asked: unknown[] = [];
    const moved = deferred<void>();
    const info = (message: string, fields: LogFields = {}): void => {
      if (message !== 'asking for blocks') return;
      asked.push([fields['from'], fields['orderer']]);
      if (asked.length === 2) moved.resolve();
    };
    const { blocks, configure, listeners } = await source(bundleOf(before), { log: { ...silent, info } });
    const following = blocks();
    expect(numberOf(await following.next())).toBe(0n);
    const ended = expect(following.next()).rejects.toThrow(); // block 1, which there never is
    configure(bundleOf(before)); // the same nodes: nobody moves
    configure(bundleOf(after));
    await moved.promise;
    expect(asked).toEqual([
      ['0', `localhost:${one}`],
      ['1', `localhost:${two}`],
    ]);
    await scope[Symbol.asyncDispose]();
    await ended;
    expect(listeners.size).toBe(0);
  });
});
