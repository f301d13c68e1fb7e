/** What cscc says where the releases disagree. @see core/scc/cscc/configure.go in hyperledger/fabric v1.1 and v2.5 */
import type { FabricDialect } from '../msp/policies/dialect.ts';

export interface CsccWords {
  /** The caller may not use the function; of JoinChain and of those that ask about one channel. */
  deniedJoin(channelId: string, cause: string): string;
  deniedOn(fn: string, channelId: string, cause: string): string;
  deniedLocally(fn: string, cause: string): string;
  invalidBlock(channelId: string, cause: string): string;
  channelExists(channelId: string): string;
}

const WORDS_OF_1: CsccWords = {
  deniedJoin: (channelId, cause) => WORDS_OF_1.deniedOn('JoinChain', channelId, cause),
  deniedOn: (fn, channelId, cause) => `"${fn}" request failed authorization check for channel [${channelId}]: [${cause}]`,
  deniedLocally: (fn, cause) => `"${fn}" request failed authorization check: [${cause}]`,
  invalidBlock: (channelId, cause) =>
    `"JoinChain" for chainID = ${channelId} failed because of validation of configuration block, because of ${cause}`,
  channelExists: () => 'Cannot create ledger from genesis block, due to LedgerID already exists',
};

const WORDS_OF_2: CsccWords = {
  deniedJoin: (channelId, cause) => `access denied for [JoinChain][${channelId}]: [${cause}]`,
  deniedOn: (fn, channelId, cause) => `access denied for [${fn}][${channelId}]: ${cause}`,
  deniedLocally: (fn, cause) => `access denied for [${fn}]: ${cause}`,
  invalidBlock: (channelId, cause) =>
    `"JoinChain" for channelID = ${channelId} failed because of validation of configuration block, because of ${cause}`,
  channelExists: (channelId) => `cannot create ledger from genesis block: ledger [${channelId}] already exists with state [ACTIVE]`,
};

export const csccWords = (dialect: FabricDialect): CsccWords => (dialect === '1.1' ? WORDS_OF_1 : WORDS_OF_2);
