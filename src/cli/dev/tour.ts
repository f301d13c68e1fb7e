import { evaluate, submit } from '../../client/submit.ts';
import { chainInfo } from '../../client/system-calls.ts';
import { textOf } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { DevClients } from '../../node/dev/dev-clients.ts';
import { protos } from '../../protos/messages.ts';
import type { TourStep } from './chaincode-folder.ts';
import { describeRwset } from './describe.ts';
import type { Reporter } from './reporter.ts';

export interface TourParts {
  readonly clients: DevClients;
  readonly chaincode: string;
  readonly reporter: Reporter;
}

/** Makes the calls that the chaincode's package.json lists, and shows what each did to the ledger. */
export async function runTour(steps: readonly TourStep[], parts: TourParts, options: Cancellable): Promise<void> {
  if (steps.length === 0) return;
  const { height } = await chainInfo(parts.clients.user, parts.clients.channel, options);
  for (const { kind, args } of steps) {
    const filled = args.map((arg) => arg.replaceAll('{n}', String(height)));
    await (kind === 'invoke' ? invoke(filled, parts, options) : query(filled, parts, options));
  }
}

async function query(args: readonly string[], { clients, chaincode, reporter }: TourParts, options: Cancellable): Promise<void> {
  const start = performance.now();
  const { payload } = await evaluate(clients.user.peer, clients.user.signer, { channelId: clients.channel, chaincode, args }, options);
  const result = textOf(payload);
  reporter.step('query', args.join(' '), performance.now() - start, { args, result });
  reporter.detail(`→ ${result}`);
}

async function invoke(args: readonly string[], { clients, chaincode, reporter }: TourParts, options: Cancellable): Promise<void> {
  const start = performance.now();
  const endorsers = clients.admins.map(({ peer }) => peer);
  const parts = { signer: clients.user.signer, endorsers, orderer: clients.orderer, listeners: endorsers };
  const { response, commit, payload, proposal } = await submit(parts, { channelId: clients.channel, chaincode, args }, options);
  const lines = describeRwset(payload);
  const result = textOf(response.payload);
  const block = Number(commit?.blockNumber ?? 0n);
  const code = commit?.codeName ?? 'unknown';
  const facts = { args, result, txId: proposal.txId, block, code, rwset: lines };
  if (commit?.code === protos.TxValidationCode.VALID) reporter.step('invoke', args.join(' '), performance.now() - start, facts);
  else reporter.problem('invoke', args.join(' '), facts);
  if (result !== '') reporter.detail(`→ ${result}`);
  for (const { namespace, text } of lines) reporter.detail(`${namespace}: ${text}`);
  reporter.detail(`block ${block}, transaction ${proposal.txId.slice(0, 12)}…, ${code}`);
  if (commit?.code !== protos.TxValidationCode.VALID) {
    throw new SelvageError('REFUSED_BY_PEER', `transaction ${proposal.txId} was invalidated: ${code}`, {
      details: { txId: proposal.txId },
    });
  }
}
