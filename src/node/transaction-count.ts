import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { CommittedBlock, TransactionFacts } from '../channel/committed-block.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { validationCodeName } from '../client/submit.ts';
import { counters } from '../common/labelled.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { common } from '../protos/messages.ts';

/**
 * Counts the transactions of committed blocks by type, chaincode and validation code.
 * @see updateTransactionsStats in hyperledger/fabric v2.5, core/ledger/kvledger/metrics.go
 */
export function countTransactions(channels: Pick<ChannelRegistry, 'list' | 'onJoined'>, metrics: Metrics): AsyncDisposable {
  const scope = new Scope();
  const labels = ['channel', 'transaction_type', 'chaincode', 'validation_code'];
  const counted = counters(metrics, 'ledger_transaction_count', 'Number of transactions processed.', labels);
  const count = ({ channelId, transactions }: CommittedBlock): void => {
    for (const each of transactions) counted.of(channelId, typeName(each), chaincodeName(each), validationCodeName(each.code)).add();
  };
  const follow = (channel: JoinedChannel): void => void scope.use(channel.feed.listen(({ block }) => count(block)));
  for (const channel of channels.list()) follow(channel);
  scope.use(channels.onJoined(follow));
  return scope;
}

const TYPES: ReadonlyMap<number, string> = new Map(Object.entries(common.HeaderType).map(([name, type]) => [type, name]));

const typeName = ({ type }: TransactionFacts): string => TYPES.get(type) ?? 'unknown';

const chaincodeName = ({ chaincode }: TransactionFacts): string =>
  chaincode === undefined ? 'unknown' : `${chaincode.name}:${chaincode.version}`;
