import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { computeUpdate } from '../../test/compute-update.ts';
import { MemoryBlocks } from '../../test/fakes/memory-blocks.ts';
import { developmentSet as fixtures, readFixture } from '../../test/fixtures.ts';
import { concatBytes } from '../common/bytes.ts';
import type { Clock } from '../common/clock.ts';
import { systemClock } from '../common/clock.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { MemoryStore } from '../ledger/kv/memory-store.ts';
import { bundleAfter, bundleFromBlock, bundleFromConfig, validateConfigEnvelope } from '../msp/channelconfig/bundle.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { configEnvelopeOfBlock, lastConfigOf } from '../msp/channelconfig/config-block.ts';
import { buildGenesisBlock } from '../msp/channelconfig/genesis-block.ts';
import { Certificate } from '../msp/identities/certificate.ts';
import { LocalSigner } from '../msp/identities/local-signer.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import type { Signer } from '../msp/identity.ts';
import type { Member, Organization } from '../msp/material/organization.ts';
import { createOrganization, mspDefinition } from '../msp/material/organization.ts';
import { blockDataHash, blockHash, blockHeaderBytes } from '../protos/hashes.ts';
import { common, orderer as orderermsg } from '../protos/messages.ts';
import type { OrdererParts } from './orderer.ts';
import { Orderer } from './orderer.ts';
import type { OrdererBlocks } from './orderer-blocks.ts';
import { StoredBlocks } from './stored-blocks.ts';

const CHANNEL = 'dev';
const { SUCCESS, BAD_REQUEST, FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE } = common.Status;
const parts = { verifier: new SignatureVerifier() };
const within = (): AbortSignal => AbortSignal.timeout(200_000);

let org: Organization;
let ordererOrg: Organization;
let outsider: Organization;
let root: string;

beforeAll(async () => {
  const now = new Date();
  [org, ordererOrg, outsider] = await Promise.all([
    createOrganization({ kind: 'peer', mspId: 'Org1MSP', domain: 'org1.example.com', nodes: ['peer0'], users: ['User1'] }, now),
    createOrganization({ kind: 'orderer', mspId: 'OrdererMSP', domain: 'example.com', nodes: ['orderer'], users: [] }, now),
    createOrganization({ kind: 'peer', mspId: 'Org9MSP', domain: 'org9.example.com', nodes: [], users: [] }, now),
  ]);
  root = await mkdtemp(join(tmpdir(), 'selvage-orderer-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const signerOf = ({ mspId }: Organization, { identity }: Member): Signer =>
  new LocalSigner({ mspId, certificate: Certificate.fromPem(identity.certificate), privateKey: createPrivateKey(identity.privateKey) });
const member = (of: Organization, name: string): Signer =>
  signerOf(of, [...of.users, ...of.nodes].find((each) => each.name.startsWith(name)) ?? assert.fail(`no ${name}`));

function genesis({ timeout = '1h', maxMessageCount = 3, channelId = CHANNEL } = {}): common.Block {
  return buildGenesisBlock(
    {
      channelId,
      applicationOrgs: [{ msp: mspDefinition(org) }],
      ordererOrgs: [{ msp: mspDefinition(ordererOrg), endpoints: ['localhost:7050'] }],
      batch: { maxMessageCount, absoluteMaxBytes: 100_000, preferredMaxBytes: 50_000, timeout },
    },
    { now: new Date(), nonce: randomBytes(24) },
  );
}

function newOrderer(options: Partial<OrdererParts> = {}): Orderer {
  return new Orderer({
    signer: member(ordererOrg, 'orderer'),
    clock: systemClock,
    log: silent,
    openBlocks: async () => new MemoryBlocks(),
    bundleOf: (channelId, config) => bundleFromConfig(channelId, config, parts),
    nextBundle: (current, config) => bundleAfter(current, config, parts),
    ...options,
  });
}

interface EnvelopeOptions {
  readonly type?: number;
  readonly channelId?: string;
  readonly data?: Uint8Array;
  readonly size?: number;
}

async function envelope(
  signer: Signer,
  { type = common.HeaderType.ENDORSER_TRANSACTION, channelId = CHANNEL, size = 1, data = randomBytes(size) }: EnvelopeOptions = {},
) {
  const channelHeader = common.ChannelHeader.encode({ type, channelId, txId: 'tx' });
  const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized, nonce: randomBytes(24) });
  const payload = common.Payload.encode({ header: { channelHeader, signatureHeader }, data });
  return common.Envelope.encode({ payload, signature: await signer.sign(payload) });
}

/** A CONFIG_UPDATE envelope that changes the current configuration, signed by admins of the orderers. */
async function update(
  bundle: ChannelBundle,
  change: (group: common.ConfigGroup) => common.ConfigGroup,
  signers: readonly Signer[],
  sender: Signer = member(org, 'Admin'),
): Promise<Uint8Array> {
  const { config } = bundle;
  const updated = { ...config, channelGroup: change(config.channelGroup ?? assert.fail()) };
  const configUpdate = common.ConfigUpdate.encode(computeUpdate(config, updated, bundle.channelId));
  const signatures = await Promise.all(
    signers.map(async (signer) => {
      const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized, nonce: randomBytes(24) });
      return { signatureHeader, signature: await signer.sign(concatBytes(signatureHeader, configUpdate)) };
    }),
  );
  const data = common.ConfigUpdateEnvelope.encode({ configUpdate, signatures });
  return envelope(sender, { type: common.HeaderType.CONFIG_UPDATE, channelId: bundle.channelId, data });
}

const batchTimeout =
  (timeout: string) =>
  (group: common.ConfigGroup): common.ConfigGroup => {
    const ordererGroup = group.groups.get('Orderer') ?? assert.fail();
    const value = ordererGroup.values.get('BatchTimeout') ?? assert.fail();
    const values = new Map([
      ...ordererGroup.values,
      ['BatchTimeout', { ...value, value: orderermsg.BatchTimeout.encode({ timeout }) }] as const,
    ]);
    return { ...group, groups: new Map([...group.groups, ['Orderer', { ...ordererGroup, values }]]) };
  };

async function blockOf(orderer: Orderer, number: bigint, channelId = CHANNEL): Promise<common.Block> {
  const blocks = orderer.blocks(channelId) ?? assert.fail('no channel');
  await blocks.waitFor(number, within());
  return (await blocks.block(number)) ?? assert.fail(`no block ${number}`);
}

const accepted = { status: SUCCESS, info: '' };

describe('the development orderer', () => {
  it('orders what it accepts, byte for byte and in order, into a chain that verifies', async () => {
    await using orderer = newOrderer();
    await orderer.join(genesis());
    const sent = await Promise.all(Array.from({ length: 6 }, () => envelope(member(org, 'User1'))));
    for (const each of sent) assert.deepEqual(await orderer.broadcast(each), accepted);
    const [first, second] = [await blockOf(orderer, 1n), await blockOf(orderer, 2n)];
    assert.deepEqual([...(first.data?.data ?? []), ...(second.data?.data ?? [])].map(hex), sent.map(hex));
    const genesisBlock = await blockOf(orderer, 0n);
    for (const [block, before] of [
      [first, genesisBlock],
      [second, first],
    ] as const) {
      assert.equal(hex(block.header?.previousHash ?? assert.fail()), hex(blockHash(before.header ?? assert.fail())));
      assert.equal(hex(block.header?.dataHash ?? assert.fail()), hex(blockDataHash(block.data ?? assert.fail())));
      assert.deepEqual(await blockVerdict(block, genesisBlock), { ok: true });
      assert.equal(lastConfigOf(block), 0n);
    }
  });

  it('cuts what waits when the batch timeout is over', async () => {
    await using orderer = newOrderer();
    await orderer.join(genesis({ timeout: '5ms', maxMessageCount: 100 }));
    await orderer.broadcast(await envelope(member(org, 'User1')));
    assert.equal((await blockOf(orderer, 1n)).data?.data.length, 1);
    await orderer.broadcast(await envelope(member(org, 'User1')));
    assert.equal((await blockOf(orderer, 2n)).data?.data.length, 1);
  });

  it('cuts at once in instant mode when nothing else waits', async () => {
    await using orderer = newOrderer({ cut: 'instant' });
    await orderer.join(genesis({ maxMessageCount: 100 }));
    await orderer.broadcast(await envelope(member(org, 'User1')));
    assert.equal((await blockOf(orderer, 1n)).data?.data.length, 1);
  });

  it('gathers in instant mode what came while a block was written', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = new (class extends MemoryBlocks {
      override async append(block: common.Block): Promise<void> {
        if (block.header?.number === 1n) await held;
        await super.append(block);
      }
    })();
    await using orderer = newOrderer({ cut: 'instant', openBlocks: async () => slow });
    await orderer.join(genesis({ maxMessageCount: 100 }));
    const sent = await Promise.all(Array.from({ length: 5 }, () => envelope(member(org, 'User1'))));
    for (const each of sent) await orderer.broadcast(each);
    release();
    assert.equal((await blockOf(orderer, 1n)).data?.data.length, 1);
    assert.equal((await blockOf(orderer, 2n)).data?.data.length, 4);
  });

  it('writes what it accepted before it stops', async () => {
    const blocks = new MemoryBlocks();
    {
      await using orderer = newOrderer({ openBlocks: async () => blocks });
      await orderer.join(genesis());
      assert.deepEqual(await orderer.broadcast(await envelope(member(org, 'User1'))), accepted);
    }
    assert.equal(blocks.height(), 2n);
  });

  it('signs in the form of 1.x when asked to', async () => {
    await using orderer = newOrderer({ cut: 'instant', form: '1.x' });
    await orderer.join(genesis());
    await orderer.broadcast(await envelope(member(org, 'User1')));
    const block = await blockOf(orderer, 1n);
    assert.equal(block.metadata?.metadata.length, 4);
    assert.equal(common.Metadata.decode(block.metadata?.metadata[0] ?? assert.fail()).value.length, 0);
    assert.equal(common.Metadata.decode(block.metadata?.metadata[1] ?? assert.fail()).signatures.length, 1);
    assert.deepEqual(await blockVerdict(block, await blockOf(orderer, 0n)), { ok: true });
    assert.equal(lastConfigOf(block), 0n);
  });

  it('makes who brings too much wait, and loses nothing', async () => {
    const count = 1_200;
    await using orderer = newOrderer({ cut: 'instant' });
    await orderer.join(genesis({ maxMessageCount: 50 }));
    const signer = member(org, 'User1');
    const sent = await Promise.all(Array.from({ length: count }, () => envelope(signer)));
    const answers = await Promise.all(sent.map((each) => orderer.broadcast(each)));
    assert.ok(answers.every(({ status }) => status === SUCCESS));
    const ordered: string[] = [];
    for (let number = 1n; ordered.length < count; number += 1n)
      ordered.push(...((await blockOf(orderer, number)).data?.data ?? []).map(hex));
    assert.deepEqual(ordered.sort(), sent.map(hex).sort());
  });

  it('keeps channels apart', async () => {
    await using orderer = newOrderer({ cut: 'instant' });
    await orderer.join(genesis());
    await orderer.join(genesis({ channelId: 'other' }));
    await orderer.broadcast(await envelope(member(org, 'User1'), { channelId: 'other' }));
    await blockOf(orderer, 1n, 'other');
    assert.equal(orderer.blocks(CHANNEL)?.height(), 1n);
    await assert.rejects(orderer.join(genesis()), { code: 'CHANNEL_EXISTS' });
    assert.deepEqual([...orderer.channelIds].sort(), [CHANNEL, 'other']);
  });

  it('goes on where its blocks end', async () => {
    const first = genesis();
    const openBlocks = (): Promise<OrdererBlocks> => StoredBlocks.open({ directory: join(root, 'again'), kv: new MemoryStore() });
    {
      await using orderer = newOrderer({ openBlocks, cut: 'instant' });
      await orderer.join(first);
      const admins = [member(ordererOrg, 'Admin')];
      assert.deepEqual(
        await orderer.broadcast(await update(orderer.bundle(CHANNEL) ?? assert.fail(), batchTimeout('3s'), admins)),
        accepted,
      );
      await blockOf(orderer, 1n);
      await orderer.broadcast(await envelope(member(org, 'User1')));
      await blockOf(orderer, 2n);
    }
    await using orderer = newOrderer({ openBlocks, cut: 'instant' });
    await orderer.join(first);
    assert.equal(orderer.bundle(CHANNEL)?.sequence, 1n);
    assert.equal(orderer.bundle(CHANNEL)?.orderer?.batchTimeoutMs, 3_000);
    await orderer.broadcast(await envelope(member(org, 'User1')));
    const [third, second] = [await blockOf(orderer, 3n), await blockOf(orderer, 2n)];
    assert.equal(hex(third.header?.previousHash ?? assert.fail()), hex(blockHash(second.header ?? assert.fail())));
    assert.equal(lastConfigOf(third), 1n);
    await using other = newOrderer({ openBlocks });
    await assert.rejects(other.join(genesis()), { code: 'CHANNEL_EXISTS' });
  });

  it('says so when blocks cannot be written, and takes nothing more', async () => {
    const failing = new (class extends MemoryBlocks {
      override async append(block: common.Block): Promise<void> {
        if (block.header?.number === 1n) throw new Error('no space left');
        await super.append(block);
      }
    })();
    const logged: string[] = [];
    const log = { ...silent, error: (message: string) => void logged.push(message), child: () => log };
    await using orderer = newOrderer({ cut: 'instant', log, openBlocks: async () => failing });
    await orderer.join(genesis());
    await orderer.broadcast(await envelope(member(org, 'User1')));
    for (;;) {
      const answer = await orderer.broadcast(await envelope(member(org, 'User1')));
      if (answer.status === SUCCESS) continue;
      assert.deepEqual(answer, { status: SERVICE_UNAVAILABLE, info: 'no space left' });
      break;
    }
    assert.deepEqual(logged, ['the channel orders nothing more']);
  });
});

describe('an orderer whose disk is full', () => {
  it('takes nothing while it is, keeps what it accepted, and goes on by itself when there is room', async () => {
    let full = true;
    const blocks = new (class extends MemoryBlocks {
      override async append(block: common.Block): Promise<void> {
        if (block.header?.number === 1n && full) throw new SelvageError('DISK_FULL', 'no space left');
        await super.append(block);
      }
    })();
    const [waiting, room] = [deferred<void>(), deferred<void>()];
    const pause = async (): Promise<void> => {
      waiting.resolve();
      await room.promise;
    };
    const again = deferred<void>();
    const log = { ...silent, info: (text: string) => void (text === 'blocks can be written again' && again.resolve()), child: () => log };
    await using orderer = newOrderer({ cut: 'instant', openBlocks: async () => blocks, pause, log });
    await orderer.join(genesis());
    const message = await envelope(member(org, 'User1'));
    assert.deepEqual(await orderer.broadcast(message), accepted);
    await waiting.promise;
    assert.deepEqual(await orderer.broadcast(message), { status: SERVICE_UNAVAILABLE, info: 'no space left' });
    full = false;
    room.resolve();
    await again.promise;
    assert.deepEqual((await blockOf(orderer, 1n)).data?.data, [message]);
    assert.deepEqual(await orderer.broadcast(message), accepted);
    assert.deepEqual((await blockOf(orderer, 2n)).data?.data, [message]);
  });

  it('stops although the block that waits was never written', async () => {
    const blocks = new (class extends MemoryBlocks {
      override async append(block: common.Block): Promise<void> {
        if (block.header?.number === 1n) throw new SelvageError('DISK_FULL', 'no space left');
        await super.append(block);
      }
    })();
    const waiting = deferred<void>();
    const pause = (_: number, signal: AbortSignal): Promise<void> => {
      waiting.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    await using orderer = newOrderer({ cut: 'instant', openBlocks: async () => blocks, pause });
    await orderer.join(genesis());
    await orderer.broadcast(await envelope(member(org, 'User1')));
    await waiting.promise;
  });
});

describe('configuration messages', () => {
  it('become a configuration that the orderer signs, alone in its block', async () => {
    await using orderer = newOrderer();
    await orderer.join(genesis());
    await orderer.broadcast(await envelope(member(org, 'User1')));
    const before = orderer.bundle(CHANNEL) ?? assert.fail();
    const sent = await update(before, batchTimeout('7s'), [member(ordererOrg, 'Admin')]);
    assert.deepEqual(await orderer.broadcast(sent), accepted);

    const block = await blockOf(orderer, 2n);
    assert.equal((await blockOf(orderer, 1n)).data?.data.length, 1);
    assert.equal(block.data?.data.length, 1);
    assert.equal(lastConfigOf(block), 2n);
    const content = configEnvelopeOfBlock(block);
    const { header } = common.Payload.decode(common.Envelope.decode(block.data?.data[0] ?? assert.fail()).payload);
    const channelHeader = common.ChannelHeader.decode(header?.channelHeader ?? assert.fail());
    assert.deepEqual([channelHeader.version, channelHeader.txId, channelHeader.epoch], [0, '', 0n]);
    assert.equal(
      hex(common.SignatureHeader.decode(header?.signatureHeader ?? assert.fail()).creator),
      hex(member(ordererOrg, 'orderer').serialized),
    );
    assert.equal(hex(common.Envelope.encode(content.lastUpdate ?? assert.fail())), hex(sent));

    const after = await validateConfigEnvelope(before, content, parts);
    assert.equal(after.orderer?.batchTimeoutMs, 7_000);
    assert.equal(orderer.bundle(CHANNEL)?.orderer?.batchTimeoutMs, 7_000);
    assert.deepEqual(await blockVerdict(block, await blockOf(orderer, 0n)), { ok: true });
  });

  it('are refused when nobody who may has signed', async () => {
    await using orderer = newOrderer();
    await orderer.join(genesis());
    const answer = await orderer.broadcast(
      await update(orderer.bundle(CHANNEL) ?? assert.fail(), batchTimeout('7s'), [member(org, 'Admin')]),
    );
    assert.equal(answer.status, BAD_REQUEST);
    assert.match(
      answer.info,
      /^error applying config update to existing channel 'dev': error authorizing update: error validating DeltaSet: policy for \[Value\] {2}\/Channel\/Orderer\/BatchTimeout not satisfied: implicit policy evaluation failed - 0 sub-policies/,
    );
    assert.equal(orderer.blocks(CHANNEL)?.height(), 1n);
  });

  it('are refused when the result makes no sense or may not follow', async () => {
    await using orderer = newOrderer();
    await orderer.join(genesis());
    const bundle = orderer.bundle(CHANNEL) ?? assert.fail();
    const admins = [member(ordererOrg, 'Admin'), member(org, 'Admin')];
    const senseless = await orderer.broadcast(await update(bundle, batchTimeout('0s'), admins));
    assert.equal(senseless.status, BAD_REQUEST);
    assert.match(senseless.info, /non-positive value/);
    const noOrderer = (group: common.ConfigGroup) => ({
      ...group,
      groups: new Map([...group.groups].filter(([name]) => name !== 'Orderer')),
    });
    const vanished = await orderer.broadcast(await update(bundle, noOrderer, admins));
    assert.equal(vanished.status, BAD_REQUEST);
    assert.match(vanished.info, /current config has orderer section, but new config does not/);
  });

  it('are all that is taken in maintenance mode, and only from the orderers', async () => {
    const bundleOf: OrdererParts['bundleOf'] = (channelId, config) => {
      const bundle = bundleFromConfig(channelId, config, parts);
      return { ...bundle, orderer: { ...(bundle.orderer ?? assert.fail()), maintenance: true } };
    };
    await using orderer = newOrderer({ bundleOf });
    await orderer.join(genesis());
    assert.deepEqual(await orderer.broadcast(await envelope(member(org, 'User1'))), {
      status: SERVICE_UNAVAILABLE,
      info: 'normal transactions are rejected: maintenance mode',
    });
    const admin = member(ordererOrg, 'Admin');
    const bundle = orderer.bundle(CHANNEL) ?? assert.fail();
    const foreign = await orderer.broadcast(await update(bundle, batchTimeout('7s'), [admin]));
    assert.equal(foreign.status, FORBIDDEN);
    assert.match(foreign.info, /^config update for existing channel did not pass initial checks: .*: permission denied$/);
    assert.deepEqual(await orderer.broadcast(await update(bundle, batchTimeout('7s'), [admin], admin)), accepted);
  });

  it('that were overtaken are dropped', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = new (class extends MemoryBlocks {
      override async append(block: common.Block): Promise<void> {
        if (block.header?.number === 1n) await held;
        await super.append(block);
      }
    })();
    const dropped: unknown[] = [];
    const log = { ...silent, warn: (message: string) => void dropped.push(message), child: () => log };
    await using orderer = newOrderer({ cut: 'instant', log, openBlocks: async () => slow });
    await orderer.join(genesis());
    const bundle = orderer.bundle(CHANNEL) ?? assert.fail();
    const admins = [member(ordererOrg, 'Admin')];
    for (const timeout of ['7s', '8s'])
      assert.deepEqual(await orderer.broadcast(await update(bundle, batchTimeout(timeout), admins)), accepted);
    release();
    await orderer.broadcast(await envelope(member(org, 'User1')));
    const block = await blockOf(orderer, 2n);
    assert.equal(lastConfigOf(block), 1n);
    assert.equal(orderer.bundle(CHANNEL)?.orderer?.batchTimeoutMs, 7_000);
    assert.ok(dropped.includes('an accepted message is no longer valid and is dropped'));
  });
});

describe('broadcast refuses', () => {
  const refused = async (bytes: Uint8Array, options: Partial<OrdererParts> = {}) => {
    await using orderer = newOrderer(options);
    await orderer.join(genesis());
    const answer = await orderer.broadcast(bytes);
    assert.equal(orderer.blocks(CHANNEL)?.height(), 1n);
    return answer;
  };

  it('what is no envelope or has no header', async () => {
    assert.equal((await refused(new Uint8Array([1, 2, 3]))).status, BAD_REQUEST);
    assert.deepEqual(await refused(new Uint8Array(0)), { status: BAD_REQUEST, info: 'could not determine channel ID: header not set' });
  });

  it('parts that do not parse, in the words of Go', async () => {
    const garbage = new Uint8Array([0x0f, 0xff]);
    const why = 'proto: cannot parse invalid wire-format data';
    const within = (header: common.HeaderInit) => common.Envelope.encode({ payload: common.Payload.encode({ header }) });
    const channelHeader = common.ChannelHeader.encode({ channelId: CHANNEL });
    for (const [bytes, info] of [
      [common.Envelope.encode({ payload: garbage }), `could not determine channel ID: error unmarshalling Payload: ${why}`],
      [
        within({ channelHeader: garbage }),
        `could not determine channel ID: error unmarshalling channel header: error unmarshalling ChannelHeader: ${why}`,
      ],
      [
        within({ channelHeader, signatureHeader: garbage }),
        `could not convert message to signedData: GetSignatureHeaderFromBytes failed, err ${why}`,
      ],
    ] as const)
      assert.deepEqual(await refused(bytes), { status: BAD_REQUEST, info });
  });

  it('an unknown channel', async () => {
    const bytes = await envelope(member(org, 'User1'), { channelId: 'nowhere' });
    assert.deepEqual(await refused(bytes), { status: NOT_FOUND, info: 'channel does not exist' });
  });

  it('configurations that are sent as such', async () => {
    for (const type of [common.HeaderType.CONFIG, common.HeaderType.ORDERER_TRANSACTION]) {
      const answer = await refused(await envelope(member(ordererOrg, 'orderer'), { type }));
      assert.deepEqual(answer, { status: BAD_REQUEST, info: 'message is of type that cannot be processed directly' });
    }
  });

  it('a message that is too large', async () => {
    const answer = await refused(await envelope(member(org, 'User1'), { size: 100_000 }));
    assert.equal(answer.status, BAD_REQUEST);
    assert.match(answer.info, /^message payload is \d+ bytes and exceeds maximum allowed 100000 bytes$/);
  });

  it('a creator whose certificate has ended', async () => {
    const late: Clock = { now: () => new Date(Date.now() + 20 * 365 * 24 * 3_600_000) };
    const answer = await refused(await envelope(member(org, 'User1')), { clock: late });
    assert.deepEqual(answer, { status: BAD_REQUEST, info: 'broadcast client identity expired' });
  });

  it('who may not write, and a bad signature, with the text of the policy', async () => {
    const info =
      "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied";
    assert.deepEqual(await refused(await envelope(member(outsider, 'Admin'))), { status: FORBIDDEN, info });
    assert.deepEqual(await refused(await envelope(member(org, 'peer0'))), { status: FORBIDDEN, info });
    const { payload, signature } = common.Envelope.decode(await envelope(member(org, 'User1')));
    const other = common.Envelope.decode(await envelope(member(org, 'User1')));
    assert.ok(signature.length > 0);
    assert.deepEqual(await refused(common.Envelope.encode({ payload, signature: other.signature })), { status: FORBIDDEN, info });
  });
});

describe.skipIf(!fixtures)('broadcasts recorded from the 1.1 orderer', () => {
  const answerTo = async (path: string) => {
    const ordererMember = {
      certificate: 'msp/signcerts/orderer.example.com-cert.pem',
      folder: 'v1.1/crypto/ordererOrganizations/example.com/orderers/orderer.example.com',
    };
    const signer = new LocalSigner({
      mspId: 'OrdererMSP',
      certificate: Certificate.fromPem(readFixture(`${ordererMember.folder}/${ordererMember.certificate}`).toString()),
      privateKey: createPrivateKey(recordedKey(ordererMember.folder)),
    });
    await using orderer = newOrderer({
      signer,
      form: '1.x',
      bundleOf: (channelId, config) => bundleFromConfig(channelId, config, { ...parts, dialect: '1.1' }),
    });
    await orderer.join(common.Block.decode(readFixture('v1.1/config/channel.block')));
    return await orderer.broadcast(readFixture(`v1.1/calls/${path}/broadcast.request.pb`));
  };

  it.each([
    '140-bad-env-high-s',
    '141-bad-env-sig',
    '142-bad-wrong-channel',
    '28-invoke-put',
    '04-anchor-update-Org1MSP',
    '139-bad-hdr-type-message',
  ])('get the recorded answer: %s', async (step) => {
    const recorded = orderermsg.BroadcastResponse.decode(readFixture(`v1.1/calls/${step}/broadcast.response.pb`));
    assert.deepEqual(await answerTo(step), { status: recorded.status, info: recorded.info });
  });
});

async function blockVerdict({ header, metadata }: common.Block, genesisBlock: common.Block) {
  const { value, signatures } = common.Metadata.decode(metadata?.metadata[0] ?? assert.fail());
  const signed = signatures.map(({ signatureHeader, signature }) => ({
    data: concatBytes(value, signatureHeader, blockHeaderBytes(header ?? assert.fail())),
    identity: common.SignatureHeader.decode(signatureHeader).creator,
    signature,
  }));
  return bundleFromBlock(genesisBlock, parts).policies.get('/Channel/Orderer/BlockValidation').evaluate(signed);
}

/** Keys of 1.1 are named after their fingerprint. */
function recordedKey(folder: string): Buffer {
  const keystore = join(fixtures ?? '', folder, 'msp/keystore');
  return readFixture(join(folder, 'msp/keystore', readdirSync(keystore)[0] ?? assert.fail('no key')));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
