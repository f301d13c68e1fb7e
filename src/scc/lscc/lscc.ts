import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../../chaincode/system.ts';
import { dialectOfProposal } from '../../channel/dialect.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { protos } from '../../protos/messages.ts';
import { ChannelAccess } from '../access.ts';
import { reply } from '../reply.ts';
import { Deploy } from './deploy.ts';
import { install } from './install.ts';
import type { Asked, LsccParts } from './parts.ts';
import { Queries } from './queries.ts';
import { lsccWords } from './words.ts';

type LsccFunction = (asked: Asked, options: Cancellable) => Promise<Uint8Array>;

/**
 * The legacy lifecycle: installs packages on this peer, writes definitions to the channel's state, and lists both.
 * @see core/scc/lscc/lscc.go in hyperledger/fabric v1.1 and v2.5, whose texts these are; function aliases and the collections
 *   query are of 1.2, and a channel with capability V2_0 is read-only as in 2.x
 */
export class Lscc implements SystemChaincode {
  readonly name = 'lscc';
  readonly fromProposal = true;
  readonly fromChaincode = true;
  readonly #parts: LsccParts;
  readonly #functions: ReadonlyMap<string, LsccFunction>;

  constructor(parts: LsccParts) {
    const access = new ChannelAccess(parts);
    const deploy = new Deploy(parts);
    const queries = new Queries({ access, packages: parts.packages });
    const functions: readonly (readonly [string, string, LsccFunction])[] = [
      ['getid', 'ChaincodeExists', counted(3, (asked) => queries.id(asked))],
      ['getdepspec', 'GetDeploymentSpec', counted(3, (asked) => queries.deploymentSpec(asked))],
      ['getccdata', 'GetChaincodeData', counted(3, (asked) => queries.chaincodeData(asked))],
      ['getchaincodes', 'GetChaincodes', counted(1, (asked) => queries.instantiated(asked))],
      ['getinstalledchaincodes', 'GetInstalledChaincodes', counted(1, (asked) => queries.installed(asked))],
      ['getcollectionsconfig', 'GetCollectionsConfig', counted(2, (asked) => queries.collections(asked))],
      ['deploy', 'deploy', (...given) => deploy.deploy(...given)],
      ['upgrade', 'upgrade', (...given) => deploy.upgrade(...given)],
      ['install', 'install', (asked, { signal }) => install(asked, { ...parts, access, signal })],
    ];
    this.#parts = parts;
    this.#functions = new Map(functions.flatMap(([name, alias, fn]) => [[name, fn] as const, [alias, fn] as const]));
  }

  invoke(call: ChaincodeCall, options: Cancellable): Promise<protos.Response> {
    return reply(async () => {
      const { args = [] } = call.input;
      const words = lsccWords(dialectOfProposal(this.#parts.channels, call.proposal.signedProposal));
      if (args.length < 1) throw words.wrongCount(args);
      const fn = textOf(args[0] ?? NOTHING);
      const work = this.#functions.get(fn);
      if (work === undefined) throw words.unknownFunction(fn);
      return work({ fn, args, call, words }, options);
    });
  }
}

const NOTHING = utf8('');

/** A function that takes so many arguments, its own name among them. */
const counted =
  (count: number, query: (asked: Asked) => Promise<Uint8Array>): LsccFunction =>
  async (asked) => {
    if (asked.args.length !== count) throw asked.words.wrongCount(asked.args);
    return query(asked);
  };
