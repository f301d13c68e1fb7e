import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyConfig, bundleFromBlock, codeName, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { blockOf, makeTransaction, signerOf, type TransactionInit } from '../../test/committer/transactions.ts';
import { countedWork } from '../../test/counted-work.ts';
import { MemoryState } from '../../test/fakes/memory-state.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { utf8 } from '../common/bytes.ts';
import type { StateUpdate } from '../ledger/statedb/state.ts';
import { membersPolicy } from '../lifecycle/endorsement-policy.ts';
import { applicationCapabilities, Capabilities } from '../msp/channelconfig/capabilities.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { Signer } from '../msp/identity.ts';
import { txIdOf } from '../protos/hashes.ts';
import { ccprovider, common, kvrwset, msp, protos } from '../protos/messages.ts';
import { BlockValidator } from './block-validator.ts';
import { vscc } from './plugins/vscc.ts';

type Level = '' | 'V1_1' | 'V1_2' | 'V1_3' | 'V2_0';

const envelopeOf = (policy: ReturnType<typeof membersPolicy>): Uint8Array =>
  policy.kind === 'signature' ? policy.envelope : policy.policy;
const eitherOrg = envelopeOf(membersPolicy(1, ['Org1MSP', 'Org2MSP']));
const bothOrgs = envelopeOf(membersPolicy(2, ['Org1MSP', 'Org2MSP']));
const onlyOrg2 = envelopeOf(membersPolicy(1, ['Org2MSP']));

const version = { blockNum: 1n, txNum: 0n };
const put = (namespace: string, key: string, value: Uint8Array, metadata?: Uint8Array): StateUpdate => ({
  namespace,
  key,
  value: { value, version, metadata },
});
const define = (name: string, data: ccprovider.ChaincodeDataInit = {}): StateUpdate =>
  put('lscc', name, ccprovider.ChaincodeData.encode({ name, version: '1.0', escc: 'escc', vscc: 'vscc', policy: eitherOrg, ...data }));
const keyPolicy = (policy: Uint8Array): Uint8Array =>
  kvrwset.KVMetadataWrite.encode({ entries: [{ name: 'VALIDATION_PARAMETER', value: policy }] });

describe.skipIf(!fixtures)('block validator', () => {
  let genesis: ChannelBundle;
  let admin: Signer;
  let peer1: Signer;
  let peer2: Signer;

  beforeAll(() => {
    const [block] = recordedBlocks('v1.1', 'peer');
    if (block === undefined) throw new Error('no recorded block');
    genesis = bundleFromBlock(block);
    admin = signerOf('v1.1', 1, 'Admin');
    peer1 = signerOf('v1.1', 1, 'peer0');
    peer2 = signerOf('v1.1', 2, 'peer0');
  });

  /** The recorded channel with other application capabilities. */
  function at(level: Level): ChannelBundle {
    if (genesis.application === undefined) throw new Error('no application');
    const capabilities = applicationCapabilities(new Capabilities('Application', level === '' ? [] : [level]));
    return { ...genesis, application: { ...genesis.application, capabilities } };
  }

  const transaction = (init: Partial<TransactionInit> = {}): Promise<Uint8Array> =>
    makeTransaction({
      channelId: genesis.channelId,
      creator: admin,
      endorsers: [peer1],
      chaincode: 'kv',
      version: '1.0',
      sets: [{ namespace: 'kv', writes: [{ key: 'a', value: utf8('1') }] }],
      ...init,
    });

  async function validate(
    level: Level,
    data: readonly Uint8Array[],
    updates: readonly StateUpdate[] = [define('kv')],
    known: readonly string[] = [],
  ) {
    const memory = new MemoryState();
    await memory.commit(updates, version);
    using state = memory.snapshot();
    const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig });
    const prechecked = await validator.precheck(blockOf(2n, data), at(level));
    const { validated } = await validator.validate(prechecked, { state, blocks: { hasTransaction: (txId) => known.includes(txId) } });
    return { codes: [...validated.flags].map(codeName), reasons: validated.reasons };
  }

  it('accepts what the policy of the written chaincode accepts, at every level', async () => {
    const tx = await transaction();
    for (const level of ['', 'V1_1', 'V1_2', 'V1_3', 'V2_0'] as const) expect((await validate(level, [tx])).codes).toEqual(['VALID']);
  });

  it('says which principals are missing and whose endorsement is bad', async () => {
    const tx = await transaction({ endorsers: [peer1] });
    for (const level of ['V1_1', 'V1_3', 'V2_0'] as const) {
      const { codes, reasons } = await validate(level, [tx], [define('kv', { policy: bothOrgs })]);
      expect(codes).toEqual(['ENDORSEMENT_POLICY_FAILURE']);
      expect(reasons[0]?.details).toMatchObject({ missingPrincipals: 'Org2MSP.member', endorsedBy: 'Org1MSP', namespace: 'kv' });
      expect(reasons[0]?.txId).toMatch(/^[0-9a-f]{64}$/);
    }
    const forged: Signer = { ...peer2, mspId: peer2.mspId, serialized: peer2.serialized, sign: (message) => peer1.sign(message) };
    const { reasons } = await validate('V1_1', [await transaction({ endorsers: [peer1, forged] })], [define('kv', { policy: bothOrgs })]);
    expect(reasons[0]?.details).toMatchObject({ refusedEndorsements: 'Org2MSP: bad signature' });
  });

  it('lets nobody speak for another channel, nor for none', async () => {
    for (const channelId of ['elsewhere', '']) {
      expect((await validate('V1_1', [await transaction({ channelId })])).codes).toEqual(['BAD_CREATOR_SIGNATURE']);
    }
  });

  it('refuses a response without a chaincode action', async () => {
    const tx = await transaction({ extension: new Uint8Array() });
    for (const level of ['V1_1', 'V2_0'] as const) expect((await validate(level, [tx])).codes).toEqual(['BAD_RESPONSE_PAYLOAD']);
  });

  it('needs no endorsement for what only reads below V1_2, and the invoked chaincode from there on', async () => {
    const tx = await transaction({ sets: [], endorsers: [] });
    expect((await validate('V1_1', [tx])).codes).toEqual(['VALID']);
    expect((await validate('V1_2', [tx])).codes).toEqual(['ENDORSEMENT_POLICY_FAILURE']);
    expect((await validate('V2_0', [tx])).codes).toEqual(['ENDORSEMENT_POLICY_FAILURE']);
  });

  it('lets no application write to lscc or to what nobody can invoke', async () => {
    for (const namespace of ['lscc', 'escc', 'vscc', 'cscc']) {
      const tx = await transaction({ sets: [{ namespace, writes: [{ key: 'a', value: utf8('1') }] }] });
      expect((await validate('V1_1', [tx])).codes).toEqual(['ILLEGAL_WRITESET']);
      expect((await validate('V2_0', [tx])).codes).toEqual(['INVALID_CHAINCODE']);
    }
    const qscc = await transaction({ sets: [{ namespace: 'qscc', writes: [{ key: 'a', value: utf8('1') }] }] });
    expect((await validate('V1_1', [qscc])).codes).toEqual(['VALID']);
    expect((await validate('V1_1', [await transaction({ chaincode: 'vscc' })])).codes).toEqual(['ILLEGAL_WRITESET']);
  });

  it('refuses a namespace that is listed twice', async () => {
    const set = { namespace: 'kv', writes: [{ key: 'a', value: utf8('1') }] };
    const tx = await transaction({ sets: [set, set] });
    for (const level of ['V1_1', 'V1_3', 'V2_0'] as const) expect((await validate(level, [tx])).codes).toEqual(['ILLEGAL_WRITESET']);
  });

  it('refuses what has no definition or another version', async () => {
    const ghost = await transaction({ chaincode: 'ghost', sets: [{ namespace: 'ghost', writes: [{ key: 'a', value: utf8('1') }] }] });
    expect((await validate('V1_1', [ghost])).codes).toEqual(['INVALID_OTHER_REASON']);
    expect((await validate('V2_0', [ghost])).codes).toEqual(['INVALID_CHAINCODE']);
    const old = await transaction({ version: '0.9' });
    const { codes, reasons } = await validate('V1_2', [old]);
    expect(codes).toEqual(['EXPIRED_CHAINCODE']);
    expect(reasons[0]?.details).toEqual({ chaincode: 'kv', endorsedVersion: '0.9', committedVersion: '1.0' });
    expect((await validate('V2_0', [old])).codes).toEqual(['VALID']);
  });

  it('looks at events from V1_2 on', async () => {
    const foreign = await transaction({ events: protos.ChaincodeEvent.encode({ chaincodeId: 'other' }) });
    expect((await validate('V1_1', [foreign])).codes).toEqual(['VALID']);
    for (const level of ['V1_2', 'V2_0'] as const) expect((await validate(level, [foreign])).codes).toEqual(['INVALID_OTHER_REASON']);
  });

  it('counts one of several transactions with one id, from V1_1 on', async () => {
    const tx = await transaction();
    expect((await validate('', [tx, tx])).codes).toEqual(['VALID', 'VALID']);
    expect((await validate('V1_1', [tx, tx, tx])).codes).toEqual(['VALID', 'DUPLICATE_TXID', 'DUPLICATE_TXID']);
    const unendorsed = await transaction({ nonce: utf8('nonce'), endorsers: [] });
    const endorsed = await transaction({ nonce: utf8('nonce') });
    expect((await validate('V1_1', [unendorsed, endorsed])).codes).toEqual(['ENDORSEMENT_POLICY_FAILURE', 'VALID']);
  });

  it('knows transactions of earlier blocks', async () => {
    const nonce = randomBytes(24);
    const txId = txIdOf(nonce, admin.serialized);
    expect((await validate('V1_1', [await transaction({ nonce })], [define('kv')], [txId])).codes).toEqual(['DUPLICATE_TXID']);
  });

  it('waits for no verdict over a transaction that gets none', async () => {
    const nonce = randomBytes(24);
    const change = await transaction({ nonce, sets: [{ namespace: 'kv', metadataWrites: [{ key: 'a', entries: [] }] }] });
    const known = [txIdOf(nonce, admin.serialized)];
    expect((await validate('V2_0', [change, await transaction()], [define('kv')], known)).codes).toEqual(['DUPLICATE_TXID', 'VALID']);
    const halting = await transaction({ chaincode: 'odd', sets: [{ namespace: 'odd', metadataWrites: [{ key: 'a', entries: [] }] }] });
    const waiting = await transaction({ sets: [{ namespace: 'odd', writes: [{ key: 'a', value: utf8('1') }] }] });
    const definitions = [define('kv'), define('odd', { vscc: 'mine' })];
    await expect(validate('V2_0', [halting, waiting], definitions)).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
  });

  it('halts on a plugin it does not have', async () => {
    const tx = await transaction();
    await expect(validate('V1_1', [tx], [define('kv', { vscc: 'mine' })])).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
  });

  it('puts the policy of a key over that of its chaincode from V1_3 on', async () => {
    const updates = [define('kv'), put('kv', 'a', utf8('0'), keyPolicy(onlyOrg2))];
    const tx = await transaction();
    expect((await validate('V1_2', [tx], updates)).codes).toEqual(['VALID']);
    for (const level of ['V1_3', 'V2_0'] as const) {
      const { codes, reasons } = await validate(level, [tx], updates);
      expect(codes).toEqual(['ENDORSEMENT_POLICY_FAILURE']);
      expect(reasons[0]?.details).toMatchObject({ key: 'a', missingPrincipals: 'Org2MSP.member' });
    }
    const strict = [define('kv', { policy: bothOrgs }), put('kv', 'a', utf8('0'), keyPolicy(onlyOrg2))];
    const byOrg2 = await transaction({ endorsers: [peer2] });
    for (const level of ['V1_3', 'V2_0'] as const) expect((await validate(level, [byOrg2], strict)).codes).toEqual(['VALID']);
  });

  it('copies the response for no endorsement that says nothing new, and judges endorsements once', async () => {
    const payload = 50_000;
    const written = { namespace: 'kv', writes: [{ key: 'a', value: new Uint8Array(payload) }] };
    const crowd = await transaction({ sets: [written], endorsers: Array.from({ length: 200 }, () => peer1) });
    const nobody = (at: number): Signer => ({
      mspId: 'Nobody',
      serialized: msp.SerializedIdentity.encode({ mspid: 'Nobody', idBytes: utf8(`${at}`) }),
      sign: async () => utf8('none'),
    });
    const nobodies = await transaction({ sets: [written], endorsers: [peer1, ...Array.from({ length: 200 }, (_, at) => nobody(at))] });
    const keys = Array.from({ length: 100 }, (_, at) => `k${at}`);
    const owned = keys.map((key) => put('kv', key, utf8('0'), keyPolicy(envelopeOf(membersPolicy(1, ['Org1MSP', `Org${key}`])))));
    const many = await transaction({
      sets: [{ namespace: 'kv', writes: [...keys.map((key) => ({ key, value: utf8('1') })), ...written.writes] }],
    });
    for (const level of ['V1_1', 'V1_3', 'V2_0'] as const) {
      for (const tx of [crowd, nobodies, many]) {
        let codes: readonly (string | undefined)[] = [];
        const { copied } = await countedWork(async () => {
          ({ codes } = await validate(level, [tx], [define('kv'), ...owned]));
        });
        expect(codes).toEqual(['VALID']);
        expect(copied).toBeLessThan(8 * tx.length);
      }
    }
  });

  it('lets the change of a key policy take effect with the next block only', async () => {
    const change = await transaction({ sets: [{ namespace: 'kv', metadataWrites: [{ key: 'a', entries: [] }] }] });
    const write = await transaction();
    expect((await validate('V1_3', [change, write])).codes).toEqual(['VALID', 'ENDORSEMENT_POLICY_FAILURE']);
    expect((await validate('V2_0', [write, change])).codes).toEqual(['VALID', 'VALID']);
    const refused = await transaction({ endorsers: [], sets: [{ namespace: 'kv', metadataWrites: [{ key: 'a', entries: [] }] }] });
    expect((await validate('V2_0', [refused, write])).codes).toEqual(['ENDORSEMENT_POLICY_FAILURE', 'VALID']);
  });

  describe('deploy and upgrade through lscc', () => {
    const deploymentSpec = (name: string, of: string, type: number = protos.ChaincodeSpec_Type.NODE): Uint8Array =>
      protos.ChaincodeDeploymentSpec.encode({ chaincodeSpec: { type, chaincodeId: { name, version: of } } });

    function operation(fn: string, name: string, of: string, change: Partial<TransactionInit> = {}): Promise<Uint8Array> {
      const instantiationPolicy = envelopeOf(membersPolicy(1, ['Org1MSP']));
      const value = ccprovider.ChaincodeData.encode({ name, version: of, vscc: 'vscc', policy: eitherOrg, instantiationPolicy });
      return transaction({
        chaincode: 'lscc',
        version: '1.1.0',
        args: [utf8(fn), utf8(genesis.channelId), deploymentSpec(name, of)],
        sets: [{ namespace: 'lscc', writes: [{ key: name, value }] }],
        ...change,
      });
    }

    const code = async (
      tx: Promise<Uint8Array>,
      updates: readonly StateUpdate[] = [],
      level: Level = 'V1_1',
    ): Promise<string | undefined> => {
      const { codes, reasons } = await validate(level, [await tx], updates);
      return reasons[0]?.message ?? codes[0];
    };
    const mine = envelopeOf(membersPolicy(1, ['Org1MSP']));

    it('accepts a new chaincode and a new version of one', async () => {
      expect(await code(operation('deploy', 'new', '1.0'))).toBe('VALID');
      expect(await code(operation('upgrade', 'kv', '2.0'), [define('kv', { instantiationPolicy: mine })])).toBe('VALID');
      expect(await code(operation('deploy', 'new', '1.0', { endorsers: [] }))).toContain('endorsement policy failure');
    });

    it('refuses names, versions and functions that lscc would not have', async () => {
      expect(await code(operation('start', 'new', '1.0'))).toBe(
        'VSCC error: committing an invocation of function start of lscc is invalid',
      );
      expect(await code(operation('deploy', 'bad name', '1.0'))).toBe("invalid chaincode name 'bad name'");
      expect(await code(operation('deploy', 'qscc', '1.0'))).toBe("chaincode name 'qscc' is reserved for system chaincodes");
      expect(await code(operation('deploy', 'new', '1 0'))).toBe("invalid chaincode version '1 0'");
      expect(await code(operation('deploy', 'new', '1.0', { args: [] }))).toBe('malformed chaincode invocation spec');
      expect(await code(operation('deploy', 'new', '1.0', { args: [utf8('deploy'), utf8('c'), deploymentSpec('new', '1.0', 0)] }))).toBe(
        'unexpected chaincode spec type: 0',
      );
      expect(await code(operation('deploy', 'new', '1.0', { args: [utf8('deploy'), utf8('c'), utf8('x')] }))).toContain('cannot decode');
    });

    it('refuses other writes than those of the operation', async () => {
      const foreign = { namespace: 'kv', writes: [{ key: 'a', value: utf8('1') }] };
      const own = { namespace: 'lscc', writes: [{ key: 'new', value: ccprovider.ChaincodeData.encode({ name: 'new', version: '1.0' }) }] };
      expect(await code(operation('deploy', 'new', '1.0', { sets: [] }))).toBe('No read write set for lscc was found');
      expect(await code(operation('deploy', 'new', '1.0', { sets: [own, foreign] }), [define('kv')])).toBe(
        'LSCC invocation is attempting to write to namespace kv',
      );
      expect(await code(operation('deploy', 'new', '1.0', { sets: [own] }))).toBe('No instantiation policy was specified');
      const other = { namespace: 'lscc', writes: [{ key: 'kv', value: utf8('') }] };
      expect(await code(operation('deploy', 'new', '1.0', { sets: [other] }))).toBe('expected key new, found kv');
      const two = { namespace: 'lscc', writes: [...own.writes, { key: 'kv', value: utf8('') }] };
      expect(await code(operation('deploy', 'new', '1.0', { sets: [two] }))).toBe('LSCC can only issue a single putState upon deploy');
    });

    it('compares with what the ledger holds', async () => {
      expect(await code(operation('deploy', 'kv', '1.0'), [define('kv')])).toBe('Chaincode kv is already instantiated');
      expect(await code(operation('upgrade', 'kv', '2.0'))).toBe('Upgrading non-existent chaincode kv');
      expect(await code(operation('upgrade', 'kv', '1.0'), [define('kv')])).toContain('should be different from the upgraded one');
    });

    it('asks the old instantiation policy at an upgrade, and from V1_1 on also the new one', async () => {
      const theirs = [define('kv', { instantiationPolicy: onlyOrg2 })];
      expect(await code(operation('upgrade', 'kv', '2.0'), theirs)).toContain('chaincode instantiation policy violated');
      const value = ccprovider.ChaincodeData.encode({
        name: 'kv',
        version: '2.0',
        vscc: 'vscc',
        policy: eitherOrg,
        instantiationPolicy: onlyOrg2,
      });
      const giving = { sets: [{ namespace: 'lscc', writes: [{ key: 'kv', value }] }] };
      const ours = [define('kv', { instantiationPolicy: mine })];
      expect(await code(operation('upgrade', 'kv', '2.0', giving), ours, '')).toBe('VALID');
      expect(await code(operation('upgrade', 'kv', '2.0', giving), ours, 'V1_1')).toContain('chaincode instantiation policy violated');
    });

    it('lets the last upgrade of a block win, over everything that invoked the chaincode', async () => {
      const updates = [define('kv', { instantiationPolicy: mine })];
      const data = [await operation('upgrade', 'kv', '2.0'), await transaction(), await operation('upgrade', 'kv', '3.0')];
      const { codes } = await validate('V1_1', data, updates);
      expect(codes).toEqual(['CHAINCODE_VERSION_CONFLICT', 'CHAINCODE_VERSION_CONFLICT', 'VALID']);
    });

    it('checks collections from V1_2 on', async () => {
      const collections = (config: readonly common.StaticCollectionConfigInit[]): Uint8Array =>
        common.CollectionConfigPackage.encode({ config: config.map((staticCollectionConfig) => ({ staticCollectionConfig })) });
      const member = { signaturePolicy: common.SignaturePolicyEnvelope.decode(eitherOrg) };
      const value = ccprovider.ChaincodeData.encode({
        name: 'new',
        version: '1.0',
        vscc: 'vscc',
        policy: eitherOrg,
        instantiationPolicy: mine,
      });
      const withCollections = (bytes: Uint8Array, key = 'new~collection', fn = 'deploy') =>
        operation(fn, 'new', '1.0', {
          args: [utf8(fn), utf8('c'), deploymentSpec('new', '1.0'), eitherOrg, utf8('escc'), utf8('vscc'), bytes],
          sets: [
            {
              namespace: 'lscc',
              writes: [
                { key: 'new', value },
                { key, value: bytes },
              ],
            },
          ],
        });
      const good = collections([{ name: 'c1', memberOrgsPolicy: member, maximumPeerCount: 1 }]);
      expect(await code(withCollections(good), [], 'V1_2')).toBe('VALID');
      expect(await code(withCollections(good), [], 'V1_1')).toContain('Wrong number of arguments');
      expect(await code(withCollections(good, 'other'), [], 'V1_2')).toContain('invalid key for the collection');
      expect(await code(withCollections(collections([{ name: '', memberOrgsPolicy: member }])), [], 'V1_2')).toContain('not allowed');
      expect(
        await code(withCollections(collections([{ name: 'c', memberOrgsPolicy: member, requiredPeerCount: 2 }])), [], 'V1_2'),
      ).toContain('cannot be less than the required peer count');
      const and = { signaturePolicy: common.SignaturePolicyEnvelope.decode(bothOrgs) };
      expect(await code(withCollections(collections([{ name: 'c', memberOrgsPolicy: and }])), [], 'V1_2')).toContain('not an OR');
      const old = [
        define('new', { version: '0', instantiationPolicy: mine }),
        put('lscc', 'new~collection', collections([{ name: 'c0', memberOrgsPolicy: member }])),
      ];
      expect(await code(withCollections(good, 'new~collection', 'upgrade'), old, 'V1_2')).toContain('[c0]');
      expect(await code(withCollections(good), old.slice(1), 'V1_2')).toContain('collection data should not exist');
    });
  });
});
