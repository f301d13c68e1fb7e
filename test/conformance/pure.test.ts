import { createPublicKey } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { QueryReads } from '../../src/ledger/simulator/query-reads.ts';
import { curveOrder, isLowS, parseEcdsaSignature, toLowS } from '../../src/msp/identities/ecdsa.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { type RoleName, signedByAllOf } from '../../src/msp/policies/common-policies.ts';
import type { FabricDialect } from '../../src/msp/policies/dialect.ts';
import { parseImplicitMetaText, parsePolicyText } from '../../src/msp/policies/policy-text.ts';
import { packageIdOf } from '../../src/packages/lifecycle-package.ts';
import { blockDataHash, blockHash, blockHeaderBytes, proposalHash, txIdOf, visiblePayload } from '../../src/protos/hashes.ts';
import { common, kvrwset } from '../../src/protos/messages.ts';
import { computeUpdate } from '../compute-update.ts';
import { fixtures, manifest, readFixture, readFixtureJson } from '../fixtures.ts';
import { canonical } from './canonical.ts';
import { Report } from './report.ts';

/** One recorded call of a function: its arguments and its result, by Fabric's own names. */
type Vector = Readonly<Record<string, unknown>>;

/** What our function makes of a vector, under the names of the recorded result. */
type Check = (vector: Vector) => Vector | Promise<Vector>;

const text = (vector: Vector, name: string): string => String(vector[name] ?? '');
const bytes = (vector: Vector, name: string): Uint8Array => Buffer.from(text(vector, name), 'hex');

/** The result of work that may refuse: both are recorded. */
function resultOrError(work: () => Vector): Vector {
  try {
    return { ok: true, ...work() };
  } catch (thrown) {
    return { ok: false, error: SelvageError.from(thrown).message };
  }
}

const policyText =
  (dialect: FabricDialect): Check =>
  (vector) =>
    resultOrError(() => ({ signaturePolicyEnvelopeHex: envelopeHex(parsePolicyText(text(vector, 'dsl'), { dialect })) }));

const envelopeHex = (envelope: common.SignaturePolicyEnvelopeInit): string => hex(common.SignaturePolicyEnvelope.encode(envelope));

/** Headers of 2.4 name the block by its number: the other vectors have the rest of it. */
const headerOf = (vector: Vector) => ({
  number: BigInt(text(vector, 'number')),
  previousHash: bytes(vector, 'previousHashHex'),
  dataHash: bytes(vector, 'dataHashHex'),
});

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  [
    'blockDataHash',
    (vector) => ({ dataHashHex: hex(blockDataHash({ data: list(vector, 'dataHex').map((each) => Buffer.from(String(each), 'hex')) })) }),
  ],
  ['blockHeader', (vector) => ({ asn1Hex: hex(blockHeaderBytes(headerOf(vector))), headerHashHex: hex(blockHash(headerOf(vector))) })],
  [
    'implicitMeta',
    (vector) =>
      resultOrError(() => ({ implicitMetaPolicyHex: hex(common.ImplicitMetaPolicy.encode(parseImplicitMetaText(text(vector, 'rule')))) })),
  ],
  ['lowS', lowS],
  ['packageId', (vector) => ({ packageId: packageIdOf(text(vector, 'label'), bytes(vector, 'packageHex')) })],
  ['policyDslV11', policyText('1.1')],
  ['policyDslV24', policyText('2.x')],
  ['proposalHash', hashOfProposal],
  ['rangeMerkle', rangeMerkle],
  [
    'stateBasedPolicy',
    (vector) => ({ signaturePolicyEnvelopeHex: envelopeHex(signedByAllOf(list(vector, 'orgs').map(String), roleOf(vector))) }),
  ],
  ['txid', (vector) => ({ txid: txIdOf(bytes(vector, 'nonceHex'), bytes(vector, 'creatorHex')) })],
]);

const list = (vector: Vector, name: string): readonly unknown[] => {
  const value = vector[name];
  return Array.isArray(value) ? value : [];
};

async function lowS(vector: Vector): Promise<Vector> {
  const key = createPublicKey({ key: Buffer.from(bytes(vector, 'spkiDerHex')), format: 'der', type: 'spki' });
  const order = curveOrder(key);
  if (order === undefined) throw new Error('no curve');
  const signature = bytes(vector, 'signatureHex');
  const check = { identityId: text(vector, 'spkiDerHex'), key, hash: 'sha256' as const, message: bytes(vector, 'messageHex'), signature };
  return {
    isLowS: isLowS(parseEcdsaSignature(signature), order),
    lowSSignatureHex: hex(toLowS(signature, order)),
    fabricAccepts: await new SignatureVerifier().verify(check),
  };
}

function hashOfProposal(vector: Vector): Vector {
  const header = { channelHeader: bytes(vector, 'channelHeaderHex'), signatureHeader: bytes(vector, 'signatureHeaderHex') };
  const visible = visiblePayload(bytes(vector, 'chaincodeProposalPayloadHex'));
  const hash = hex(proposalHash(header, visible));
  return { payloadWithoutTransientHex: hex(visible), proposalHashHex: hash, proposalHashFromTxPayloadHex: hash };
}

function rangeMerkle(vector: Vector): Vector {
  const reads = new QueryReads({ maxDegree: Number(vector['maxDegree']) });
  for (const [key, block, tx] of list(vector, 'results') as readonly (readonly [string, number, number])[])
    reads.add({ key, version: { blockNum: BigInt(block), txNum: BigInt(tx) } });
  const { rawReads, readsMerkleHashes } = reads.finish();
  if (readsMerkleHashes === undefined) return { rawReads: rawReads?.kvReads?.length ?? 0 };
  const { maxLevel, maxLevelHashes } = readsMerkleHashes;
  return {
    merkle: {
      maxLevel,
      maxLevelHashesHex: (maxLevelHashes ?? []).map(hex),
      queryReadsMerkleSummaryHex: hex(kvrwset.QueryReadsMerkleSummary.encode(readsMerkleHashes)),
    },
  };
}

function roleOf(vector: Vector): RoleName {
  const role = text(vector, 'role');
  if (role === 'MEMBER' || role === 'PEER' || role === 'ADMIN' || role === 'CLIENT' || role === 'ORDERER') return role;
  throw new Error(`no role ${role}`);
}

/** What has no counterpart here, and why. */
const WITHOUT: ReadonlyMap<string, string> = new Map([
  ['compositeKey', 'composite keys are made by the shims; to a peer they are keys'],
  ['blockHeaderV24', 'the vectors give the number of a block alone; compared by number with those of 1.1 instead'],
]);

describe.skipIf(fixtures === undefined)('functions recorded from Fabric (needs the recorded fixtures)', () => {
  const report = new Report('pure functions');
  afterAll(() => report.print());
  const files =
    fixtures === undefined
      ? []
      : manifest()
          .filter(({ kind }) => kind === 'pure-functions')
          .map(({ file }) => file);
  const vectorsIn = (file: string) => readFixtureJson(file) as Readonly<Record<string, readonly Vector[]>>;

  it.each(files)('%s', async (file) => {
    for (const [name, vectors] of Object.entries(vectorsIn(file))) {
      const check = CHECKS.get(name);
      if (check === undefined) {
        report.skipped(WITHOUT.get(name) ?? 'no implementation is known to this test', `${file} ${name}`);
        continue;
      }
      for (const vector of vectors) {
        const ours = await check(vector);
        const recorded = Object.fromEntries(Object.keys(ours).map((each) => [each, vector[each]]));
        expect(ours, `${name} ${JSON.stringify(vector).slice(0, 200)}`).toEqual(recorded);
        report.covered(`${file} ${name}`);
      }
    }
  });

  it('hash blocks alike in both releases', () => {
    const hashes = new Map<string, unknown>();
    for (const file of files)
      for (const [name, vectors] of Object.entries(vectorsIn(file)))
        for (const { number, headerHashHex } of name.startsWith('blockHeader') ? vectors : []) {
          const known = hashes.get(String(number)) ?? headerHashHex;
          expect(headerHashHex, `block ${number} of ${file}`).toBe(known);
          hashes.set(String(number), known);
        }
    if (files.length > 0) report.covered('block hashes across releases', hashes.size);
  });

  it('give recorded packages the recorded ids', () => {
    for (const { file, packageId } of fixtures === undefined ? [] : manifest()) {
      if (packageId === undefined) continue;
      expect(packageIdOf(packageId.slice(0, packageId.lastIndexOf(':')), readFixture(file)), file).toBe(packageId);
      report.covered('package ids of the manifest');
    }
  });

  describe('configuration updates', () => {
    const updates =
      fixtures === undefined ? [] : manifest().filter(({ file, kind }) => kind === 'config-update' && file.endsWith('.update.pb'));

    it.each(updates.map(({ file }) => file))('%s', (file) => {
      const recorded = common.ConfigUpdate.decode(readFixture(file));
      expect(canonical(computed(file, recorded.channelId))).toBe(canonical(recorded));
      report.covered('configuration updates');
    });

    const refused =
      fixtures === undefined ? [] : manifest().filter(({ file, kind }) => kind === 'expected-error' && file.endsWith('.error.txt'));

    it.each(refused.map(({ file }) => file))('%s', (file) => {
      const update = file.replace('.error.txt', '.update.pb');
      const error = resultOrError(() => ({ update: computed(update, 'any') }))['error'];
      expect(readFixture(file).toString('utf8').trim().endsWith(String(error)), String(error)).toBe(true);
      report.covered('refused configuration updates');
    });
  });
});

/** The update from `original.pb` to `<case>.updated.pb` beside it. */
function computed(update: string, channelId: string): common.ConfigUpdate {
  const original = readFixture(update.replace(/[^/]+$/, 'original.pb'));
  const updated = readFixture(update.replace('.update.pb', '.updated.pb'));
  return computeUpdate(common.Config.decode(original), common.Config.decode(updated), channelId);
}
