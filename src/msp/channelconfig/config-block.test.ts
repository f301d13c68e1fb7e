import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { common } from '../../protos/messages.ts';
import { channelIdOfBlock, checkHasApplication, configEnvelopeOfBlock, lastConfigOf } from './config-block.ts';

const { CONFIG, ENDORSER_TRANSACTION } = common.HeaderType;

function block(envelope: Uint8Array | undefined): common.Block {
  return { header: undefined, data: { data: envelope === undefined ? [] : [envelope] }, metadata: undefined };
}

function configBlock(config: common.ConfigEnvelopeInit, type: number = CONFIG): common.Block {
  const channelHeader = common.ChannelHeader.encode({ type, channelId: 'ch' });
  const payload = common.Payload.encode({ header: { channelHeader }, data: common.ConfigEnvelope.encode(config) });
  return block(common.Envelope.encode({ payload }));
}

describe('a configuration block', () => {
  const refused = (of: common.Block, message: string | RegExp) =>
    assert.throws(() => configEnvelopeOfBlock(of), { code: 'CONFIG_INVALID', message });

  it('is refused with the reason JoinChain gives', () => {
    refused({ header: undefined, data: undefined, metadata: undefined }, 'Failed to block data is nil');
    refused(block(undefined), 'Failed to envelope index out of bounds');
    refused(block(new Uint8Array([1])), /^Failed to block data does not carry an envelope at index 0: /);
    refused(block(new Uint8Array(0)), 'Bad configuration envelope: envelope must have a Header');
    refused(configBlock({}, ENDORSER_TRANSACTION), 'Bad configuration envelope: invalid type ENDORSER_TRANSACTION, expected CONFIG');
    refused(configBlock({}), 'Nil config envelope Config');
    refused(configBlock({ config: {} }), 'Nil channel group');
    refused(configBlock({ config: { channelGroup: {} } }), 'No channel configuration groups are available');
    const noApplication = configEnvelopeOfBlock(configBlock({ config: { channelGroup: { groups: new Map([['Orderer', {}]]) } } }));
    assert.throws(() => checkHasApplication(noApplication), {
      code: 'CONFIG_INVALID',
      message: 'Invalid configuration block, missing Application configuration group',
    });
  });

  it('names its channel', () => {
    assert.equal(channelIdOfBlock(configBlock({})), 'ch');
    assert.throws(() => channelIdOfBlock(block(undefined)), { message: 'failed to retrieve channel id - block is empty' });
    assert.throws(() => channelIdOfBlock(block(new Uint8Array(0))), { message: 'failed to retrieve channel id - payload header is empty' });
  });

  it.skipIf(!fixtures)('is found from any later block, in the metadata of both eras', () => {
    for (const network of ['v1.1', 'v2.4']) {
      const last = [0, 1, 2, 3, 12].map((number) =>
        lastConfigOf(common.Block.decode(readFixture(`${network}/blocks/orderer/${number}.pb`))),
      );
      assert.deepEqual(last, [0n, 1n, 2n, 2n, 2n]);
    }
  });
});
