import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, utf8 } from '../common/bytes.ts';
import type { Signer } from '../msp/identity.ts';
import { txIdOf, visiblePayload } from '../protos/hashes.ts';
import { common, orderer, protos } from '../protos/messages.ts';
import { signConfigUpdate } from './config-update.ts';
import { createProposal, timestamp } from './proposal.ts';
import { seekEnvelope } from './seek.ts';
import { deployProposal } from './system-calls.ts';
import { assembleTransaction } from './transaction.ts';

const signer: Signer = { mspId: 'Org1MSP', serialized: utf8('creator'), sign: (message) => concatBytes(utf8('signed '), message) };
const isSigned = (message: Uint8Array, signature: Uint8Array): boolean => equalBytes(signature, concatBytes(utf8('signed '), message));

const transient = new Map([['price', utf8('10')]]);
const propose = () => createProposal(signer, { channelId: 'mychannel', chaincode: 'mycc', args: ['put', utf8('a')], transient });

describe('a proposal', () => {
  it('says who asks which chaincode for what, and is signed', async () => {
    const { signed, txId } = await propose();
    const bytes = signed.proposalBytes ?? utf8('');
    expect(isSigned(bytes, signed.signature ?? utf8(''))).toBe(true);
    const proposal = protos.Proposal.decode(bytes);
    const header = common.Header.decode(proposal.header);
    const channelHeader = common.ChannelHeader.decode(header.channelHeader);
    const { nonce, creator } = common.SignatureHeader.decode(header.signatureHeader);
    expect(nonce).toHaveLength(24);
    expect(channelHeader).toMatchObject({ type: common.HeaderType.ENDORSER_TRANSACTION, channelId: 'mychannel', txId });
    expect(txIdOf(nonce, creator)).toBe(txId);
    expect(protos.ChaincodeHeaderExtension.decode(channelHeader.extension).chaincodeId?.name).toBe('mycc');
    const payload = protos.ChaincodeProposalPayload.decode(proposal.payload);
    const { chaincodeSpec } = protos.ChaincodeInvocationSpec.decode(payload.input);
    expect(chaincodeSpec?.input?.args.map(String)).toEqual([utf8('put'), utf8('a')].map((arg) => String(Buffer.from(arg))));
    expect([...payload.transientMap.keys()]).toEqual(['price']);
  });

  it('is another one each time', async () => {
    expect((await propose()).txId).not.toBe((await propose()).txId);
  });

  it('has the time to the millisecond', () => {
    expect(timestamp(new Date(1234))).toEqual({ seconds: 1n, nanos: 234_000_000 });
  });
});

describe('a transaction', () => {
  const response = { status: 200, message: '', payload: utf8('') };
  const endorsedBy = (...names: string[]): protos.ProposalResponse[] =>
    names.map((name) =>
      protos.ProposalResponse.decode(
        protos.ProposalResponse.encode({ response, payload: utf8('payload'), endorsement: { endorser: utf8(name), signature: utf8('s') } }),
      ),
    );

  it('holds the headers as signed, the endorsements in order, and nothing transient', async () => {
    const proposal = await propose();
    const envelope = common.Envelope.decode(await assembleTransaction(signer, proposal, endorsedBy('one', 'two')));
    expect(isSigned(envelope.payload, envelope.signature)).toBe(true);
    const payload = common.Payload.decode(envelope.payload);
    expect(payload.header).toEqual({
      channelHeader: Buffer.from(proposal.header.channelHeader),
      signatureHeader: Buffer.from(proposal.header.signatureHeader),
    });
    const [action] = protos.Transaction.decode(payload.data).actions;
    expect(Buffer.from(action?.header ?? [])).toEqual(Buffer.from(proposal.header.signatureHeader));
    const decoded = protos.ChaincodeActionPayload.decode(action?.payload ?? utf8(''));
    expect(protos.ChaincodeProposalPayload.decode(decoded.chaincodeProposalPayload).transientMap.size).toBe(0);
    expect(decoded.action?.endorsements.map(({ endorser }) => String(endorser))).toEqual(['one', 'two']);
    expect(String(decoded.action?.proposalResponsePayload)).toBe('payload');
  });

  it('shows the payload that the endorsers hash', async () => {
    const { signed, visiblePayload: shown } = await propose();
    const { payload } = protos.Proposal.decode(signed.proposalBytes ?? utf8(''));
    expect(Buffer.from(shown)).toEqual(Buffer.from(visiblePayload(payload)));
    expect(Buffer.from(shown)).not.toEqual(Buffer.from(payload));
  });
});

describe('a request for blocks', () => {
  async function seek(...range: Parameters<typeof seekEnvelope>[2][]) {
    const envelope = common.Envelope.decode(await seekEnvelope(signer, 'mychannel', range[0] ?? { start: 'newest' }));
    expect(isSigned(envelope.payload, envelope.signature)).toBe(true);
    const { header, data } = common.Payload.decode(envelope.payload);
    return { header: common.ChannelHeader.decode(header?.channelHeader ?? utf8('')), seek: orderer.SeekInfo.decode(data) };
  }

  it('without an end goes on for ever', async () => {
    const { seek: info, header } = await seek({ start: 'oldest' });
    expect(info.start?.oldest).toBeDefined();
    expect(info.stop?.specified?.number).toBe(2n ** 64n - 1n);
    expect(info.behavior).toBe(orderer.SeekInfo_SeekBehavior.BLOCK_UNTIL_READY);
    expect(header).toMatchObject({ type: common.HeaderType.DELIVER_SEEK_INFO, channelId: 'mychannel' });
    expect(header.timestamp).toBeDefined();
  });

  it('may be for one block, now or not at all, and bound to TLS', async () => {
    const { seek: info, header } = await seek({ start: 0n, stop: 0n, failIfNotReady: true, tlsCertHash: utf8('hash') });
    expect([info.start?.specified?.number, info.stop?.specified?.number]).toEqual([0n, 0n]);
    expect(info.behavior).toBe(orderer.SeekInfo_SeekBehavior.FAIL_IF_NOT_READY);
    expect(String(header.tlsCertHash)).toBe('hash');
  });
});

describe('a configuration update', () => {
  const envelope = (type: number, channelId = 'mychannel') =>
    common.Envelope.encode({
      payload: common.Payload.encode({
        header: { channelHeader: common.ChannelHeader.encode({ type, channelId }), signatureHeader: utf8('') },
        data: common.ConfigUpdateEnvelope.encode({ configUpdate: utf8('update'), signatures: [{ signature: utf8('first') }] }),
      }),
    });

  it('gets one more signature, over its header and the update', async () => {
    const { channelId, envelope: signed } = await signConfigUpdate(envelope(common.HeaderType.CONFIG_UPDATE), signer);
    expect(channelId).toBe('mychannel');
    const { data } = common.Payload.decode(common.Envelope.decode(signed).payload);
    const { configUpdate, signatures } = common.ConfigUpdateEnvelope.decode(data);
    expect(String(configUpdate)).toBe('update');
    expect(signatures).toHaveLength(2);
    const [, own] = signatures;
    expect(isSigned(concatBytes(own?.signatureHeader ?? utf8(''), configUpdate), own?.signature ?? utf8(''))).toBe(true);
  });

  it.each([
    ['another message', envelope(common.HeaderType.CONFIG)],
    ['no channel', envelope(common.HeaderType.CONFIG_UPDATE, '')],
    ['no envelope', utf8('\xff')],
  ])('is refused for %s', async (_, bytes) => {
    await expect(signConfigUpdate(bytes, signer)).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

describe('a deployment', () => {
  it('has arguments as lscc reads them; collections only where there are some', () => {
    const parts = { channelId: 'mychannel', deploymentSpec: utf8('spec') };
    const empty = new Uint8Array(0);
    expect(deployProposal('deploy', parts)).toEqual({
      channelId: 'mychannel',
      chaincode: 'lscc',
      args: ['deploy', 'mychannel', utf8('spec'), empty, 'escc', 'vscc'],
    });
    const all = { ...parts, policy: utf8('p'), escc: 'e', vscc: 'v', collections: utf8('c') };
    expect(deployProposal('upgrade', all).args).toEqual(['upgrade', 'mychannel', utf8('spec'), utf8('p'), 'e', 'v', utf8('c')]);
  });
});
