import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, manifest, readFixture, readFixtureJson } from '../../test/fixtures.ts';
import { hex, sha256 } from '../common/bytes.ts';
import { blockDataHash, blockHash, blockHeaderBytes, proposalHash, txIdOf, visiblePayload } from './hashes.ts';
import { common, protos } from './messages.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
type Vector = Readonly<Record<string, string>>;
const vectors = (version: '1.1' | '2.4', name: string): readonly Vector[] =>
  (readFixtureJson(`pure/functions-v${version}.json`) as Record<string, Vector[]>)[name] ?? [];

/** Every vector, or a failure when there are none: a loop over nothing would prove nothing. */
const some = <T>(found: readonly T[]): readonly T[] => {
  assert.ok(found.length > 0);
  return found;
};

describe.skipIf(!fixtures)('hashes and ids, as Fabric computed them', () => {
  it('transaction ids', () => {
    for (const { nonceHex = '', creatorHex = '', txid } of some(vectors('1.1', 'txid'))) {
      assert.equal(txIdOf(bytes(nonceHex), bytes(creatorHex)), txid);
    }
  });

  it('proposal hashes, and the payload without what is transient', () => {
    for (const vector of some(vectors('1.1', 'proposalHash'))) {
      const { channelHeaderHex = '', signatureHeaderHex = '', chaincodeProposalPayloadHex = '' } = vector;
      const visible = visiblePayload(bytes(chaincodeProposalPayloadHex));
      assert.equal(hex(visible), vector['payloadWithoutTransientHex']);
      const header = { channelHeader: bytes(channelHeaderHex), signatureHeader: bytes(signatureHeaderHex) };
      assert.equal(hex(proposalHash(header, visible)), vector['proposalHashHex']);
    }
  });

  it('block headers', () => {
    const headers = some(vectors('1.1', 'blockHeader')).map(
      ({ number = '', previousHashHex = '', dataHashHex = '', asn1Hex, headerHashHex }) => {
        const header = { number: BigInt(number), previousHash: bytes(previousHashHex), dataHash: bytes(dataHashHex) };
        assert.equal(hex(blockHeaderBytes(header)), asn1Hex);
        assert.equal(hex(blockHash(header)), headerHashHex);
        return { headerHashHex: hex(blockHash(header)), number };
      },
    );
    assert.deepEqual(headers, vectors('2.4', 'blockHeaderV24'));
  });

  it('block data', () => {
    const recorded = (readFixtureJson('pure/functions-v1.1.json') as { blockDataHash: { dataHex: string[]; dataHashHex: string }[] })
      .blockDataHash;
    for (const { dataHex, dataHashHex } of some(recorded)) assert.equal(hex(blockDataHash({ data: dataHex.map(bytes) })), dataHashHex);
  });

  it('every recorded block', () => {
    for (const { file, headerHash, dataHash } of some(
      manifest().filter(({ proto, headerHash }) => proto === 'common.Block' && headerHash !== undefined),
    )) {
      const { header, data } = common.Block.decode(readFixture(file));
      assert.ok(header !== undefined && data !== undefined);
      assert.equal(hex(blockHash(header)), headerHash, file);
      if (dataHash !== undefined) assert.equal(hex(blockDataHash(data)), dataHash, file);
    }
  });

  it('a block of more envelopes than a call takes arguments', () => {
    const data = Array.from({ length: 500_000 }, () => new Uint8Array(1));
    assert.equal(hex(blockDataHash({ data })), hex(sha256(new Uint8Array(500_000))));
  });

  it('every recorded endorsement binds the proposal it answers', () => {
    const answers = some(manifest().filter(({ proto, endorsed }) => proto === 'protos.ProposalResponse' && endorsed === true));
    let compared = 0;
    for (const { file } of answers) {
      const request = file.replace('.response', '.request');
      const signed = protos.SignedProposal.decode(readFixture(request));
      const proposal = protos.Proposal.decode(signed.proposalBytes);
      const answer = protos.ProposalResponse.decode(readFixture(file));
      const expected = protos.ProposalResponsePayload.decode(answer.payload).proposalHash;
      assert.equal(hex(proposalHash(common.Header.decode(proposal.header), visiblePayload(proposal.payload))), hex(expected), file);
      compared += 1;
    }
    assert.equal(compared, answers.length);
  });
});
