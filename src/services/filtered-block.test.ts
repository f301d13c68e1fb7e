import { describe, expect, it } from 'vitest';
import { CommittedBlock } from '../channel/committed-block.ts';
import { utf8 } from '../common/bytes.ts';
import { common, protos } from '../protos/messages.ts';
import { filteredBlock } from './filtered-block.ts';

const { ENDORSER_TRANSACTION, CONFIG } = common.HeaderType;
const { VALID, MVCC_READ_CONFLICT } = protos.TxValidationCode;

interface Transaction {
  readonly txId: string;
  readonly type?: number;
  readonly data?: Uint8Array;
}

function envelope({ txId, type = ENDORSER_TRANSACTION, data = action({ chaincodeId: 'mycc' }) }: Transaction): Uint8Array {
  const channelHeader = common.ChannelHeader.encode({ type, txId, channelId: 'mychannel' });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader, signatureHeader: utf8('') }, data }) });
}

/** `Transaction` bytes of one action with that event, or with these bytes for one. */
function action(event: protos.ChaincodeEventInit | Uint8Array): Uint8Array {
  const events = event instanceof Uint8Array ? event : protos.ChaincodeEvent.encode(event);
  const extension = protos.ChaincodeAction.encode({ events });
  const proposalResponsePayload = protos.ProposalResponsePayload.encode({ extension });
  const payload = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload } });
  return protos.Transaction.encode({ actions: [{ payload }] });
}

function filtered(envelopes: readonly Uint8Array[], flags: readonly number[]): protos.FilteredBlockInit | undefined {
  const metadata: Uint8Array[] = [];
  metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] = new Uint8Array(flags);
  const all = Array.from(metadata, (slot) => slot ?? utf8(''));
  const init = { header: { number: 7n }, data: { data: envelopes }, metadata: { metadata: all } };
  return filteredBlock(new CommittedBlock('mychannel', common.Block.decode(common.Block.encode(init))));
}

describe('a filtered block', () => {
  it('lists every transaction with type and code, valid or not', () => {
    const envelopes = [envelope({ txId: 'a', data: action({}) }), envelope({ txId: 'b', type: CONFIG, data: utf8('\xff') })];
    expect(filtered(envelopes, [MVCC_READ_CONFLICT, VALID])).toEqual({
      channelId: 'mychannel',
      number: 7n,
      filteredTransactions: [
        { txid: 'a', type: ENDORSER_TRANSACTION, txValidationCode: MVCC_READ_CONFLICT, transactionActions: { chaincodeActions: [] } },
        { txid: 'b', type: CONFIG, txValidationCode: VALID },
      ],
    });
  });

  it('has events without their payload, also those of invalid transactions', () => {
    const event = { chaincodeId: 'mycc', txId: 'a', eventName: 'created', payload: utf8('secret') };
    const short = filtered([envelope({ txId: 'a', data: action(event) })], [MVCC_READ_CONFLICT]);
    expect(short?.filteredTransactions?.[0]?.transactionActions?.chaincodeActions).toEqual([
      { chaincodeEvent: { chaincodeId: 'mycc', txId: 'a', eventName: 'created' } },
    ]);
  });

  it('has no event that names no chaincode', () => {
    const short = filtered([envelope({ txId: 'a', data: action({ eventName: 'x' }) })], [VALID]);
    expect(short?.filteredTransactions?.[0]?.transactionActions?.chaincodeActions).toEqual([]);
  });

  it.each([
    ['transaction', utf8('\xff\xff')],
    ['event', action(utf8('\xff\xff'))],
  ])('cannot be made of a block with a %s that does not parse, whatever its code', (_, data) => {
    const envelopes = [envelope({ txId: 'good' }), envelope({ txId: 'bad', data })];
    expect(filtered(envelopes, [VALID, protos.TxValidationCode.BAD_PAYLOAD])).toBeUndefined();
  });

  it('may be empty', () => {
    expect(filtered([], [])).toEqual({ channelId: 'mychannel', number: 7n, filteredTransactions: [] });
  });
});
