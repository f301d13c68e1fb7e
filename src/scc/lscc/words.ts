/** What LSCC says where the releases disagree. @see core/scc/lscc in hyperledger/fabric v1.1 and v2.5 */
import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import { messageOf, type SelvageError } from '../../common/errors.ts';
import type { FabricDialect } from '../../msp/policies/dialect.ts';
import type { FabricTexts } from '../../packages/names.ts';
import { unreadable } from '../../protos/unreadable.ts';
import { refused } from '../reply.ts';

export interface LsccWords {
  readonly dialect: FabricDialect;
  /** Which names and versions are taken. */
  readonly names: FabricTexts;
  /** All arguments count, the function's name among them. */
  wrongCount(args: readonly Uint8Array[]): SelvageError;
  unknownFunction(fn: string): SelvageError;
  otherChannel(channelId: string): SelvageError;
  /** Without channel there is no state to look into. */
  noState(call: ChaincodeCall): SelvageError;
  /** Of deploy and upgrade: the chaincode is on the channel already. */
  exists(name: string): SelvageError;
  /** Of deploy and upgrade: their argument is no deployment spec. */
  unreadableSpec(cause: unknown): SelvageError;
  badSpec(cause: string): string;
  mismatch(cause: string): SelvageError;
  deniedInstall(cause: string): string;
  /** Of `getinstalledchaincodes`, which is about this peer. */
  deniedInstalled(fn: string, cause: string): string;
  /** Of `getchaincodes`, which is about the channel of the call. */
  deniedInstantiated(fn: string, channelId: string, cause: string): string;
  deniedCollections(fn: string, channelId: string, cause: string): string;
  deniedChaincode(fn: string, channelId: string, cause: string): string;
}

const WORDS_OF_1: LsccWords = {
  dialect: '1.1',
  names: '1.1',
  wrongCount: (args) => refused(`invalid number of argument to lscc ${args.length}`),
  unknownFunction: (fn) => refused(`invalid function to lscc ${fn}`),
  otherChannel: (channelId) => refused(`invalid chain name ${channelId}`),
  noState: ({ proposal }) => refused(`invalid chain name ${proposal.channelId}`),
  exists: (name) => refused(`chaincode exists ${name}`),
  unreadableSpec: (cause) => refused(`invalid deployment spec : ${messageOf(cause)}`, cause),
  badSpec: (cause) => `invalid deployment spec : ${cause}`,
  mismatch: (cause) => refused(`chaincode fingerprint mismatch ${cause}`),
  deniedInstall: (cause) => `Authorization for INSTALL has been denied (error-${cause})`,
  deniedInstalled: (_fn, cause) =>
    `Authorization for GETINSTALLEDCHAINCODES on channel getinstalledchaincodes has been denied with error ${cause}`,
  deniedInstantiated: (_fn, _channelId, cause) =>
    `Authorization for GETCHAINCODES on channel getchaincodes has been denied with error ${cause}`,
  deniedCollections: (_fn, channelId, cause) => `Authorization request failed ${channelId}: ${cause}`,
  deniedChaincode: (_fn, channelId, cause) => `Authorization request failed ${channelId}: ${cause}`,
};

const WORDS_OF_2: LsccWords = {
  dialect: '2.x',
  names: '1.4',
  wrongCount: (args) => refused(`invalid number of arguments to lscc: ${args.length}`),
  unknownFunction: (fn) => refused(`invalid function to lscc: ${fn}`),
  otherChannel: (channelId) => refused(`invalid channel name: ${channelId}`),
  noState: ({ proposal }) => refused(`transaction not found: GET_STATE failed: transaction ID: ${proposal.txId}: no ledger context`),
  exists: (name) => refused(`chaincode with name '${name}' already exists`),
  unreadableSpec: (cause) => refused(`error unmarshalling ChaincodeDeploymentSpec: ${unreadable(cause)}`, cause),
  badSpec: (cause) => `invalid deployment spec: ${cause}`,
  mismatch: (cause) => refused(`chaincode fingerprint mismatch: ${cause}`),
  deniedInstall: (cause) => `access denied for [install]: ${cause}`,
  deniedInstalled: (fn, cause) => `access denied for [${fn}]: ${cause}`,
  deniedInstantiated: (fn, channelId, cause) => `access denied for [${fn}][${channelId}]: ${cause}`,
  deniedCollections: (fn, _channelId, cause) => `access denied for [${fn}]: ${cause}`,
  deniedChaincode: (fn, channelId, cause) => `access denied for [${fn}][${channelId}]: ${cause}`,
};

export const lsccWords = (dialect: FabricDialect): LsccWords => (dialect === '1.1' ? WORDS_OF_1 : WORDS_OF_2);
